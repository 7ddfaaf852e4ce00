/**
 * Decides which nodes get a buffer. Everything else is computed where it is used.
 *
 * A node gets one if it cannot be inlined (fold, matmul, ...), if it is an operand of a product, or if several kernels
 * would otherwise compute it again and that costs more than reading it back.
 */
import type { Tensor } from "../graph/tensor.ts";
import { topological } from "../graph/walk.ts";
import { sizeOf } from "../shape.ts";
import { viewOpOf } from "./chain.ts";
import { applyView, denseLayout, type Layout } from "./layout.ts";

/** Recomputing up to this many cheap instructions is no worse than a load. */
const CHEAP = 2;
/** A broadcast that repeats a costly expression this often makes it worth a buffer. */
const REPEATS = 4;
const COSTLY = 8;

const COSTS: Record<string, number> = {
  exp: 4,
  log: 6,
  log1p: 8,
  sqrt: 3,
  rsqrt: 3,
  recip: 2,
  div: 2,
  pow: 10,
  sigmoid: 6,
  tanh: 8,
};

function ownCost(node: Tensor): number {
  const op = node.op;
  if (op.kind === "unary" || op.kind === "binary") return COSTS[op.name] ?? 1;
  if (op.kind === "threefry") return 40;
  if (op.kind === "gather") return 2;
  if (op.kind === "select" || op.kind === "cast") return 1;
  return 0;
}

/** Nodes whose operands are read from buffers, by strides. */
export function isProduct({ op: { kind } }: Tensor): boolean {
  return kind === "matmul" || kind === "groupedMatmul" || kind === "groupedOuter";
}

/** Nodes that always have a buffer of their own. */
function isHeavy(node: Tensor): boolean {
  const k = node.op.kind;
  return isProduct(node) || k === "fold" || k === "segmentSum" || k === "touched" || k === "concat";
}

export function isWrite(node: Tensor): boolean {
  return node.op.kind === "assign" || node.op.kind === "assignRows";
}

/** Leaves that are already in a buffer. */
export function isLeaf(node: Tensor): boolean {
  return node.op.kind === "input" || node.op.kind === "variable";
}

/**
 * The layout of a matmul operand over a buffer (base), or undefined if the operand needs a buffer of its own. `stored`
 * tells which views have one already.
 */
export function operandLayout(
  operand: Tensor,
  stored: (node: Tensor) => boolean,
): { base: Tensor; layout: Layout } | undefined {
  const views: Tensor[] = [];
  let base = operand;
  while (viewOpOf(base) && !stored(base)) {
    views.push(base);
    base = base.inputs[0]!;
  }
  let layout: Layout | undefined = denseLayout(base.shape);
  for (let i = views.length - 1; i >= 0 && layout; i--) layout = applyView(layout, viewOpOf(views[i]!)!);
  const [, rows, columns] = matrixShape(operand.shape);
  layout = layout && applyView(layout, { kind: "reshape", shape: matrixShape(operand.shape) });
  if (!layout) return undefined;
  const [, rowStride, columnStride] = layout.strides as [number, number, number];
  const unit = columnStride === 1 || rowStride === 1 || rows === 1 || columns === 1;
  // a broadcast inside the matrix has no unit stride: it needs a buffer
  const repeated = (rows > 1 && rowStride === 0) || (columns > 1 && columnStride === 0);
  return unit && !repeated ? { base, layout } : undefined;
}

/** What rows are gathered from: a reshape without a buffer of its own is read from that of its source, whose elements are in the same order. */
export function tableOf(table: Tensor, stored: (node: Tensor) => boolean): Tensor {
  let base = table;
  while (base.op.kind === "reshape" && !stored(base)) base = base.inputs[0]!;
  return base;
}

/** [batch, rows, columns] of a stack of matrices. */
export function matrixShape(shape: readonly number[]): [number, number, number] {
  const rank = shape.length;
  return [sizeOf(shape.slice(0, -2)), shape[rank - 2]!, shape[rank - 1]!];
}

/**
 * The set of nodes with a buffer (leaves are not in it). `forced` are those a former round found to need one.
 * Roots' values need no buffer of their own: a kernel may store them straight to their destination.
 */
