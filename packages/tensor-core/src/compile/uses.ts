/** What groups compute, fill and read, as nodes and as their numbers: found once a group, however often it is asked while groups are merged. */
import type { Tensor } from "../graph/tensor.ts";
import { type Expressions, expressionsOf, type Group, produced } from "./group.ts";
import { isWrite } from "./materialize.ts";

export interface Use extends Expressions {
  /** Nodes whose buffers, or parts of them, the group fills. */
  readonly fills: readonly number[];
  /** The numbers of `reads`. */
  readonly from: readonly number[];
}

/** A version of a variable that replaces another in place. */
export interface Replacement {
  readonly node: number;
  readonly previous: number;
}

export class Uses {
  readonly chosen: ReadonlySet<Tensor>;
  readonly #numbers = new Map<Tensor, number>();
  readonly #replacements: Replacement[] = [];
  readonly #known = new WeakMap<Group, Use>();

  constructor(chosen: ReadonlySet<Tensor>) {
    this.chosen = chosen;
  }

  of(group: Group): Use {
    let use = this.#known.get(group);
    if (!use) {
      const fills = new Set(produced(group).map((node) => this.#number(node)));
      for (const { target } of group.roots) if (target.kind === "part") fills.add(this.#number(target.node));
      const expressions = expressionsOf(group, this.chosen);
      const from = [...expressions.reads].map((node) => this.#number(node));
      use = { ...expressions, fills: [...fills], from };
      this.#known.set(group, use);
    }
    return use;
  }

  /** Nodes met so far. */
  get count(): number {
    return this.#numbers.size;
  }

  get replacements(): readonly Replacement[] {
    return this.#replacements;
  }

  #number(node: Tensor): number {
    const known = this.#numbers.get(node);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(node, number);
    if (isWrite(node)) {
      const previous = this.#number(node.inputs[0]!);
      this.#replacements.push({ node: number, previous });
    }
    return number;
  }
}
