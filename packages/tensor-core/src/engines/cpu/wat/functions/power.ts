/** pow and fmod. */
import { exponent, outside, split } from "./logarithm.ts";
import {
  bits,
  call,
  f32,
  f32Const,
  f64,
  f64Const,
  i32Const,
  i64,
  i64Const,
  orElse,
  polynomial,
  type Step,
  select,
  shl64,
  shuffleWords,
  upperHalf,
  wasmFunction,
} from "./text.ts";

/** Minimax for log2((1 + s) / (1 - s)) / s in s^2, |s| <= 1/5: 2^-35.5 of the result. */
const LOG2 = [
  2.8853900818364346, 0.9617966212965153, 0.5770924179929734, 0.41120270445328433, 0.3484467118244047,
];
/** Minimax for (2^r - 1) / r on |r| <= 1/2: 2^-28.9 of 2^r. */
const EXP2 = [
  0.6931472028810559, 0.24022647910278194, 0.055503324094734234, 0.009618437606622185, 0.0013398900239949341,
  0.00015353341041092437,
];
const ROUND = f64Const(1.5 * 2 ** 52);
const ONE = f64Const(1);
const INFINITE = f32Const(Infinity);

/** Two lanes in f64x2: 2^(y (k + log2 m)). Clamped to where f32 is 0 or infinite anyway; the bounds keep a NaN. */
const half = (lanes: (a: string) => string, out: string): Step[] => [
  ["$s", f64.promote(lanes("$m"))],
  ["$s", f64.div(f64.sub("$s", ONE), f64.add("$s", ONE))],
  ["$z", f64.mul("$s", "$s")],
  ["$zz", f64.mul("$z", "$z")],
  ["$z", f64.add(f64.mul("$s", polynomial("$z", "$zz", LOG2, f64, f64Const)), f64.promote(lanes("$k")))],
  ["$z", f64.mul("$z", f64.promote(lanes("$y")))],
  ["$z", f64.pmin(f64.pmax("$z", f64Const(-160)), f64Const(130))],
  ["$t", f64.add("$z", ROUND)],
  ["$s", f64.sub("$z", f64.sub("$t", ROUND))],
  ["$zz", f64.mul("$s", "$s")],
  ["$s", f64.add(f64.mul("$s", polynomial("$s", "$zz", EXP2, f64, f64Const)), ONE)],
  // Not an addition to the exponent, which would undo a NaN.
  [out, f32.demote(f64.mul("$s", i64.add(shl64("$t", 52), i64Const(0x3ff0000000000000n))))],
];

/** $low and $high hold two lanes each. */
const halves: Step[] = [...half((a) => a, "$low"), ...half(upperHalf, "$high")];
const joined = shuffleWords([0, 1, 4, 5], "$low", "$high");

/**
 * x to the y, computed in f64 and rounded once: error at most 0.57 ulp of the result, however great y log x is, and
 * for denormal results too (over 2 million pairs; functions.test.ts). Positive normal x needs no care whatever y is:
 * 0 log 1, inf and NaN go through as they should.
 */
export const pow = wasmFunction(
  "pow",
  ["$x", "$y"],
  [orElse(outside("$x", 128), call("pow_far", "$x", "$y")), ...split("$x"), ["$k", exponent], ...halves],
  joined,
);

/** Any x. The rules are those of C and JavaScript, and of JavaScript where they differ (1 to the infinite is NaN). */
export const powFar = wasmFunction(
  "pow_far",
  ["$x", "$y"],
  [
    ["$a", f32.abs("$x")],
    ["$small", f32.lt("$a", f32Const(2 ** -126))],
    ["$b", select("$small", f32.mul("$a", f32Const(2 ** 24)), "$a")],
    ...split("$b"),
    ["$k", f32.sub(exponent, bits.and("$small", f32Const(24)))],
    ...halves,
    ["$p", joined],
    ["$zero", f32.eq("$a", f32Const(0))],
    ["$infinite", f32.eq("$a", INFINITE)],
    ["$edge", bits.and(bits.xor("$infinite", f32.lt("$y", f32Const(0))), INFINITE)],
    ["$p", select(bits.or("$zero", "$infinite"), "$edge", "$p")],
    ["$whole", f32.eq("$y", f32.floor("$y"))],
    ["$b", f32.floor(f32.mul("$y", f32Const(0.5)))],
    ["$odd", bits.and("$whole", f32.eq(f32.sub("$y", f32.add("$b", "$b")), f32Const(1)))],
    ["$p", bits.xor("$p", bits.and(bits.and("$odd", "$x"), i32Const(-0x80000000)))],
    ["$nan", bits.andnot(bits.andnot(f32.lt("$x", f32Const(0)), "$whole"), "$infinite")],
    ["$nan", bits.or("$nan", bits.or(f32.ne("$x", "$x"), f32.ne("$y", "$y")))],
  ],
  // A mask's bits are a NaN's.
  select(f32.eq("$y", f32Const(0)), f32Const(1), bits.or("$p", "$nan")),
);

/** x - y trunc(x / y), each step rounded. */
export const fmod = wasmFunction(
  "fmod",
  ["$x", "$y"],
  [],
  f32.sub("$x", f32.mul("$y", f32.trunc(f32.div("$x", "$y")))),
);
