/**
 * Narrower numbers for rows of tables. All of it is ours.
 *
 *   f16   every number of a table in half precision
 *   int8  a signed byte a number, symmetric: value = byte x scale, scale = largest |value| / 127
 *
 * One scale belongs to one row of a dense table. Element masks and row chunks keep their numbers in a list in which rows have no length of
 * their own; there a scale belongs to SCALE_BLOCK numbers that follow each other (of chunks: to as many whole chunks as fit), so that finding it
 * needs the number's place and nothing else, and costs a sixteenth of the bytes. Tables whose rows would not become smaller by it than
 * in half precision (dims up to 4: a scale has 4 bytes) are kept in half precision, and so are first-order weights, one number a row.
 */
import { ExportError } from "../errors.ts";
import { type ExportedFile, type ExportedTensor, type Precision, scalesOf } from "./stored.ts";

/** Numbers that share a scale where rows have no length of their own. */
export const SCALE_BLOCK = 64;

/** The name of the list of numbers of element masks and row chunks. */
export const VALUES = "values";

/** Entries of the first axis that share a scale: rows of a table, places in a list. */
export function entriesPerScale(name: string, width: number): number {
  return name === VALUES ? Math.max(1, Math.floor(SCALE_BLOCK / width)) : 1;
}

/** The same file with its tables narrower. `isTable` says which tensors are. */
export function narrow(
  file: ExportedFile,
  precision: Precision,
  isTable: (name: string) => boolean,
): ExportedFile {
  if (precision === "f32") return file;
  const tensors = new Map<string, ExportedTensor>();
  for (const [name, tensor] of file.tensors) {
    if (!isTable(name) || tensor.dtype !== "f32") {
      tensors.set(name, tensor);
      continue;
    }
    const { shape } = tensor;
    const data = tensor.data as Float32Array;
    const width = shape[1] ?? 1;
    const entries = entriesPerScale(name, width);
    if (precision === "int8" && entries * width > 4) {
      const { bytes, scales } = toBytes(data, entries * width, name);
      tensors.set(name, { dtype: "i8", shape, data: bytes });
      tensors.set(scalesOf(name), { dtype: "f32", shape: [scales.length], data: scales });
    } else {
      tensors.set(name, { dtype: "f16", shape, data: toHalf(data, name) });
    }
  }
  return { tensors, metadata: file.metadata };
}

/** Every number in 32 bits again; scales are gone. */
export function widen(file: ExportedFile): ExportedFile {
  const tensors = new Map<string, ExportedTensor>();
  const used = new Set([...file.tensors].flatMap(([name, t]) => (t.dtype === "i8" ? [scalesOf(name)] : [])));
  for (const [name, tensor] of file.tensors) {
    if (used.has(name)) continue;
    if (tensor.dtype === "f16") {
      tensors.set(name, { dtype: "f32", shape: tensor.shape, data: Float32Array.from(tensor.data) });
    } else if (tensor.dtype === "i8") {
      const scales = file.tensors.get(scalesOf(name));
      const width = tensor.shape[1] ?? 1;
      const block = entriesPerScale(name, width) * width;
      if (!scales || scales.data.length !== Math.ceil(tensor.data.length / block)) {
        throw new ExportError(`"${name}" has no scales that fit its bytes; the file is damaged.`);
      }
      const data = Float32Array.from(tensor.data, (byte, i) => byte * scales.data[Math.floor(i / block)]!);
      tensors.set(name, { dtype: "f32", shape: tensor.shape, data });
    } else tensors.set(name, tensor);
  }
  return { tensors, metadata: file.metadata };
}

function toHalf(data: Float32Array, name: string): Float16Array {
  const half = Float16Array.from(data);
  const bad = half.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return half;
  throw new ExportError(
    `"${name}" holds ${data[bad]}, which half precision cannot (its largest is 65504); export with --precision f32.`,
  );
}

function toBytes(
  data: Float32Array,
  block: number,
  name: string,
): { bytes: Int8Array; scales: Float32Array } {
  const bytes = new Int8Array(data.length);
  const scales = new Float32Array(Math.ceil(data.length / block));
  scales.forEach((_, b) => {
    const from = b * block;
    const to = Math.min(data.length, from + block);
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(data[i]!));
    if (!Number.isFinite(largest)) {
      throw new ExportError(
        `"${name}" holds a number that is not finite; the model was not trained to an end.`,
      );
    }
    // the scale as it will be read, so that the largest number is 127 of it
    const scale = Math.fround(largest / 127);
    scales[b] = scale;
    if (scale === 0) return;
    for (let i = from; i < to; i++) {
      bytes[i] = Math.max(-127, Math.min(127, Math.round(data[i]! / scale)));
    }
  });
  return { bytes, scales };
}
