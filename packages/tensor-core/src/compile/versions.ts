/**
 * Variables are replaced in place, so a kernel that reads a version must run before the one that writes the next. Where
 * such kernels wait for each other (a swap; an expression of old and new content), something is put aside first: the
 * largest part of the reader's expression that needs nothing the circle makes, or, if there is none, the old version.
 */
import { CompileError } from "../errors.ts";
import { Tensor } from "../graph/tensor.ts";
import { topological } from "../graph/walk.ts";
import { sizeOf } from "../shape.ts";
import type { Dependencies } from "./dependencies.ts";
import { type Group, produced } from "./group.ts";
import { isWrite } from "./materialize.ts";

/** Nodes that get a buffer, or a version that every reader finds in a copy. */
export type Remedy = { readonly force: readonly Tensor[] } | { readonly copy: Tensor };

/**
 * What to put aside so that fewer circles of groups are left: the cheapest choice of each set of groups that all wait for each other,
 * all at once, as none changes what another waits for; a copy alone, because it makes the graph another one.
 */
export function breakCircles(
  groups: readonly Group[],
  chosen: ReadonlySet<Tensor>,
  deps: Dependencies,
): Remedy {
  const best = new Map<Group, { cost: number; remedy: Remedy }>();
  for (const { reader, version, writer } of deps.overwrites) {
    if (!deps.reaches(writer, reader)) continue;
    const late = lateNodes(groups, writer, deps);
    // a smaller circle makes the version itself wait for its own replacement: break that one first
    if (late.has(version)) continue;
    const parts = cleanParts(reader, version, chosen, late);
    const copy = parts.includes(version);
    const cost = copy ? sizeOf(version.shape) : parts.reduce((n, p) => n + sizeOf(p.shape), 0);
    const remedy = copy ? { copy: version } : { force: parts };
    const circle = groups.find((g) => deps.reaches(writer, g) && deps.reaches(g, writer))!;
    const before = best.get(circle);
    if (!before || cost < before.cost) best.set(circle, { cost, remedy });
  }
  const remedies = [...best.values()].map(({ remedy }) => remedy);
  if (remedies.length === 0)
    throw new CompileError("compile: internal: kernels wait for each other without an overwritten version.");
  const force = remedies.flatMap((remedy) => ("force" in remedy ? remedy.force : []));
  return force.length > 0 ? { force } : remedies[0]!;
}

/** What is known only after `writer` has run. */
function lateNodes(groups: readonly Group[], writer: Group, deps: Dependencies): Set<Tensor> {
  const late = new Set<Tensor>();
  for (const group of groups) {
    if (group !== writer && !deps.reaches(writer, group)) continue;
    for (const node of produced(group)) late.add(node);
    for (const { target } of group.roots) if (target.kind === "part") late.add(target.node);
  }
  return late;
}

/** The largest inline expressions of `reader` that read `version` and nothing late. */
function cleanParts(
  reader: Group,
  version: Tensor,
  chosen: ReadonlySet<Tensor>,
  late: ReadonlySet<Tensor>,
): Tensor[] {
  const known = new Map<Tensor, { uses: boolean; late: boolean }>();
  const look = (node: Tensor): { uses: boolean; late: boolean } => {
    const before = known.get(node);
    if (before) return before;
    let found: { uses: boolean; late: boolean };
    if (node === version) found = { uses: true, late: false };
    else if (chosen.has(node)) found = { uses: false, late: late.has(node) };
    else {
      const below = node.inputs.map(look);
      found = { uses: below.some((b) => b.uses), late: below.some((b) => b.late) };
    }
    known.set(node, found);
    return found;
  };
  const parts = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const stack = reader.heavy.flatMap((h) => h.inputs);
  for (const { value, target } of reader.roots) {
    if (reader.heavy.includes(value)) continue;
    // the value of a node's own kernel is that node: only what it is made of can be put aside
    if (target.kind === "node" && target.node === value) stack.push(...value.inputs);
    else stack.push(value);
  }
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const { uses, late: after } = look(node);
    if (!uses) continue;
    if (after) stack.push(...node.inputs);
    else parts.add(node);
  }
  return [...parts];
}

/** Rebuilds the graph so that every reader of `version` reads one copy of it; maps old nodes to new ones. */
export function withCopy(
  roots: readonly Tensor[],
  version: Tensor,
): { readonly copy: Tensor; readonly map: ReadonlyMap<Tensor, Tensor> } {
  const copy = new Tensor({ kind: "cast" }, [version], version.shape, version.dtype);
  const map = new Map<Tensor, Tensor>();
  for (const node of topological(roots)) {
    const inputs = node.inputs.map((x, i) => {
      if (x === version) return i === 0 && isWrite(node) ? version : copy;
      return map.get(x)!;
    });
    const same = inputs.every((x, i) => x === node.inputs[i]);
    map.set(node, same ? node : new Tensor(node.op, inputs, node.shape, node.dtype));
  }
  return { copy, map };
}
