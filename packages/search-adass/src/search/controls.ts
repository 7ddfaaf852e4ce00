/** Controls on the same supernet: a plain evolutionary search, and random paths. Both look at paths within the limit only. */
import type { Random } from "@trimtab/data";
import { z } from "zod";
import type { Path } from "../path.ts";
import { pick } from "../supernet/sampler.ts";
import type { Costs } from "./cost.ts";
import type { Judged } from "./reward.ts";
import { parseState, type Strategy } from "./strategy.ts";

export interface ControlOptions {
  /** [field][candidate]: what paths are drawn from. */
  readonly start: readonly (readonly number[])[];
  readonly costs: Costs;
  /** Paths a round. */
  readonly paths: number;
}

function drawn({ start, costs }: ControlOptions, random: Random): Path {
  return costs.repair(
    start.map((p) => pick(p, random)),
    random,
  );
}

/** Paths drawn from the first policy, and nothing learned: what a search must beat to have found anything. */
export class RandomPaths implements Strategy {
  readonly state = null;
  readonly #options: ControlOptions;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  ask(random: Random): Path[] {
    return Array.from({ length: this.#options.paths }, () => drawn(this.#options, random));
  }

  tell(): void {}

  restore(): void {}
}

/** A field of a child is drawn anew with this chance. */
const MUTATION = 0.1;
/** Parents kept, in rounds of paths. */
const KEPT = 2;

const stateSchema = z.array(z.strictObject({ path: z.array(z.int()), reward: z.number() }));

/**
 * The best paths seen are parents; a round's children are half of them mixed from two parents, field by field, half copied from one,
 * and all have a tenth of their fields drawn anew.
 */
export class Evolution implements Strategy {
  readonly #options: ControlOptions;
  #parents: { path: Path; reward: number }[] = [];

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  get state() {
    return structuredClone(this.#parents);
  }

  restore(state: unknown): void {
    this.#parents = parseState(stateSchema, state);
  }

  ask(random: Random): Path[] {
    const { paths } = this.#options;
    return Array.from({ length: paths }, (_, i) =>
      this.#parents.length < paths * KEPT ? drawn(this.#options, random) : this.#child(random, i % 2 === 0),
    );
  }

  tell(judged: readonly Judged[]): void {
    const all = [...this.#parents, ...judged.map(({ path, reward }) => ({ path, reward }))];
    const seen = new Set<string>();
    const different = all.filter(({ path }) => !seen.has(path.join()) && seen.add(path.join()));
    // a stable sort: of equals the older stays
    this.#parents = different.sort((a, b) => b.reward - a.reward).slice(0, this.#options.paths * KEPT);
  }

  #child(random: Random, mixed: boolean): Path {
    const parent = () => this.#parents[Math.floor(random.uniform() * this.#parents.length)]!.path;
    const [one, other] = [parent(), parent()];
    const { start, costs } = this.#options;
    const child = one.map((k, f) => {
      if (random.uniform() < MUTATION) return pick(start[f]!, random);
      return mixed && random.uniform() < 0.5 ? other[f]! : k;
    });
    return costs.repair(child, random);
  }
}
