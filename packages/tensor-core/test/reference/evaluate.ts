/**
 * What a graph means, in plain loops: f32 arithmetic in Float64, integer arithmetic exact. It knows nothing of
 * kernels, fusion or memory; the compiler and every engine are tested against it. Not for speed.
 */

import type { DType } from "../../src/dtype.ts";
import type { PlanInputs, Tensor } from "../../src/graph/tensor.ts";
import type { Variable } from "../../src/graph/variable.ts";
import { topological } from "../../src/graph/walk.ts";
import type { BinaryName, FoldName, UnaryName } from "../../src/kernels/ir.ts";
import { each, flat, size } from "./index-space.ts";
import { threefry2x32 } from "./threefry.ts";

export type Values = Float64Array | Int32Array | Uint32Array;

export interface Environment {
  /** By input name; plan arrays may be shorter than their inputs. */
  readonly feeds: ReadonlyMap<string, ArrayLike<number>>;
  /** Contents when the step starts; a variable that is not here holds zeros. */
  readonly variables: ReadonlyMap<Variable, ArrayLike<number>>;
}

export interface Evaluated {
  of(node: Tensor): Values;
  /** Contents when the step ends, of every variable that the roots assign. */
  readonly assigned: ReadonlyMap<Variable, Values>;
}

export function array(dtype: DType, length: number): Values {
  if (dtype === "f32") return new Float64Array(length);
  return dtype === "i32" ? new Int32Array(length) : new Uint32Array(length);
}

/** Evaluates the roots and everything they need. What has no meaning (rows beyond a plan's count) is NaN in f32. */
export function evaluate(roots: readonly Tensor[], environment: Environment): Evaluated {
  const values = new Map<Tensor, Values>();
  const of = (node: Tensor): Values => {
    const v = values.get(node);
    if (!v) throw new Error(`reference: node ${node.id} (${node.op.kind}) was not evaluated`);
    return v;
  };
  const assigned = new Map<Variable, Values>();
  for (const node of topological(roots)) {
    const value = evaluateNode(node, of, environment);
    if (value.length !== size(node.shape)) throw new Error(`reference: ${node.op.kind} made a wrong size`);
    values.set(node, value);
    const { op } = node;
    // ids rise along a chain of versions, so the last one seen is the last version
    if (op.kind === "assign" || op.kind === "assignRows") assigned.set(op.variable, value);
  }
  return { of, assigned };
}

type Lookup = (node: Tensor) => Values;

