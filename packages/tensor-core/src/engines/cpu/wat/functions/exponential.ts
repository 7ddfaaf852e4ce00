/**
 * exp and what is made of it. Errors against Float64: the greatest over every f32 from |x| = 1/4 (exp), 1/8 (sigmoid) or
 * 2^-9 (tanh) to where results end, and over samples of the rest, where they are less.
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
  shl,
  shrS,
  wasmFunction,
} from "./text.ts";

const ONE = f32Const(1);
const ONE_BITS = i32Const(0x3f800000);
const SIGN = i32Const(-0x80000000);

/** Added to a small number it leaves the nearest whole number in the low bits. */
const ROUND = f32Const(1.5 * 2 ** 23);
// ln 2 in two parts; the first has 16 bits, so that its product with a whole number below 256 is exact.
const LN2_HIGH = f32Const(0.693145751953125);
const LN2_LOW = f32Const(1.4286068203094173e-6);

/** Minimax for (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, weighted by r^2 / exp(r): 2^-28.2. */
const EXP = [
  0.4999999403953552, 0.1666652113199234, 0.04166826605796814, 0.008368677459657192, 0.0013820731546729803,
];

/** y = n ln 2 + r: sets $t, whose low bits hold n, and $q = exp(r) - 1. |y| up to 150. */
const core = (y: string): Step[] => [
  ["$t", f32.add(f32.mul(y, f32Const(Math.LOG2E)), ROUND)],
  ["$n", f32.sub("$t", ROUND)],
  ["$r", f32.sub(f32.sub(y, f32.mul("$n", LN2_HIGH)), f32.mul("$n", LN2_LOW))],
  ["$rr", f32.mul("$r", "$r")],
  ["$q", f32.add("$r", f32.mul("$rr", polynomial("$r", "$rr", EXP, f32, f32Const)))],
];

/** exp(r) * 2^n by adding n to the exponent; the product must be a normal number. */
const scaled = i32.add(f32.add("$q", ONE), shl("$t", 23));

/** Where every step of exp stays within normal numbers. */
const ORDINARY = f32Const(87);

/** All lanes |x| <= 87; a NaN is not. */
const unordinary = bits.not(f32.le(f32.abs("$x"), ORDINARY));

/** exp(x). Error at most 1.03 ulp; denormal results within 0.75 of 2^-149. */
export const exp = wasmFunction(
  "exp",
  ["$x"],
  [orElse(unordinary, call("exp_far", "$x")), ...core("$x")],
  scaled,
);

/** Any x: 2^n is applied in two halves, so that it may leave the range of normal numbers. */
export const expFar = wasmFunction(
  "exp_far",
  ["$x"],
  [
    ["$x", f32.pmin(f32.pmax("$x", f32Const(-104)), f32Const(89))],
    ...core("$x"),
    ["$n", shl("$t", 23)],
    ["$half", bits.and(shrS("$n", 1), i32Const(0xff800000))],
    ["$q", f32.mul(f32.add("$q", ONE), i32.add("$half", ONE_BITS))],
  ],
  f32.mul("$q", i32.add(i32.sub("$n", "$half"), ONE_BITS)),
);

/** 1 / (1 + exp(-x)). Error at most 2.49 ulp (1.5 for positive x); denormal results within 0.75 of 2^-149. */
export const sigmoid = wasmFunction(
  "sigmoid",
  ["$x"],
  [orElse(unordinary, call("sigmoid_far", "$x")), ["$y", f32.neg("$x")], ...core("$y")],
  f32.div(ONE, f32.add(ONE, scaled)),
);

/** Below -87 the 1 in 1 + exp(x) is all that counts of the denominator. */
export const sigmoidFar = wasmFunction(
  "sigmoid_far",
  ["$x"],
  [["$near", f32.div(ONE, f32.add(ONE, call("exp", f32.neg("$x"))))]],
  select(f32.lt("$x", f32Const(-87)), call("exp", "$x"), "$near"),
);

/**
 * With u = exp(2|x|) - 1 = 2^n q + (2^n - 1), which keeps its relative accuracy near 0: tanh|x| = u / (u + 2).
 * The sign is x's, so -0 stays -0. Beyond 9.1 the result is 1. Error at most 2.71 ulp.
 */
export const tanh = wasmFunction(
  "tanh",
  ["$x"],
  [
    ["$y", f32.pmin(f32.abs("$x"), f32Const(9.1))],
    ["$y", f32.add("$y", "$y")],
    ...core("$y"),
    ["$n", i32.add(shl("$t", 23), ONE_BITS)],
    ["$q", f32.add(f32.mul("$q", "$n"), f32.sub("$n", ONE))],
  ],
  select(SIGN, "$x", f32.div("$q", f32.add("$q", f32Const(2)))),
);