export function materialized(roots: readonly Tensor[], forced: ReadonlySet<Tensor>): Set<Tensor> {
  const nodes = topological(roots);
  const chosen = new Set<Tensor>(forced);
  for (const node of nodes) {
    if (isHeavy(node) || isWrite(node)) chosen.add(node);
    if (isProduct(node)) {
      for (const operand of node.inputs) {
        const found = operandLayout(operand, (x) => chosen.has(x));
        const base = found?.base ?? operand;
        if (!isLeaf(base)) chosen.add(base);
      }
    }
    if (node.op.kind === "gather" || node.op.kind === "rows") {
      const table = tableOf(node.inputs[0]!, (x) => chosen.has(x));
      if (!isLeaf(table)) chosen.add(table);
    }
  }
  chooseTips(nodes, chosen);
  shareAcrossKernels(nodes, roots, chosen);
  return chosen;
}

/** Row updates by one plan become one kernel: what they share is computed once there. */
function kernelOf(node: Tensor, rowKernels: Map<unknown, Tensor>): Tensor {
  if (node.op.kind !== "assignRows") return node;
  const known = rowKernels.get(node.op.plan);
  if (known) return known;
  rowKernels.set(node.op.plan, node);
  return node;
}

/**
 * Chooses nodes that the kernel of a heavy node stores instead of it, at no cost: elementwise ops over a heavy node that
 * nothing else uses (a product plus its bias, a sum divided by its length), where more than one op would repeat them.
 */
function chooseTips(nodes: readonly Tensor[], chosen: Set<Tensor>): void {
  const users = new Map<Tensor, Tensor[]>(nodes.map((n) => [n, []]));
  for (const node of nodes) for (const x of new Set(node.inputs)) users.get(x)!.push(node);
  const tips = new Set<Tensor>();
  for (const node of nodes) {
    const { kind } = node.op;
    const mine = users.get(node)!;
    const over = node.inputs.some((x) => {
      const base = x.op.kind === "fold" || x.op.kind === "matmul";
      return (base || tips.has(x)) && users.get(x)!.length === 1;
    });
    if (!over || (kind !== "unary" && kind !== "binary" && kind !== "select" && kind !== "reshape")) continue;
    tips.add(node);
    const repeated = mine.length > 1 || mine[0]?.op.kind === "broadcast";
    if (kind !== "reshape" && repeated) chosen.add(node);
  }
}

function shareAcrossKernels(nodes: readonly Tensor[], roots: readonly Tensor[], chosen: Set<Tensor>): void {
  const rowKernels = new Map<unknown, Tensor>();
  const costs = inlineCosts(nodes, chosen);
  const owners = new Map<Tensor, Set<Tensor>>(nodes.map((n) => [n, new Set<Tensor>()]));
  const repeats = new Map<Tensor, number>();
  for (const root of roots) owners.get(root)!.add(root);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const mine = owners.get(node)!;
    if (!chosen.has(node) && !isLeaf(node) && !viewOpOf(node) && sizeOf(node.shape) > 1) {
      const cost = costs.get(node)!;
      const shared = mine.size > 1 && cost > CHEAP;
      const repeated = (repeats.get(node) ?? 1) >= REPEATS && cost >= COSTLY;
      if (shared || repeated) chosen.add(node);
    }
    const users = chosen.has(node) ? new Set([kernelOf(node, rowKernels)]) : mine;
    const through = chosen.has(node) ? 1 : (repeats.get(node) ?? 1);
    for (const x of node.inputs) {
      for (const user of users) owners.get(x)!.add(user);
      const grows = node.op.kind === "broadcast" ? sizeOf(node.shape) / Math.max(1, sizeOf(x.shape)) : 1;
      repeats.set(x, Math.max(repeats.get(x) ?? 1, through * grows));
    }
  }
}

/** Instructions needed to compute each node from buffers, capped. */
function inlineCosts(nodes: readonly Tensor[], chosen: ReadonlySet<Tensor>): Map<Tensor, number> {
  const costs = new Map<Tensor, number>();
  for (const node of nodes) {
    if (chosen.has(node) || isLeaf(node)) {
      costs.set(node, 0);
      continue;
    }
    let below = 0;
    for (const x of new Set(node.inputs)) below += costs.get(x)!;
    // what is costly and repeated gets a buffer itself: it does not make its users costly
    const grows =
      node.op.kind === "broadcast" ? sizeOf(node.shape) / Math.max(1, sizeOf(node.inputs[0]!.shape)) : 1;
    if (grows >= REPEATS && below >= COSTLY && sizeOf(node.inputs[0]!.shape) > 1) below = 0;
    costs.set(node, Math.min(1000, ownCost(node) + below));
  }
  return costs;
}