function evaluateNode(node: Tensor, of: Lookup, environment: Environment): Values {
  const { op, inputs, shape, dtype } = node;
  const out = array(dtype, size(shape));
  const arg = (i: number) => of(inputs[i]!);
  const feed = (t: Tensor) => {
    if (t.op.kind !== "input") throw new Error("reference: a plan part is not an input");
    const given = environment.feeds.get(t.op.name);
    if (!given) throw new Error(`reference: no feed "${t.op.name}"`);
    return given;
  };
  switch (op.kind) {
    case "input":
      return fill(out, feed(node));
    case "variable": {
      const content = environment.variables.get(op.variable);
      return content ? fill(out, content) : out;
    }
    case "const":
      return out.fill(op.value);
    case "iota":
      return map(out, (i) => i);
    case "unary":
      return map(out, (i) => unary(op.name, arg(0)[i]!));
    case "binary": {
      const [a, b] = [arg(0), arg(1)];
      const operands = inputs[0]!.dtype;
      return map(out, (i) => binary(op.name, operands, a[i]!, b[i]!));
    }
    case "select": {
      const [c, a, b] = [arg(0), arg(1), arg(2)];
      return map(out, (i) => (c[i] !== 0 ? a[i]! : b[i]!));
    }
    case "cast": {
      const a = arg(0);
      return map(out, (i) => convert(inputs[0]!.dtype, dtype, a[i]!));
    }
    case "threefry": {
      const [k0, k1, c0, c1] = [arg(0), arg(1), arg(2), arg(3)];
      return map(out, (i) => threefry2x32(k0[i]!, k1[i]!, c0[i]!, c1[i]!));
    }
    case "customGradient":
    case "reshape":
      return fill(out, arg(0));
    case "permute": {
      const from = inputs[0]!.shape;
      const source = new Array<number>(from.length).fill(0);
      each(shape, (index, at) => {
        op.order.forEach((o, k) => {
          source[o] = index[k]!;
        });
        out[at] = arg(0)[flat(source, from)]!;
      });
      return out;
    }
    case "broadcast": {
      const from = inputs[0]!.shape;
      const lead = shape.length - from.length;
      each(shape, (index, at) => {
        const source = from.map((d, k) => (d === 1 ? 0 : index[k + lead]!));
        out[at] = arg(0)[flat(source, from)]!;
      });
      return out;
    }
    case "slice": {
      const from = inputs[0]!.shape;
      each(shape, (index, at) => {
        const source = index.map((i, k) => i + op.start[k]!);
        out[at] = arg(0)[flat(source, from)]!;
      });
      return out;
    }
    case "concat": {
      let start = 0;
      for (const part of inputs) {
        const values = of(part);
        each(part.shape, (index, at) => {
          const target = index.map((i, k) => (k === op.axis ? i + start : i));
          out[flat(target, shape)] = values[at]!;
        });
        start += part.shape[op.axis]!;
      }
      return out;
    }
    case "fold": {
      const from = inputs[0]!.shape;
      out.fill(foldStart(op.name, dtype));
      each(from, (index, at) => {
        const target = index.map((i, k) => (op.axes.includes(k) ? 0 : i));
        const to = flat(target, shape);
        out[to] = fold(op.name, dtype, out[to]!, arg(0)[at]!);
      });
      return out;
    }
    case "matmul":
      return matmul(out, inputs, arg(0), arg(1));
    case "gather": {
      const ids = arg(1);
      const d = inputs[0]!.shape[1]!;
      return map(out, (i) => arg(0)[ids[Math.floor(i / d)]! * d + (i % d)]!);
    }
    case "rows": {
      const columns = size(shape.slice(1));
      const { rows, count } = planOf(op.plan, feed);
      if (dtype === "f32") out.fill(Number.NaN);
      for (let u = 0; u < count; u++) {
        for (let j = 0; j < columns; j++) out[u * columns + j] = arg(0)[rows[u]! * columns + j]!;
      }
      return out;
    }
    case "segmentSum": {
      const columns = shape[1]!;
      const { sorted, offsets, count } = planOf(op.plan, feed);
      out.fill(Number.NaN);
      for (let u = 0; u < count; u++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = offsets[u]!; k < offsets[u + 1]!; k++) total += arg(0)[sorted[k]! * columns + j]!;
          out[u * columns + j] = total;
        }
      }
      return out;
    }
    case "groupedMatmul": {
      const [k, n] = [inputs[1]!.shape[1]!, inputs[1]!.shape[2]!];
      const { rows, count } = planOf(op.plan, feed);
      out.fill(Number.NaN);
      for (let u = 0; u < count; u++) {
        const g = groupOf(rows[u]!, op.bounds);
        if (g === undefined) continue;
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let p = 0; p < k; p++) total += arg(0)[u * k + p]! * arg(1)[(g * k + p) * n + j]!;
          out[u * n + j] = total;
        }
      }
      return out;
    }
    case "groupedOuter": {
      const [m, n] = [shape[1]!, shape[2]!];
      const { rows, count } = planOf(op.plan, feed);
      for (let u = 0; u < count; u++) {
        const g = groupOf(rows[u]!, op.bounds);
        if (g === undefined) continue;
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++)
            out[(g * m + i) * n + j] = out[(g * m + i) * n + j]! + arg(0)[u * m + i]! * arg(1)[u * n + j]!;
        }
      }
      return out;
    }
    case "touched": {
      const columns = shape[1]!;
      const { count } = planOf(op.plan, feed);
      if (dtype === "f32") out.fill(Number.NaN);
      for (let i = 0; i < count * columns; i++) out[i] = arg(0)[i]!;
      return out;
    }
    case "assign":
      return fill(out, arg(1));
    case "assignRows": {
      const columns = size(shape.slice(1));
      const { rows, count } = planOf(op.plan, feed);
      fill(out, arg(0));
      for (let u = 0; u < count; u++) {
        for (let j = 0; j < columns; j++) out[rows[u]! * columns + j] = arg(1)[u * columns + j]!;
      }
      return out;
    }
  }
}

