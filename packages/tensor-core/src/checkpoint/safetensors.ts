/**
 * The safetensors container: an 8-byte little-endian header length, a JSON header, then the raw tensors. Written here
 * because no kept npm package writes it; the format is a page long (huggingface/safetensors, README "Format").
 */
import type { DType, HostArray } from "../dtype.ts";
import { ELEMENT_BYTES, viewAs } from "../dtype.ts";
import { CheckpointError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { sizeOf } from "../shape.ts";

export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: HostArray;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text by key, as the format allows. */
  readonly metadata: Readonly<Record<string, string>>;
}

const NAMES: Record<DType, string> = { f32: "F32", i32: "I32", u32: "U32" };
const DTYPES: Record<string, DType> = { F32: "f32", I32: "i32", U32: "u32" };

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The file's pieces in order: header first, then each tensor's bytes, to be written one after another. */
export function encodeTensors(file: TensorFile): Uint8Array[] {
  const header: Record<string, HeaderEntry | Readonly<Record<string, string>>> = {
    __metadata__: file.metadata,
  };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, data }] of file.tensors) {
    if (data.length !== sizeOf(shape)) {
      throw new CheckpointError(
        `checkpoint: tensor "${name}" has ${data.length} elements, its shape wants ${sizeOf(shape)}.`,
      );
    }
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [at, at + data.byteLength] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    at += data.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (Buffer.byteLength(text) % 8)) % 8);
  const json = new TextEncoder().encode(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return [length, json, ...parts];
}

/** Reads a whole file; throws CheckpointError naming `source` where it is torn or not safetensors. */
export function decodeTensors(bytes: Uint8Array, source: string): TensorFile {
  const fail = (why: string) =>
    new CheckpointError(`checkpoint ${source}: ${why}; it is damaged or not a safetensors file.`);
  if (bytes.length < 8) throw fail(`only ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw fail(`header of ${length} bytes does not fit`);
  let header: Record<string, HeaderEntry>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw fail("header is not JSON");
  }
  const body = bytes.subarray(8 + length);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const dtype = DTYPES[entry.dtype];
    const [from, to] = entry.data_offsets ?? [0, -1];
    if (
      !dtype ||
      !Array.isArray(entry.shape) ||
      to - from !== sizeOf(entry.shape) * ELEMENT_BYTES ||
      to > body.length
    ) {
      throw fail(
        `tensor "${name}" (${entry.dtype} [${entry.shape}], bytes ${from}..${to} of ${body.length})`,
      );
    }
    // a copy: the tensor must be aligned and must not keep the whole file alive
    const data = viewAs(dtype, body.slice(from, to).buffer);
    tensors.set(name, { dtype, shape: entry.shape, data });
  }
  return { tensors, metadata: (header.__metadata__ as unknown as Record<string, string>) ?? {} };
}
