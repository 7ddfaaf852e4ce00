/**
 * Elementwise ops, with NumPy broadcasting written into the graph as explicit nodes. All throw ShapeError for shapes that do
 * not broadcast and DTypeError for dtypes that they do not take or that differ; functions of one tensor keep its shape.
 */
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

/** -x; f32 or i32. */
export const neg = (x: Tensor): Tensor => unary("neg", x);
/** |x|; f32 or i32. Its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => unary("abs", x);
/** -1, 0 or 1. */
export const sign = (x: Tensor): Tensor => unary("sign", x);
/** e^x; infinity above about 88. */
export const exp = (x: Tensor): Tensor => unary("exp", x);
/** Natural logarithm; NaN below 0, -infinity at 0. */
export const log = (x: Tensor): Tensor => unary("log", x);
/** log(1 + x), exact for small x. */
export const log1p = (x: Tensor): Tensor => unary("log1p", x);
/** Square root; NaN below 0. */
export const sqrt = (x: Tensor): Tensor => unary("sqrt", x);
/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor => unary("rsqrt", x);
/** 1 / x. */
export const recip = (x: Tensor): Tensor => unary("recip", x);
/** 1 / (1 + exp(-x)), without overflow at either end. */
export const sigmoid = (x: Tensor): Tensor => unary("sigmoid", x);
/** Hyperbolic tangent; flat at -1 and 1 for large |x|. */
export const tanh = (x: Tensor): Tensor => unary("tanh", x);
/** The largest whole number not above x. Its gradient is 0. */
export const floor = (x: Tensor): Tensor => unary("floor", x);

/** a + b, broadcast. Integers wrap around, here and in sub and mul. */
export const add = (a: Operand, b: Operand): Tensor => binary("add", a, b);
/** a - b, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => binary("sub", a, b);
/** a * b, broadcast, element by element. */
export const mul = (a: Operand, b: Operand): Tensor => binary("mul", a, b);
/** a / b, broadcast. Integers truncate toward zero; their division by 0 is as the device has it. */
export const div = (a: Operand, b: Operand): Tensor => binary("div", a, b);
/** The smaller of a and b, broadcast. At a tie the gradient goes to b. */
export const minimum = (a: Operand, b: Operand): Tensor => binary("min", a, b);
/** The larger of a and b, broadcast. At a tie the gradient goes to b. */
export const maximum = (a: Operand, b: Operand): Tensor => binary("max", a, b);
/** a to the power of b, f32, for a >= 0. A constant exponent gets no gradient. */
export const pow = (a: Operand, b: Operand): Tensor => binary("pow", a, b);
/** Remainder with the sign of the dividend, as WGSL's and C's `%`. */
export const mod = (a: Operand, b: Operand): Tensor => binary("mod", a, b);
/** 1 where a < b, else 0, as u32, like every comparison. Comparisons pass no gradient. */
export const lt = (a: Operand, b: Operand): Tensor => binary("lt", a, b);
/** 1 where a <= b. */
export const le = (a: Operand, b: Operand): Tensor => binary("le", a, b);
/** 1 where a > b. */
export const gt = (a: Operand, b: Operand): Tensor => binary("gt", a, b);
/** 1 where a >= b. */
export const ge = (a: Operand, b: Operand): Tensor => binary("ge", a, b);
/** 1 where a = b. */
export const eq = (a: Operand, b: Operand): Tensor => binary("eq", a, b);
/** 1 where a and b differ. */
export const ne = (a: Operand, b: Operand): Tensor => binary("ne", a, b);
/** Bits in both; u32, as all bit operations. */
export const and = (a: Operand, b: Operand): Tensor => binary("and", a, b);
/** Bits in either. */
export const or = (a: Operand, b: Operand): Tensor => binary("or", a, b);
/** Bits in one of the two. */
export const xor = (a: Operand, b: Operand): Tensor => binary("xor", a, b);
/** a shifted left by b bits, b below 32. */
export const shl = (a: Operand, b: Operand): Tensor => binary("shl", a, b);
/** a shifted right by b bits, zeros from the left, b below 32. */
export const shr = (a: Operand, b: Operand): Tensor => binary("shr", a, b);

/** x * x. */
export const square = (x: Tensor): Tensor => mul(x, x);
/** max(x, 0). Its gradient at 0 is 0. */
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

/** Value conversion; f32 to integer truncates toward zero. Passes no gradient. */
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
