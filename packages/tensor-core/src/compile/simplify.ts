/**
 * Rewrites the graph before kernels are formed: equal nodes become one, arithmetic with neutral constants goes, and
 * long folds are split into stages (so that every engine adds in the same order and no thread loops for long).
 */

import { add } from "../graph/elementwise.ts";
import { constant, zeros } from "../graph/leaves.ts";
import { Tensor } from "../graph/tensor.ts";
import { broadcastTo, reshape, slice } from "../graph/views.ts";
import { topological } from "../graph/walk.ts";
import { sameShape, sizeOf } from "../shape.ts";
import { keyOfFields } from "./keys.ts";

/** Maps every root to its simplified node. */
export function simplify(roots: readonly Tensor[]): Map<Tensor, Tensor> {
  const done = new Map<Tensor, Tensor>();
  const unique = new Map<string, Tensor>();
  for (const node of topological(roots)) {
    const inputs = node.inputs.map((x) => done.get(x)!);
    done.set(node, intern(unique, rewrite(node, inputs)));
  }
  return done;
}

function intern(unique: Map<string, Tensor>, node: Tensor): Tensor {
  const key = keyOf(node);
  const known = unique.get(key);
  if (known) return known;
  unique.set(key, node);
  return node;
}

function keyOf(node: Tensor): string {
  return `${keyOfFields(node.op, identity)}|${node.dtype}|${node.shape.join(",")}|${node.inputs.map((x) => x.id).join(",")}`;
}

const objectIds = new WeakMap<object, number>();
let nextObject = 0;

/** Variables and plans count by identity, everything else of an op by value. */
function identity(value: object): string {
  let id = objectIds.get(value);
  if (id === undefined) {
    id = nextObject++;
    objectIds.set(value, id);
  }
  return `#${id}`;
}

function rewrite(node: Tensor, inputs: Tensor[]): Tensor {
  const changed = inputs.some((x, i) => x !== node.inputs[i]);
  const fresh = changed ? new Tensor(node.op, inputs, node.shape, node.dtype) : node;
  return reduced(fresh) ?? fresh;
}

/** The value of a scalar constant seen through any views, or undefined. */
function constantOf(node: Tensor): number | undefined {
  if (node.op.kind === "const") return node.op.value;
  if (node.op.kind === "broadcast" || node.op.kind === "reshape") return constantOf(node.inputs[0]!);
  return undefined;
}

/** Arithmetic of two f32 constants, rounded as a device rounds. */
function fold(name: string, x: number, y: number): number | undefined {
  if (name === "add") return Math.fround(x + y);
  if (name === "sub") return Math.fround(x - y);
  if (name === "mul") return Math.fround(x * y);
  if (name === "div" && y !== 0) return Math.fround(x / y);
  return undefined;
}

function reduced(node: Tensor): Tensor | undefined {
  const { op, inputs } = node;
  const [a, b] = inputs;
  switch (op.kind) {
    case "customGradient":
      return a;
    case "reshape":
      if (a!.op.kind === "reshape") return reshape(a!.inputs[0]!, node.shape);
      return undefined;
    case "broadcast":
      if (a!.op.kind === "broadcast") return broadcastTo(a!.inputs[0]!, node.shape);
      return undefined;
    case "binary": {
      const x = constantOf(a!);
      const y = constantOf(b!);
      const folded =
        x !== undefined && y !== undefined && node.dtype === "f32" ? fold(op.name, x, y) : undefined;
      if (folded !== undefined) return constant(folded, "f32", node.shape);
      if (op.name === "mul" && y === 1) return a;
      if (op.name === "mul" && x === 1) return b;
      if (op.name === "add" && y === 0) return a;
      if (op.name === "add" && x === 0) return b;
      if (op.name === "sub" && y === 0) return a;
      if (op.name === "div" && y === 1) return a;
      return undefined;
    }
    case "fold":
      return splitFold(node);
    case "matmul":
      return a!.shape.at(-1) === 0 ? zeros(node.shape) : undefined;
    case "groupedMatmul":
      return a!.shape[1] === 0 ? zeros(node.shape) : undefined;
    case "groupedOuter":
      return a!.shape[0] === 0 ? zeros(node.shape) : undefined;
    case "segmentSum":
    case "gather":
      return sizeOf(node.shape) === 0 ? zeros(node.shape, node.dtype) : undefined;
    default:
      return undefined;
  }
}

