/** One instruction's operator as a WGSL expression. Operands are names (never constant expressions, which WGSL checks harder). */
import type { DType } from "../../../dtype.ts";
import { KernelError } from "../../../errors.ts";
import type { BinaryName, UnaryName } from "../../../kernels/ir.ts";
import { type FunctionName, functionName } from "./functions.ts";

/** A literal that reads back as the same 32 bits. */
export function constText(dtype: DType, value: number, functions: Set<string>): string {
  if (dtype === "u32") return `${value >>> 0}u`;
  if (dtype === "i32") return `i32(${value | 0})`;
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded) && !Object.is(rounded, -0)) {
    const text = `${rounded}`;
    return `f32(${/[.e]/.test(text) ? text : `${text}.0`})`;
  }
  functions.add(functionName("specials", false));
  if (rounded === 0) return "bitcast<f32>(negative_zero_bits)";
  if (Number.isNaN(rounded)) return "bitcast<f32>(nan_bits)";
  return rounded > 0 ? "bitcast<f32>(inf_bits)" : "-bitcast<f32>(inf_bits)";
}

export function typeText(dtype: DType, wide: boolean): string {
  return wide ? `vec4<${dtype}>` : dtype;
}

export function castText(dtype: DType, a: string, wide: boolean): string {
  return `${typeText(dtype, wide)}(${a})`;
}

export function unaryText(
  name: UnaryName,
  dtype: DType,
  a: string,
  wide: boolean,
  functions: Set<string>,
): string {
  const type = typeText(dtype, wide);
  if (name === "neg") return dtype === "u32" ? `${type}(0u) - ${a}` : `-${a}`;
  if (name === "abs") return `abs(${a})`;
  if (name === "sign") return dtype === "u32" ? `min(${a}, ${type}(1u))` : `sign(${a})`;
  if (dtype !== "f32") {
    if (name === "floor") return a;
    throw new KernelError(`unary ${name} takes f32, got ${dtype}; cast the operand to f32 first`);
  }
  const call = (fn: FunctionName): string => {
    functions.add(functionName(fn, wide));
    return `${functionName(fn, wide)}(${a})`;
  };
  switch (name) {
    case "exp":
    case "log":
    case "sqrt":
    case "floor":
      return `${name}(${a})`;
    case "rsqrt":
      return `inverseSqrt(${a})`;
    case "recip":
      return `${type}(1.0) / ${a}`;
    case "log1p":
    case "sigmoid":
    case "tanh":
      return call(name);
  }
}

const INFIX: Partial<Record<BinaryName, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  mod: "%",
  and: "&",
  or: "|",
  xor: "^",
};

/** Everything but comparisons, which the emitter writes itself. Both operands have the full width. */
export function binaryText(
  name: BinaryName,
  dtype: DType,
  a: string,
  b: string,
  wide: boolean,
  functions: Set<string>,
): string {
  const infix = INFIX[name];
  if (infix !== undefined) return `${a} ${infix} ${b}`;
  if (name === "min" || name === "max") {
    if (dtype !== "f32") return `${name}(${a}, ${b})`;
    functions.add(functionName(name, wide));
    return `${functionName(name, wide)}(${a}, ${b})`;
  }
  // A shift by 32 or more is an error in WGSL when the amount is constant and takes the low 5 bits when not.
  if (name === "shl" || name === "shr")
    return `${a} ${name === "shl" ? "<<" : ">>"} (${b} & ${wide ? "vec4<u32>(31u)" : "31u"})`;
  if (name === "pow") {
    const fn = functionName(dtype === "f32" ? "pow" : dtype === "i32" ? "ipow" : "upow", wide);
    functions.add(fn);
    return `${fn}(${a}, ${b})`;
  }
  throw new KernelError(`binary ${name} is not an arithmetic instruction`);
}