function planOf(plan: PlanInputs, feed: (t: Tensor) => ArrayLike<number>) {
  return {
    sorted: feed(plan.sorted),
    rows: feed(plan.rows),
    offsets: feed(plan.offsets),
    count: feed(plan.count)[0]!,
  };
}

/** The group whose bounds hold a row number, or undefined. */
export function groupOf(row: number, bounds: readonly number[]): number | undefined {
  const found = bounds.findIndex((bound, g) => bound <= row && row < (bounds[g + 1] ?? bound));
  return found < 0 ? undefined : found;
}

function fill(out: Values, from: ArrayLike<number>): Values {
  for (let i = 0; i < Math.min(out.length, from.length); i++) out[i] = from[i]!;
  return out;
}

function map(out: Values, f: (i: number) => number): Values {
  for (let i = 0; i < out.length; i++) out[i] = f(i);
  return out;
}

function matmul(out: Values, inputs: readonly Tensor[], a: Values, b: Values): Values {
  const [m, k] = inputs[0]!.shape.slice(-2) as [number, number];
  const n = inputs[1]!.shape.at(-1)!;
  const batches = size(inputs[0]!.shape.slice(0, -2));
  for (let z = 0; z < batches; z++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let p = 0; p < k; p++) total += a[(z * m + i) * k + p]! * b[(z * k + p) * n + j]!;
        out[(z * m + i) * n + j] = total;
      }
    }
  }
  return out;
}

export function unary(name: UnaryName, x: number): number {
  switch (name) {
    case "neg":
      return -x;
    case "abs":
      return Math.abs(x);
    case "sign":
      return Math.sign(x);
    case "exp":
      return Math.exp(x);
    case "log":
      return Math.log(x);
    case "log1p":
      return Math.log1p(x);
    case "sqrt":
      return Math.sqrt(x);
    case "rsqrt":
      return 1 / Math.sqrt(x);
    case "recip":
      return 1 / x;
    case "sigmoid":
      return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    case "tanh":
      return Math.tanh(x);
    case "floor":
      return Math.floor(x);
  }
}

/** Integers wrap as two's complement; the typed array that takes the result does the wrapping. */
export function binary(name: BinaryName, dtype: DType, a: number, b: number): number {
  const whole = dtype !== "f32";
  switch (name) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return whole ? Math.imul(a, b) : a * b;
    case "div":
      return whole ? Math.trunc(a / b) : a / b;
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "pow":
      return a ** b;
    case "mod":
      return a % b;
    case "lt":
      return a < b ? 1 : 0;
    case "le":
      return a <= b ? 1 : 0;
    case "gt":
      return a > b ? 1 : 0;
    case "ge":
      return a >= b ? 1 : 0;
    case "eq":
      return a === b ? 1 : 0;
    case "ne":
      return a !== b ? 1 : 0;
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return a << b;
    case "shr":
      return a >>> b;
  }
}

export function convert(from: DType, to: DType, x: number): number {
  if (from !== "f32" || to === "f32") return x;
  const low = to === "i32" ? -(2 ** 31) : 0;
  const high = to === "i32" ? 2 ** 31 - 1 : 2 ** 32 - 1;
  return Math.min(high, Math.max(low, Math.trunc(x)));
}

function foldStart(name: FoldName, dtype: DType): number {
  if (name === "sum") return 0;
  const low = { f32: Number.NEGATIVE_INFINITY, i32: -(2 ** 31), u32: 0 }[dtype];
  const high = { f32: Number.POSITIVE_INFINITY, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1 }[dtype];
  return name === "max" ? low : high;
}

function fold(name: FoldName, dtype: DType, a: number, b: number): number {
  return name === "sum" ? binary("add", dtype, a, b) : binary(name, dtype, a, b);
}