/** A fold of more elements than this is cut into stages. */
const LONG_FOLD = 64;
/** Stages are cut so that about this many threads have work. */
const WANTED_OUTPUTS = 8192;
const LONGEST_STAGE = 512;

function splitFold(node: Tensor): Tensor | undefined {
  if (node.op.kind !== "fold") return undefined;
  const x = node.inputs[0]!;
  const { name, axes } = node.op;
  if (sizeOf(x.shape) === 0) return sizeOf(node.shape) === 0 ? undefined : zeros(node.shape, node.dtype);
  const length = axes.reduce((n, a) => n * x.shape[a]!, 1);
  if (length <= LONG_FOLD) return undefined;
  if (axes.length > 1) {
    // innermost axis first: each stage then folds one axis
    const last = axes[axes.length - 1]!;
    return stage(stage(x, name, last), name, ...axes.slice(0, -1));
  }
  const axis = axes[0]!;
  const outputs = sizeOf(node.shape);
  let pieces = Math.ceil(WANTED_OUTPUTS / Math.max(1, outputs));
  pieces = Math.min(pieces, Math.ceil(Math.sqrt(length)));
  pieces = Math.max(pieces, Math.ceil(length / LONGEST_STAGE));
  if (pieces < 2) return undefined;
  pieces = divisorFrom(length, pieces);
  const each = Math.floor(length / pieces);
  const whole = each * pieces;
  const main =
    axis === x.shape.length - 1
      ? interleaved(x, name, axis, each, pieces)
      : blocked(x, name, axis, each, pieces);
  if (whole === length) return main;
  const from = x.shape.map((_, i) => (i === axis ? whole : 0));
  const rest = stage(slice(x, from, x.shape), name, axis);
  return name === "sum"
    ? add(main, rest)
    : new Tensor({ kind: "binary", name }, [main, rest], main.shape, main.dtype);
}

/** The least divisor of `length` from `pieces` to twice that, so that nothing is left over; else `pieces`. */
function divisorFrom(length: number, pieces: number): number {
  for (let p = pieces; p <= 2 * pieces; p++) if (length % p === 0) return p;
  return pieces;
}

type FoldName = "sum" | "max" | "min";

/** A fold, itself split if it is still long. */
function stage(x: Tensor, name: FoldName, ...axes: number[]): Tensor {
  const live = axes.filter((a) => x.shape[a] !== 1);
  if (live.length === 0) return x;
  const shape = x.shape.map((d, i) => (live.includes(i) ? 1 : d));
  const node = new Tensor({ kind: "fold", name, axes: live }, [x], shape, x.dtype);
  return splitFold(node) ?? node;
}

function cut(x: Tensor, axis: number, outer: number, inner: number): Tensor {
  const start = x.shape.map(() => 0);
  const end = x.shape.map((d, i) => (i === axis ? outer * inner : d));
  return reshape(slice(x, start, end), [...x.shape.slice(0, axis), outer, inner, ...x.shape.slice(axis + 1)]);
}

/** Outer axes: piece p folds elements p*each .. p*each + each - 1, so that neighbouring threads read neighbouring columns. */
function blocked(x: Tensor, name: FoldName, axis: number, each: number, pieces: number): Tensor {
  const partial = stage(cut(x, axis, pieces, each), name, axis + 1);
  return finish(stage(partial, name, axis), x, axis);
}

/** The innermost axis: piece p folds elements p, p + pieces, ..., so that neighbouring threads read neighbouring elements. */
function interleaved(x: Tensor, name: FoldName, axis: number, each: number, pieces: number): Tensor {
  const partial = stage(cut(x, axis, each, pieces), name, axis);
  return finish(stage(partial, name, axis + 1), x, axis);
}

function finish(folded: Tensor, x: Tensor, axis: number): Tensor {
  const shape = x.shape.map((d, i) => (i === axis ? 1 : d));
  return sameShape(folded.shape, shape) ? folded : reshape(folded, shape);
}
