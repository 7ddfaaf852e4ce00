/**
 * log and log1p. Errors against Float64: the greatest over every f32 with 1/8 <= x <= 8 (log) or 1/64 <= |x| <= 64
 * (log1p), and over samples of the rest, where they are less.
 */
import {
  bits,
  call,
  f32,
  f32Const,
  i32,
  i32Const,
  orElse,
  polynomial,
  type Step,
  select,
  shrS,
  wasmFunction,
} from "./text.ts";

const ONE = f32Const(1);
const ONE_BITS = i32Const(0x3f800000);
const EXPONENT = i32Const(0xff800000);
const TWO_THIRDS_BITS = i32Const(0x3f2aaaab);
// ln 2 in two parts; the first has 16 bits, so that its product with an exponent is exact.
const LN2_HIGH = f32Const(0.693145751953125);
const LN2_LOW = f32Const(1.4286068203094173e-6);

/** Minimax for (log(1 + f) - f + f^2 / 2) / f^3 on |f| <= 1/3, weighted by f^3 / log(1 + f): 2^-27.7. */
const LOG = [
  0.3333321511745453, -0.2499980628490448, 0.2001042664051056, -0.16680197417736053, 0.14005734026432037,
  -0.12187447398900986, 0.13984593749046326, -0.128802090883255,
];

/** x = 2^k m with m in [2/3, 4/3): sets $h, whose exponent bits hold k, and $m. x must be a positive normal number. */
export const split = (x: string): Step[] => [
  ["$h", i32.sub(x, TWO_THIRDS_BITS)],
  ["$m", i32.sub(x, bits.and("$h", EXPONENT))],
];
export const exponent = f32.fromI32(shrS("$h", 23));

/** k ln 2 + log(1 + f) from $k and $f. */
const sum: Step[] = [
  ["$ff", f32.mul("$f", "$f")],
  ["$p", f32.mul("$f", polynomial("$f", "$ff", LOG, f32, f32Const))],
  ["$p", f32.mul("$ff", f32.sub("$p", f32Const(0.5)))],
  ["$p", f32.add(f32.add(f32.add("$p", f32.mul("$k", LN2_LOW)), "$f"), f32.mul("$k", LN2_HIGH))],
];

/** Lanes that are not in [2^-126, 2^top): one signed comparison of the bits, turned so that the range begins at the least integer. */
export const outside = (x: string, top: number): string =>
  i32.gtS(i32.add(x, i32Const(0x7f800000)), i32Const(((top + 126) << 23) - 1 + -0x80000000));

/** log(x). Error at most 0.97 ulp. */
export const log = wasmFunction(
  "log",
  ["$x"],
  [
    orElse(outside("$x", 128), call("log_far", "$x")),
    ...split("$x"),
    ["$k", exponent],
    ["$f", f32.sub("$m", ONE)],
    ...sum,
  ],
  "$p",
);

/** Any x: denormals are scaled up first; zero gives -inf, what is negative or NaN gives NaN (all bits set are one). */
export const logFar = wasmFunction(
  "log_far",
  ["$x"],
  [
    ["$small", f32.lt("$x", f32Const(2 ** -126))],
    ["$y", select("$small", f32.mul("$x", f32Const(2 ** 24)), "$x")],
    ...split("$y"),
    ["$k", f32.sub(exponent, bits.and("$small", f32Const(24)))],
    ["$f", f32.sub("$m", ONE)],
    ...sum,
    ["$p", select(f32.eq("$x", f32Const(0)), f32Const(-Infinity), "$p")],
    ["$p", select(f32.eq("$x", f32Const(Infinity)), "$x", "$p")],
  ],
  bits.or("$p", bits.not(f32.ge("$x", f32Const(0)))),
);

/**
 * log(1 + x): u = fl(1 + x) loses x - (u - 1), which is given back, scaled as u was, to its mantissa. The sign is
 * x's, so -0 stays -0.
 */
const log1pSteps: Step[] = [
  ...split("$u"),
  ["$k", exponent],
  ["$f", f32.mul(f32.sub("$x", f32.sub("$u", ONE)), i32.sub(ONE_BITS, bits.and("$h", EXPONENT)))],
  ["$f", f32.add(f32.sub("$m", ONE), "$f")],
  ...sum,
];
const SIGN = i32Const(-0x80000000);

/** log(1 + x). Error at most 1.71 ulp, at x = 0.334, where ln 2 and the log of 2/3 cancel in part; below 0 at most 0.9. */
export const log1p = wasmFunction(
  "log1p",
  ["$x"],
  [["$u", f32.add("$x", ONE)], orElse(outside("$u", 100), call("log1p_far", "$x", "$u")), ...log1pSteps],
  select(SIGN, "$x", "$p"),
);

/** Where 1 + x is zero, negative, huge or NaN, log(1 + x) itself is right. */
export const log1pFar = wasmFunction(
  "log1p_far",
  ["$x", "$u"],
  [...log1pSteps],
  select(outside("$u", 100), call("log", "$u"), select(SIGN, "$x", "$p")),
);
