/** Elementwise ops, with NumPy broadcasting written into the graph as explicit nodes. */
import type { DType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import type { BinaryName, UnaryName } from "../kernels/ir.ts";
import { broadcastShapes } from "../shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { lift } from "./leaves.ts";
import { type Operand, Tensor } from "./tensor.ts";
import { broadcastTo } from "./views.ts";

const COMPARISONS = new Set<BinaryName>(["lt", "le", "gt", "ge", "eq", "ne"]);
const BIT_OPS = new Set<BinaryName>(["and", "or", "xor", "shl", "shr"]);
const ANY_UNARY = new Set<UnaryName>(["neg", "abs", "sign"]);

function unary(name: UnaryName, x: Tensor): Tensor {
  const fits = x.dtype === "f32" || (ANY_UNARY.has(name) && x.dtype === "i32");
  if (!fits) throw new DTypeError(`${name}: takes f32, got ${x.dtype}; cast it first.`);
  return new Tensor({ kind: "unary", name }, [x], x.shape, x.dtype);
}

function binary(name: BinaryName, a: Operand, b: Operand): Tensor {
  const x = lift(a, b instanceof Tensor ? b.dtype : "f32");
  const y = lift(b, x.dtype);
  if (x.dtype !== y.dtype)
    throw new DTypeError(`${name}: dtypes ${x.dtype} and ${y.dtype} differ; cast one.`);
  if (BIT_OPS.has(name) && x.dtype !== "u32") throw new DTypeError(`${name}: takes u32, got ${x.dtype}.`);
  if (name === "pow" && x.dtype !== "f32") throw new DTypeError(`pow: takes f32, got ${x.dtype}.`);
  const shape = broadcastShapes(name, x.shape, y.shape);
  const dtype = COMPARISONS.has(name) ? "u32" : x.dtype;
  return new Tensor({ kind: "binary", name }, [broadcastTo(x, shape), broadcastTo(y, shape)], shape, dtype);
}

export const neg = (x: Tensor): Tensor => unary("neg", x);
export const abs = (x: Tensor): Tensor => unary("abs", x);
/** -1, 0 or 1. */
export const sign = (x: Tensor): Tensor => unary("sign", x);
export const exp = (x: Tensor): Tensor => unary("exp", x);
export const log = (x: Tensor): Tensor => unary("log", x);
/** log(1 + x), exact for small x. */
export const log1p = (x: Tensor): Tensor => unary("log1p", x);
export const sqrt = (x: Tensor): Tensor => unary("sqrt", x);
export const rsqrt = (x: Tensor): Tensor => unary("rsqrt", x);
export const recip = (x: Tensor): Tensor => unary("recip", x);
/** 1 / (1 + exp(-x)), without overflow at either end. */
export const sigmoid = (x: Tensor): Tensor => unary("sigmoid", x);
export const tanh = (x: Tensor): Tensor => unary("tanh", x);
export const floor = (x: Tensor): Tensor => unary("floor", x);

export const add = (a: Operand, b: Operand): Tensor => binary("add", a, b);
export const sub = (a: Operand, b: Operand): Tensor => binary("sub", a, b);
export const mul = (a: Operand, b: Operand): Tensor => binary("mul", a, b);
export const div = (a: Operand, b: Operand): Tensor => binary("div", a, b);
export const minimum = (a: Operand, b: Operand): Tensor => binary("min", a, b);
export const maximum = (a: Operand, b: Operand): Tensor => binary("max", a, b);
export const pow = (a: Operand, b: Operand): Tensor => binary("pow", a, b);
/** Remainder with the sign of the dividend, as WGSL's and C's `%`. */
export const mod = (a: Operand, b: Operand): Tensor => binary("mod", a, b);
/** Comparisons give u32 0 or 1. */
export const lt = (a: Operand, b: Operand): Tensor => binary("lt", a, b);
export const le = (a: Operand, b: Operand): Tensor => binary("le", a, b);
export const gt = (a: Operand, b: Operand): Tensor => binary("gt", a, b);
export const ge = (a: Operand, b: Operand): Tensor => binary("ge", a, b);
export const eq = (a: Operand, b: Operand): Tensor => binary("eq", a, b);
export const ne = (a: Operand, b: Operand): Tensor => binary("ne", a, b);
export const and = (a: Operand, b: Operand): Tensor => binary("and", a, b);
export const or = (a: Operand, b: Operand): Tensor => binary("or", a, b);
export const xor = (a: Operand, b: Operand): Tensor => binary("xor", a, b);
export const shl = (a: Operand, b: Operand): Tensor => binary("shl", a, b);
export const shr = (a: Operand, b: Operand): Tensor => binary("shr", a, b);

export const square = (x: Tensor): Tensor => mul(x, x);
export const relu = (x: Tensor): Tensor => maximum(x, 0);

/** cond (u32) != 0 ? a : b, all broadcast together. */
export function where(cond: Tensor, a: Operand, b: Operand): Tensor {
  if (cond.dtype !== "u32")
    throw new DTypeError(`where: the condition must be u32, got ${cond.dtype}; compare first.`);
  const x = lift(a, b instanceof Tensor ? b.dtype : "f32");
  const y = lift(b, x.dtype);
  if (x.dtype !== y.dtype) throw new DTypeError(`where: dtypes ${x.dtype} and ${y.dtype} differ; cast one.`);
  const shape = broadcastShapes("where", broadcastShapes("where", cond.shape, x.shape), y.shape);
  const inputs = [cond, x, y].map((t) => broadcastTo(t, shape));
  return new Tensor({ kind: "select" }, inputs, shape, x.dtype);
}

/** log(1 + exp(x)) without overflow. Its gradient is named: that of max and abs would be 0 at x = 0, not 1/2. */
export function softplus(x: Tensor): Tensor {
  const value = add(maximum(x, 0), log1p(exp(neg(abs(x)))));
  return customGradient(value, [x], (g) => [mul(g, sigmoid(x))]);
}

/** Value conversion; f32 to integer truncates toward zero. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : new Tensor({ kind: "cast" }, [x], x.shape, dtype);
}

/** First word of Threefry-2x32 with 20 rounds (Salmon et al., SC'11): key (k0, k1), counter (c0, c1), all u32. */
export function threefry(k0: Operand, k1: Operand, c0: Operand, c1: Operand): Tensor {
  const parts = [k0, k1, c0, c1].map((t) => lift(t, "u32"));
  for (const t of parts) if (t.dtype !== "u32") throw new DTypeError(`threefry: takes u32, got ${t.dtype}.`);
  const shape = parts.reduce<readonly number[]>((s, t) => broadcastShapes("threefry", s, t.shape), []);
  return new Tensor(
    { kind: "threefry" },
    parts.map((t) => broadcastTo(t, shape)),
    shape,
    "u32",
  );
}
