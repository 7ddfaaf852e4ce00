/** Tensors as an exported folder holds them: tensor-core's types, and two narrower ones for rows of tables. */
import type { StoredTensor } from "@trimtab/tensor-core";

/** `f16`: IEEE half precision. `i8`: signed bytes that belong to scales in a tensor of their own. */
export type NarrowType = "f16" | "i8";

export interface NarrowTensor {
  readonly dtype: NarrowType;
  readonly shape: readonly number[];
  readonly data: Float16Array | Int8Array;
}

export type ExportedTensor = StoredTensor | NarrowTensor;

export function isNarrow(tensor: ExportedTensor): tensor is NarrowTensor {
  return tensor.dtype === "f16" || tensor.dtype === "i8";
}

/** A safetensors file with narrow tensors. */
export interface ExportedFile {
  readonly tensors: ReadonlyMap<string, ExportedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How numbers of tables are kept: whole, in half precision, or in a byte with a scale. */
export const PRECISIONS = ["f32", "f16", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];

/** The name of a byte tensor's scales. */
export const scalesOf = (name: string): string => `${name}.scales`;

export function bytesOf({ tensors }: ExportedFile): number {
  return [...tensors.values()].reduce((n, { data }) => n + data.byteLength, 0);
}
