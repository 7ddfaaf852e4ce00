/** Accumulators of reduce and segment kernels. */
import type { DType } from "../../../dtype.ts";
import type { FoldName } from "../../../kernels/ir.ts";
import { binaryText, constText, typeText } from "./operators.ts";

const START: Record<FoldName, Record<DType, number>> = {
  sum: { f32: 0, i32: 0, u32: 0 },
  max: { f32: Number.NEGATIVE_INFINITY, i32: -0x80000000, u32: 0 },
  min: { f32: Number.POSITIVE_INFINITY, i32: 0x7fffffff, u32: 0xffffffff },
};

export function foldStart(name: FoldName, dtype: DType, wide: boolean, functions: Set<string>): string {
  const text = constText(dtype, START[name][dtype], functions);
  return wide ? `${typeText(dtype, true)}(${text})` : text;
}

interface Fold {
  readonly name: FoldName;
  readonly dtype: DType;
}

/** Statement that folds `value` into `acc`. */
export function foldStep(
  { name, dtype }: Fold,
  acc: string,
  value: string,
  wide: boolean,
  functions: Set<string>,
): string {
  if (name === "sum") return `${acc} += ${value};`;
  return `${acc} = ${binaryText(name, dtype, acc, value, wide, functions)};`;
}

/** The four lanes of an accumulator as one. */
export function foldLanes({ name, dtype }: Fold, acc: string, functions: Set<string>): string {
  if (name === "sum") return `(${acc}.x + ${acc}.y) + (${acc}.z + ${acc}.w)`;
  const join = (a: string, b: string) => binaryText(name, dtype, a, b, false, functions);
  return join(join(`${acc}.x`, `${acc}.y`), join(`${acc}.z`, `${acc}.w`));
}
