/** Element types. Every element is four bytes; comparisons yield `u32` 0 or 1, there is no separate boolean type. */
export type DType = "f32" | "i32" | "u32";

/** Bytes of one element of any dtype. */
export const ELEMENT_BYTES = 4;

/** Host data that can be written to or read from a device buffer. */
export type HostArray = Float32Array | Int32Array | Uint32Array;

/** A typed view of `bytes` for the dtype, without a copy. */
export function viewAs(dtype: DType, bytes: ArrayBufferLike, offset = 0, length?: number): HostArray {
  if (dtype === "f32") return new Float32Array(bytes, offset, length);
  if (dtype === "i32") return new Int32Array(bytes, offset, length);
  return new Uint32Array(bytes, offset, length);
}

export function dtypeOf(array: HostArray): DType {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Int32Array) return "i32";
  return "u32";
}
