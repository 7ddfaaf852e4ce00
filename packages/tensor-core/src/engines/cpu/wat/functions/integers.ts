/** What SIMD lacks on whole numbers: division, shifts by an amount per lane, powers; and signs. Nothing traps. */
import {
  bits,
  f32,
  f32Const,
  f64,
  f64Const,
  i32,
  i32Const,
  i64,
  type Step,
  select,
  shl,
  shrS,
  shrU64,
  shuffleWords,
  upperHalf,
  wasmFunction,
} from "./text.ts";

const ONE = i32Const(1);
const ZERO = i32Const(0);

/**
 * Division through f64 is exact: a quotient that is no whole number is at least 1 / |b| away from one, which is more
 * than rounding moves it. Adding 1.5 * 2^52 leaves the whole number in the low word, and INT_MIN / -1 wraps there.
 * A divisor of 0 becomes 1, so a / 0 = a and a % 0 = 0.
 */
function quotient(convert: (a: string) => string): Step[] {
  const half = (a: string, b: string) =>
    f64.add(f64.trunc(f64.div(convert(a), convert(b))), f64Const(1.5 * 2 ** 52));
  return [
    ["$y", i32.sub("$y", i32.eq("$y", ZERO))],
    ["$q", shuffleWords([0, 2, 4, 6], half("$x", "$y"), half(upperHalf("$x"), upperHalf("$y")))],
  ];
}

const remainder = i32.sub("$x", i32.mul("$q", "$y"));

/** Truncates; a / 0 = a, INT_MIN / -1 = INT_MIN. */
export const divI32 = wasmFunction("div_i32", ["$x", "$y"], quotient(f64.fromI32), "$q");
/** a / 0 = a. */
export const divU32 = wasmFunction("div_u32", ["$x", "$y"], quotient(f64.fromU32), "$q");
/** Has the sign of x; a % 0 = 0, INT_MIN % -1 = 0. */
export const modI32 = wasmFunction("mod_i32", ["$x", "$y"], quotient(f64.fromI32), remainder);
/** a % 0 = 0. */
export const modU32 = wasmFunction("mod_u32", ["$x", "$y"], quotient(f64.fromU32), remainder);

/**
 * 2^n for n from 0 to 31, by looking bytes up: byte b of a lane is 1 << (n - 8 b) where that is a byte, else 0. Every
 * index outside 0 to 7 finds a 0, by the table or because it is beyond the table.
 */
const powerOfTwo = (n: string): string => {
  const copies = "0 0 0 0 4 4 4 4 8 8 8 8 12 12 12 12";
  const table = "(v128.const i8x16 1 2 4 8 16 32 64 -128 0 0 0 0 0 0 0 0)";
  return `(i8x16.swizzle ${table} (i8x16.sub (i8x16.swizzle ${n} (v128.const i8x16 ${copies})) ${i32Const(0x18100800)}))`;
};

/** x << (n & 31). */
export const shiftLeft = wasmFunction(
  "shl",
  ["$x", "$n"],
  [],
  i32.mul("$x", powerOfTwo(bits.and("$n", i32Const(31)))),
);

/** x >> n is the product x 2^(31 - n) >> 31, in 64 bits. */
const right = (x: string): Step[] => [
  ["$n", powerOfTwo(bits.andnot(i32Const(31), "$n"))],
  [
    "$p",
    shuffleWords([0, 2, 4, 6], shrU64(i64.productLow(x, "$n"), 31), shrU64(i64.productHigh(x, "$n"), 31)),
  ],
];

/** x >> (n & 31), zeros in front. */
export const shiftRightU32 = wasmFunction("shr_u32", ["$x", "$n"], right("$x"), "$p");
/** x >> (n & 31), the sign in front: of a negative x the complement is shifted. */
export const shiftRightI32 = wasmFunction(
  "shr_i32",
  ["$x", "$n"],
  [["$s", shrS("$x", 31)], ["$x", bits.xor("$x", "$s")], ...right("$x")],
  bits.xor("$p", "$s"),
);

/** Squares until no exponent has a bit left. Wraps; a negative exponent counts as 0; 0 to the 0 is 1. */
const power = (name: string, exponents: Step[]): string =>
  wasmFunction(
    name,
    ["$x", "$y"],
    [
      ...exponents,
      ["$p", ONE],
      `(block $end (loop $next
    (br_if $end (i32.eqz (v128.any_true (local.get $y))))
    (local.set $p ${select(shrS(shl("$y", 31), 31), i32.mul("$p", "$x"), "$p")})
    (local.set $x ${i32.mul("$x", "$x")})
    (local.set $y (i32x4.shr_u (local.get $y) (i32.const 1)))
    (br $next)))`,
    ],
    "$p",
  );

export const ipow = power("ipow", [["$y", i32.maxS("$y", ZERO)]]);
export const upow = power("upow", []);

/** -1, 0 or 1. */
export const signI32 = wasmFunction("sign_i32", ["$x"], [], i32.maxS(i32.minS("$x", ONE), i32Const(-1)));
/** 0 or 1. */
export const signU32 = wasmFunction("sign_u32", ["$x"], [], i32.minU("$x", ONE));
/** -1 or 1 for what is less or greater than 0; else x itself: a zero with its sign, a NaN. */
export const signF32 = wasmFunction(
  "sign_f32",
  ["$x"],
  [["$one", bits.or(bits.and("$x", i32Const(-0x80000000)), f32Const(1))]],
  select(f32.gt(f32.abs("$x"), f32Const(0)), "$one", "$x"),
);
