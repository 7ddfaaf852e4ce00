/** Which group must run before which: by data, and because a variable is overwritten in place. */
import type { Tensor } from "../graph/tensor.ts";
import { type Group, produced, readsOf } from "./group.ts";
import { isWrite } from "./materialize.ts";

/** `reader` needs a version of a variable that `writer` replaces in place. */
interface Overwrite {
  readonly reader: Group;
  readonly version: Tensor;
  readonly writer: Group;
}

export class Dependencies {
  readonly overwrites: Overwrite[] = [];
  readonly #successors = new Map<Group, Set<Group>>();
  #reached: Map<Group, Bits> | undefined;

  constructor(groups: readonly Group[], chosen: ReadonlySet<Tensor>) {
    const producers = new Map<Tensor, Group[]>();
    const readers = new Map<Tensor, Group[]>();
    const note = (map: Map<Tensor, Group[]>, node: Tensor, group: Group) => {
      const list = map.get(node);
      if (list) list.push(group);
      else map.set(node, [group]);
    };
    for (const group of groups) {
      this.#successors.set(group, new Set());
      for (const node of produced(group)) note(producers, node, group);
      for (const { target } of group.roots) if (target.kind === "part") note(producers, target.node, group);
      for (const node of readsOf(group, chosen)) note(readers, node, group);
    }
    for (const [node, users] of readers) {
      for (const from of producers.get(node) ?? []) for (const to of users) this.#edge(from, to);
    }
    for (const [node, writers] of producers) {
      if (!isWrite(node)) continue;
      const previous = node.inputs[0]!;
      for (const writer of writers) {
        for (const reader of readers.get(previous) ?? []) {
          this.#edge(reader, writer);
          if (reader !== writer) this.overwrites.push({ reader, version: previous, writer });
        }
        for (const earlier of producers.get(previous) ?? []) this.#edge(earlier, writer);
      }
    }
  }

  #edge(from: Group, to: Group): void {
    if (from !== to) this.#successors.get(from)!.add(to);
  }

  successors(group: Group): ReadonlySet<Group> {
    return this.#successors.get(group)!;
  }

  /** True if `to` can be reached from `from` by way of at least one other group. */
  reachesAround(from: Group, to: Group): boolean {
    for (const next of this.successors(from)) if (next !== to && this.reaches(next, to)) return true;
    return false;
  }

  reaches(from: Group, to: Group): boolean {
    this.#reached ??= this.#closure();
    return this.#reached.get(from)!.has(this.#reached.get(to)!.index);
  }

  /** What each group reaches. Sweeps until nothing changes: one sweep or two where groups stand in order. */
  #closure(): Map<Group, Bits> {
    const groups = [...this.#successors.keys()];
    const reached = new Map(groups.map((g, index) => [g, new Bits(index, groups.length)]));
    for (const g of groups)
      for (const next of this.successors(g)) reached.get(g)!.add(reached.get(next)!.index);
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = groups.length - 1; i >= 0; i--) {
        const mine = reached.get(groups[i]!)!;
        for (const next of this.successors(groups[i]!)) changed = mine.join(reached.get(next)!) || changed;
      }
    }
    return reached;
  }

  /** An order that respects every dependency, oldest nodes first; or the groups that wait for each other. */
  order(): { readonly sorted: Group[] } | { readonly cycle: Group[] } {
    const waiting = new Map<Group, number>();
    for (const g of this.#successors.keys()) waiting.set(g, 0);
    for (const next of this.#successors.values()) for (const g of next) waiting.set(g, waiting.get(g)! + 1);
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

/** A set of group numbers, and the number of the group it belongs to. */
class Bits {
  readonly index: number;
  readonly #words: Uint32Array;

  constructor(index: number, count: number) {
    this.index = index;
    this.#words = new Uint32Array((count + 31) >>> 5);
  }

  add(i: number): void {
    this.#words[i >>> 5]! |= 1 << (i & 31);
  }

  has(i: number): boolean {
    return (this.#words[i >>> 5]! & (1 << (i & 31))) !== 0;
  }

  /** Adds all of `other`; true if anything was new. */
  join(other: Bits): boolean {
    let fresh = 0;
    for (let w = 0; w < this.#words.length; w++) {
      const before = this.#words[w]!;
      const after = (before | other.#words[w]!) >>> 0;
      fresh |= before ^ after;
      this.#words[w] = after;
    }
    return fresh !== 0;
  }
}
