/** One instruction's operator on vectors of four lanes, as WAT. Every lane holds a whole value of its own. */
import type { DType } from "../../../dtype.ts";
import { KernelError } from "../../../errors.ts";
import type { BinaryName, FoldName, UnaryName } from "../../../kernels/ir.ts";
import type { FunctionName } from "./functions.ts";

/** Says that the text calls a library function; gives the call. */
type Call = (name: FunctionName, ...operands: string[]) => string;

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** All four lanes hold the value, with the same bits. */
export function constText(dtype: DType, value: number): string {
  if (dtype === "f32") floats[0] = value;
  else words[0] = value;
  const word = words[0]! | 0;
  return `(v128.const i32x4 ${word} ${word} ${word} ${word})`;
}

const ONE = constText("u32", 1);
const ONE_F32 = constText("f32", 1);

export function unaryText(name: UnaryName, dtype: DType, a: string, call: Call): string {
  const shape = dtype === "f32" ? "f32x4" : "i32x4";
  if (name === "neg") return `(${shape}.neg ${a})`;
  if (name === "abs") return dtype === "u32" ? a : `(${shape}.abs ${a})`;
  if (name === "sign") return call(`sign_${dtype}`, a);
  if (dtype !== "f32") {
    if (name === "floor") return a;
    throw new KernelError(`unary ${name} takes f32, got ${dtype}; cast the operand to f32 first`);
  }
  if (name === "sqrt" || name === "floor") return `(f32x4.${name} ${a})`;
  if (name === "recip") return `(f32x4.div ${ONE_F32} ${a})`;
  if (name === "rsqrt") return `(f32x4.div ${ONE_F32} (f32x4.sqrt ${a}))`;
  return call(name, a);
}

const COMPARISONS: Partial<Record<BinaryName, string>> = {
  lt: "lt",
  le: "le",
  gt: "gt",
  ge: "ge",
  eq: "eq",
  ne: "ne",
};

/** A comparison gives a mask: all bits of a lane, or none. `undefined` for every other operator. */
export function comparisonText(name: BinaryName, dtype: DType, a: string, b: string): string | undefined {
  const operator = COMPARISONS[name];
  if (operator === undefined) return undefined;
  if (dtype === "f32") return `(f32x4.${operator} ${a} ${b})`;
  const sign = name === "eq" || name === "ne" ? "" : dtype === "u32" ? "_u" : "_s";
  return `(i32x4.${operator}${sign} ${a} ${b})`;
}

/** A mask as the numbers 0 and 1. */
export const maskToNumber = (mask: string): string => `(v128.and ${mask} ${ONE})`;
/** The numbers 0 and 1 (or any other than 0) as a mask. */
export const numberToMask = (a: string): string => `(i32x4.ne ${a} ${constText("u32", 0)})`;

const ZERO = constText("u32", 0);

/** a where the mask's bits are set, else b. Against zero that is one instruction, else three. */
export function selectText(mask: string, a: string, b: string): string {
  if (b === ZERO) return `(v128.and ${a} ${mask})`;
  if (a === ZERO) return `(v128.andnot ${b} ${mask})`;
  return `(v128.bitselect ${a} ${b} ${mask})`;
}

export function binaryText(name: BinaryName, dtype: DType, a: string, b: string, call: Call): string {
  if (name === "and" || name === "or" || name === "xor") return `(v128.${name} ${a} ${b})`;
  if (dtype === "f32") {
    if (name === "add" || name === "sub" || name === "mul" || name === "div")
      return `(f32x4.${name} ${a} ${b})`;
    if (name === "min" || name === "max") return extremeText(name, a, b);
    if (name === "pow") return call("pow", a, b);
    if (name === "mod") return call("fmod", a, b);
  } else {
    const sign = dtype === "u32" ? "u" : "s";
    if (name === "add" || name === "sub" || name === "mul") return `(i32x4.${name} ${a} ${b})`;
    if (name === "min" || name === "max") return `(i32x4.${name}_${sign} ${a} ${b})`;
    if (name === "div" || name === "mod") return call(`${name}_${dtype}`, a, b);
    if (name === "pow") return call(dtype === "u32" ? "upow" : "ipow", a, b);
    if (name === "shl") return call("shl", a, b);
    if (name === "shr") return call(`shr_${dtype}`, a, b);
  }
  throw new KernelError(`binary ${name} is not an arithmetic instruction on ${dtype}`);
}

/**
 * A NaN on either side comes through. pmin and pmax hand on only one on the left, but are one instruction where min and max are
 * eight; they will do where the right side is a constant number, as in relu.
 */
function extremeText(name: "min" | "max", a: string, b: string): string {
  if (isNumber(b)) return `(f32x4.p${name} ${a} ${b})`;
  if (isNumber(a)) return `(f32x4.p${name} ${b} ${a})`;
  return `(f32x4.${name} ${a} ${b})`;
}

/** A constant that is no NaN. */
const isNumber = (text: string): boolean => {
  const word = /^\(v128\.const i32x4 (-?\d+)/.exec(text)?.[1];
  return word !== undefined && (Number(word) & 0x7fffffff) <= 0x7f800000;
};

/** A shift by the same amount in every lane: one instruction. */
export function shiftText(name: "shl" | "shr", dtype: DType, a: string, amount: number): string {
  const operator = name === "shl" ? "shl" : dtype === "u32" ? "shr_u" : "shr_s";
  return `(i32x4.${operator} ${a} (i32.const ${amount & 31}))`;
}

export function castText(from: DType, to: DType, a: string): string {
  if (to === "f32") return from === "f32" ? a : `(f32x4.convert_i32x4_${from === "u32" ? "u" : "s"} ${a})`;
  return from === "f32" ? `(i32x4.trunc_sat_f32x4_${to === "u32" ? "u" : "s"} ${a})` : a;
}

const LOWEST = { f32: Number.NEGATIVE_INFINITY, i32: -0x80000000, u32: 0 };
const HIGHEST = { f32: Number.POSITIVE_INFINITY, i32: 0x7fffffff, u32: 0xffffffff };

/** What a fold starts from. */
export function foldStart(name: FoldName, dtype: DType): string {
  return constText(dtype, name === "sum" ? 0 : (name === "max" ? LOWEST : HIGHEST)[dtype]);
}

export function foldText(name: FoldName, dtype: DType, acc: string, value: string): string {
  const operator = name === "sum" ? "add" : name;
  if (dtype === "f32") {
    if (name === "sum") return `(f32x4.add ${acc} ${value})`;
    // not pmin or pmax, which forget a NaN: wherever it was among the values, it must come through
    return `(f32x4.${operator} ${acc} ${value})`;
  }
  return name === "sum"
    ? `(i32x4.add ${acc} ${value})`
    : `(i32x4.${operator}_${dtype === "u32" ? "u" : "s"} ${acc} ${value})`;
}
