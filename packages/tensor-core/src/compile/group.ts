/** A kernel while it is being formed: what it computes, over which space, and where the results go. */
import type { PlanInputs, Tensor } from "../graph/tensor.ts";
import { sizeOf } from "../shape.ts";
import { isWrite, matrixShape } from "./materialize.ts";

export type Target =
  /** The buffer of a materialized node (or its output buffer). */
  | { readonly kind: "node"; readonly node: Tensor }
  /** A part of a concat's buffer, `start` along its axis. */
  | { readonly kind: "part"; readonly node: Tensor; readonly start: number }
  /** A variable's buffer. */
  | { readonly kind: "variable"; readonly node: Tensor }
  /** A copy for an output that has no kernel of its own. */
  | { readonly kind: "output"; readonly index: number };

export interface Root {
  readonly value: Tensor;
  readonly target: Target;
}

export interface Group {
  readonly id: number;
  /** Elements of the space. */
  readonly size: number;
  readonly kind: "map" | "reduce" | "matmul" | "segment" | "grouped";
  readonly space: readonly number[];
  /** reduce: extents of the folded axes. */
  readonly inner: readonly number[];
  readonly heavy: readonly Tensor[];
  readonly roots: readonly Root[];
  /** Nodes that had a buffer until every reader was merged into this group. */
  readonly inlined: readonly Tensor[];
  readonly plan?: PlanInputs;
}

let nextGroup = 0;

export function makeGroup(parts: Omit<Group, "id" | "size">): Group {
  return { ...parts, id: nextGroup++, size: sizeOf(parts.space) };
}

// Groups never change, so what is known of one stays true; merging asks again and again.
const producedBy = new WeakMap<Group, readonly Tensor[]>();

/** The nodes whose buffers this group fills (concat parts and output copies have none). */
export function produced(group: Group): readonly Tensor[] {
  let nodes = producedBy.get(group);
  if (!nodes) {
    nodes = findProduced(group);
    producedBy.set(group, nodes);
  }
  return nodes;
}

function findProduced(group: Group): Tensor[] {
  const out: Tensor[] = [...group.heavy, ...group.inlined];
  for (const { target } of group.roots) {
    if ((target.kind === "node" || target.kind === "variable") && !out.includes(target.node))
      out.push(target.node);
  }
  return out;
}

/** One group for each materialized node and each output that needs a copy. */
export function initialGroups(
  chosen: ReadonlySet<Tensor>,
  outputs: readonly { readonly value: Tensor; readonly index: number }[],
): Group[] {
  const groups: Group[] = [];
  for (const node of [...chosen].sort((a, b) => a.id - b.id)) groups.push(...groupsOf(node));
  for (const { value, index } of outputs) groups.push(mapGroup(value, { kind: "output", index }));
  return groups.filter((g) => g.size > 0);
}

function groupsOf(node: Tensor): Group[] {
  const op = node.op;
  const toNode: Root = { value: node, target: { kind: "node", node } };
  const base = { inner: [] as number[], heavy: [node], roots: [toNode], inlined: [] };
  switch (op.kind) {
    case "fold": {
      const shape = node.inputs[0]!.shape;
      const space = shape.filter((_, i) => !op.axes.includes(i));
      return [makeGroup({ ...base, kind: "reduce", space, inner: op.axes.map((a) => shape[a]!) })];
    }
    case "matmul":
      return [makeGroup({ ...base, kind: "matmul", space: matrixShape(node.shape) })];
    case "groupedMatmul":
    case "groupedOuter":
      return [makeGroup({ ...base, kind: "grouped", space: matrixShape(node.shape), plan: op.plan })];
    case "segmentSum":
      return [makeGroup({ ...base, kind: "segment", space: node.shape, plan: op.plan })];
    case "concat": {
      let start = 0;
      return node.inputs.map((part) => {
        const group = mapGroup(part, { kind: "part", node, start });
        start += part.shape[op.axis]!;
        return group;
      });
    }
    case "touched":
      return [
        makeGroup({
          ...base,
          kind: "segment",
          space: node.shape,
          heavy: [],
          roots: [{ value: node.inputs[0]!, target: { kind: "node", node } }],
          plan: op.plan,
        }),
      ];
    case "assign":
      return [mapGroup(node.inputs[1]!, { kind: "variable", node })];
    case "assignRows": {
      const value = node.inputs[1]!;
      const space = value.shape.length === 1 ? [value.shape[0]!, 1] : value.shape;
      const root: Root = { value, target: { kind: "variable", node } };
      return [
        makeGroup({
          kind: "segment",
          space,
          inner: [],
          heavy: [],
          roots: [root],
          inlined: [],
          plan: op.plan,
        }),
      ];
    }
    default:
      return [mapGroup(node, { kind: "node", node })];
  }
}

function mapGroup(value: Tensor, target: Target): Group {
  return makeGroup({
    kind: "map",
    space: value.shape,
    inner: [],
    heavy: [],
    roots: [{ value, target }],
    inlined: [],
  });
}

/** What a group's expressions are made of. */
export interface Expressions {
  /** Nodes that the group computes where it uses them. */
  readonly computed: ReadonlySet<Tensor>;
  /** Buffered nodes and variables that it reads. */
  readonly reads: ReadonlySet<Tensor>;
}

export function expressionsOf(group: Group, chosen: ReadonlySet<Tensor>): Expressions {
  const own = new Set(produced(group));
  const computed = new Set<Tensor>();
  const reads = new Set<Tensor>();
  const seen = new Set<Tensor>(group.heavy);
  const stack: Tensor[] = [];
  const expand = (node: Tensor) => {
    // the previous version of a variable is replaced, not read
    if (isWrite(node)) stack.push(node.inputs[1]!);
    else stack.push(...node.inputs);
  };
  for (const heavy of group.heavy) expand(heavy);
  for (const { value } of group.roots) stack.push(value);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op.kind === "variable" || (chosen.has(node) && !own.has(node))) reads.add(node);
    else {
      computed.add(node);
      expand(node);
    }
  }
  return { computed, reads };
}
