/** Which group must run before which: by data, and because a variable is overwritten in place. */
import type { Tensor } from "../graph/tensor.ts";
import { type Group, produced, readsOf } from "./group.ts";
import { isWrite } from "./materialize.ts";

/** `reader` needs a version of a variable that `writer` replaces in place. */
export interface Overwrite {
  readonly reader: Group;
  readonly version: Tensor;
  readonly writer: Group;
}

export class Dependencies {
  readonly overwrites: Overwrite[] = [];
  readonly #successors = new Map<Group, Set<Group>>();

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
    const seen = new Set<Group>();
    const stack = [...this.successors(from)].filter((g) => g !== to);
    for (let g = stack.pop(); g; g = stack.pop()) {
      if (g === to) return true;
      if (seen.has(g)) continue;
      seen.add(g);
      stack.push(...this.successors(g));
    }
    return false;
  }

  reaches(from: Group, to: Group): boolean {
    return this.successors(from).has(to) || this.reachesAround(from, to);
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
