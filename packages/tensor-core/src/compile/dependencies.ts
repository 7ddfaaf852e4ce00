/** Which group must run before which: by data, and because a variable is overwritten in place. */
import type { Tensor } from "../graph/tensor.ts";
import { BitMatrix } from "./bit-matrix.ts";
import { type Group, produced } from "./group.ts";
import { isWrite } from "./materialize.ts";
import type { Uses } from "./uses.ts";

/** `reader` needs a version of a variable that `writer` replaces in place. */
interface Overwrite {
  readonly reader: Group;
  readonly version: Tensor;
  readonly writer: Group;
}

export class Dependencies {
  readonly #groups: readonly Group[];
  readonly #uses: Uses;
  readonly #places: ReadonlyMap<Group, number>;
  /** Row: a group's place; bits: the places of those that must run after it, next to it. */
  readonly #next: BitMatrix;
  #reached: BitMatrix | undefined;

  constructor(groups: readonly Group[], uses: Uses) {
    this.#groups = groups;
    this.#uses = uses;
    this.#places = new Map(groups.map((group, place) => [group, place]));
    this.#next = new BitMatrix(groups.length);
    const all = groups.map((group) => uses.of(group));
    const fillers = lists(uses.count);
    const readers = lists(uses.count);
    all.forEach(({ fills, from }, place) => {
      for (const node of fills) fillers[node]!.push(place);
      for (const node of from) readers[node]!.push(place);
    });
    fillers.forEach((from, node) => {
      for (const filler of from) for (const reader of readers[node]!) this.#edge(filler, reader);
    });
    for (const { node, previous } of uses.replacements) {
      for (const writer of fillers[node]!) {
        for (const reader of readers[previous]!) this.#edge(reader, writer);
        for (const earlier of fillers[previous]!) this.#edge(earlier, writer);
      }
    }
  }

  #edge(from: number, to: number): void {
    if (from !== to) this.#next.add(from, to);
  }

  successors(group: Group): readonly Group[] {
    return this.#next.bitsOf(this.#places.get(group)!).map((place) => this.#groups[place]!);
  }

  /** True if `to` can be reached from `from` by way of at least one other group. */
  reachesAround(from: Group, to: Group): boolean {
    for (const next of this.successors(from)) if (next !== to && this.reaches(next, to)) return true;
    return false;
  }

  reaches(from: Group, to: Group): boolean {
    this.#reached ??= this.#next.closure();
    return this.#reached.has(this.#places.get(from)!, this.#places.get(to)!);
  }

  get overwrites(): readonly Overwrite[] {
    return this.#groups.flatMap((writer) =>
      produced(writer)
        .filter(isWrite)
        .flatMap((node) => {
          const version = node.inputs[0]!;
          return this.#groups
            .filter((reader) => reader !== writer && this.#uses.of(reader).reads.has(version))
            .map((reader) => ({ reader, version, writer }));
        }),
    );
  }

  /** An order that respects every dependency, oldest nodes first; or the groups that wait for each other. */
  order(): { readonly sorted: Group[] } | { readonly cycle: Group[] } {
    const waiting = new Map<Group, number>();
    for (const g of this.#groups) waiting.set(g, 0);
    for (const g of this.#groups)
      for (const next of this.successors(g)) waiting.set(next, waiting.get(next)! + 1);
    const age = (g: Group) => Math.min(...produced(g).map((n) => n.id), ...g.roots.map((r) => r.value.id));
    const ready = [...waiting].filter(([, n]) => n === 0).map(([g]) => g);
    const sorted: Group[] = [];
    while (ready.length > 0) {
      ready.sort((a, b) => age(b) - age(a) || b.id - a.id);
      const g = ready.pop()!;
      waiting.delete(g);
      sorted.push(g);
      for (const next of this.successors(g)) {
        const left = waiting.get(next)! - 1;
        waiting.set(next, left);
        if (left === 0) ready.push(next);
      }
    }
    return waiting.size > 0 ? { cycle: [...waiting.keys()] } : { sorted };
  }
}

function lists(count: number): number[][] {
  return Array.from({ length: count }, () => []);
}
