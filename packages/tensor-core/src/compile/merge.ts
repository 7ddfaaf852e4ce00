/**
 * Merges groups into larger kernels: an elementwise consumer into the kernel that makes its input (so the value is
 * never read back), and kernels over the same space that read the same buffers (one pass instead of several).
 */
import type { Tensor } from "../graph/tensor.ts";
import type { Kernel } from "../kernels/ir.ts";
import { sameShape, sizeOf } from "../shape.ts";
import { Dependencies } from "./dependencies.ts";
import { NotAffine } from "./emit.ts";
import { Hazard, TooManyBuffers } from "./form.ts";
import { type Group, makeGroup, produced, type Root } from "./group.ts";
import type { Uses } from "./uses.ts";

/** Below this many elements a kernel costs its dispatch: merging is worth it even where nothing is shared. */
const SMALL = 16384;

export interface Merging {
  readonly uses: Uses;
  /** Nodes that are outputs: their stores stay even when no other kernel reads them. */
  readonly keep: ReadonlySet<Tensor>;
  /** Forms a kernel, or throws NotAffine, Hazard or TooManyBuffers. */
  form(group: Group): Kernel;
}

export function mergeGroups(groups: readonly Group[], m: Merging): Group[] {
  let current = [...groups];
  for (let changed = true; changed; ) {
    changed = false;
    for (const pair of [vertical, horizontal]) {
      for (let found = step(current, m, pair); found; found = step(current, m, pair)) {
        current = found;
        changed = true;
      }
    }
  }
  return current;
}

type Pairing = (p: Group, c: Group, deps: Dependencies, m: Merging) => boolean;

/** Refused pairs, so that a pair is not tried twice. */
const refused = new WeakMap<Group, WeakSet<Group>>();

function step(groups: readonly Group[], m: Merging, pairs: Pairing): Group[] | undefined {
  const deps = new Dependencies(groups, m.uses);
  for (const p of groups) {
    for (const c of pairs === vertical ? deps.successors(p) : groups) {
      if (p === c || refused.get(p)?.has(c) || !pairs(p, c, deps, m)) continue;
      const merged = tryMerge(p, c, groups, m);
      if (merged) return groups.filter((g) => g !== p && g !== c).concat(merged);
      let list = refused.get(p);
      if (!list) {
        list = new WeakSet();
        refused.set(p, list);
      }
      list.add(c);
    }
  }
  return undefined;
}

/** c reads what p makes, element by element. */
const vertical: Pairing = (p, c, deps, m) => {
  if (p.size !== c.size || deps.reachesAround(p, c)) return false;
  // a kernel over touched rows stores only those: a map beside it may mean all
  if (p.kind === "grouped" || (p.kind === "segment" && c.kind !== "segment")) return false;
  if (c.kind === "segment") {
    return (
      p.kind === "segment" && p.plan === c.plan && sameShape(p.space, c.space) && !addsUp(c, p, m.uses.chosen)
    );
  }
  return c.kind === "map";
};

/**
 * True if a sum of c is of what p makes. A segment sums positions, and what a kernel makes for each row is known to it at that row
 * alone: a sum of rows that positions look up reads them from a buffer, which is another kernel's.
 */
function addsUp(c: Group, p: Group, chosen: ReadonlySet<Tensor>): boolean {
  const made = produced(p);
  const seen = new Set<Tensor>();
  const stack = c.heavy.flatMap((node) => node.inputs);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (made.includes(node)) return true;
    if (seen.has(node) || chosen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return false;
}

/** Independent kernels of one shape. */
const horizontal: Pairing = (p, c, deps, m) => {
  if (p.id > c.id || p.kind !== c.kind || p.kind === "matmul" || p.kind === "grouped" || p.size !== c.size)
    return false;
  if (p.kind === "reduce" && !(sameShape(p.space, c.space) && sameShape(p.inner, c.inner))) return false;
  if (p.kind === "segment" && !(p.plan === c.plan && sameShape(p.space, c.space))) return false;
  const tiny = p.size * sizeOf(p.inner) <= SMALL;
  if (p.kind !== "segment" && !tiny && !shareReads(p, c, m)) return false;
  return !deps.reaches(p, c) && !deps.reaches(c, p);
};

function shareReads(p: Group, c: Group, m: Merging): boolean {
  const mine = m.uses.of(p).reads;
  for (const node of m.uses.of(c).reads) if (mine.has(node) && node.shape.length > 0) return true;
  return false;
}

function tryMerge(p: Group, c: Group, groups: readonly Group[], m: Merging): Group | undefined {
  const heavy = [...p.heavy, ...c.heavy];
  const roots = [...p.roots, ...c.roots];
  const { kind, space, inner } = p.heavy.length > 0 || c.kind !== "segment" ? p : c;
  const inlined = [...p.inlined, ...c.inlined];
  const merged = makeGroup({ kind, space, inner, heavy, roots, inlined, plan: p.plan ?? c.plan });
  const group = withoutIdleStores(
    merged,
    groups.filter((g) => g !== p && g !== c),
    m,
  );
  try {
    m.form(group);
    return group;
  } catch (reason) {
    if (reason instanceof NotAffine || reason instanceof Hazard || reason instanceof TooManyBuffers)
      return undefined;
    throw reason;
  }
}

/** Drops stores of values that no other kernel and no output reads. */
function withoutIdleStores(group: Group, others: readonly Group[], m: Merging): Group {
  const read = new Set<Tensor>();
  for (const g of others) for (const node of m.uses.of(g).reads) read.add(node);
  const needed = ({ target }: Root) => {
    if (target.kind === "node") return read.has(target.node) || m.keep.has(target.node);
    if (target.kind !== "variable") return true;
    // a version that this kernel replaces at once
    return !group.roots.some((r) => {
      const next = r.target.kind === "variable" ? r.target.node : undefined;
      return next && next.inputs[0] === target.node && next.op.kind === target.node.op.kind;
    });
  };
  const roots = group.roots.filter(needed);
  if (roots.length === group.roots.length) return group;
  // a value that is no longer stored is still computed here, where it is used
  const gone = group.roots
    .filter((r) => !needed(r))
    .flatMap((r) => (r.target.kind === "node" || r.target.kind === "variable" ? [r.target.node] : []));
  return makeGroup({ ...group, roots, inlined: [...group.inlined, ...gone] });
}
