/**
 * The safetensors container with two dtypes more than tensor-core's checkpoints have: F16 and I8. No checksum inside, as the folder's
 * manifest has one for every file. Files of F32 and U32 alone are read by tensor-core too.
 */
import type { StoredTensor } from "@trimtab/tensor-core";
import { z } from "zod";
import { ExportFolderError } from "../errors.ts";
import { type ExportedFile, type ExportedTensor, isNarrow } from "../precision/stored.ts";

const NAMES: Record<ExportedTensor["dtype"], string> = {
  f32: "F32",
  f16: "F16",
  i8: "I8",
  i32: "I32",
  u32: "U32",
};
type Make = (buffer: ArrayBuffer) => ExportedTensor["data"];
const KINDS: Record<
  string,
  { readonly dtype: ExportedTensor["dtype"]; readonly bytes: number; readonly make: Make }
> = {
  F32: { dtype: "f32", bytes: 4, make: (b) => new Float32Array(b) },
  F16: { dtype: "f16", bytes: 2, make: (b) => new Float16Array(b) },
  I8: { dtype: "i8", bytes: 1, make: (b) => new Int8Array(b) },
  I32: { dtype: "i32", bytes: 4, make: (b) => new Int32Array(b) },
  U32: { dtype: "u32", bytes: 4, make: (b) => new Uint32Array(b) },
};
const METADATA = "__metadata__";

const entrySchema = z.strictObject({
  dtype: z.enum(["F32", "F16", "I8", "I32", "U32"]),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** The file's pieces in order; tensors' bytes are views. Wide tensors first, so that each is aligned to its elements. */
export function encodeExported({ tensors, metadata }: ExportedFile): Uint8Array[] {
  const size = (t: ExportedTensor) => t.data.BYTES_PER_ELEMENT;
  const ordered = [...tensors].sort(([, a], [, b]) => size(b) - size(a));
  const entries = [`"${METADATA}":${JSON.stringify(metadata)}`];
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const entry = { dtype: NAMES[dtype], shape, data_offsets: [at, at + data.byteLength] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    at += data.byteLength;
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  header.set(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return [length, header, ...parts];
}

/** Reads such a file. Throws ExportFolderError naming `source` where it is not one. */
export function decodeExported(bytes: Uint8Array, source: string): ExportedFile {
  const fail = (why: string) =>
    new ExportFolderError(`${source}: ${why}; it is damaged or not a safetensors file.`);
  if (bytes.length < 8) throw fail(`has only ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw fail(`has a header of ${length} bytes in ${bytes.length}`);
  let header: Map<string, unknown>;
  try {
    const json: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)),
    );
    header = new Map(Object.entries(json as object));
  } catch {
    throw fail("has a header that is not JSON");
  }
  const metadata = header.get(METADATA) ?? {};
  if (!isTexts(metadata)) throw fail("has metadata that is not a map of texts");
  header.delete(METADATA);
  const body = bytes.subarray(8 + length);
  const tensors = new Map<string, ExportedTensor>();
  for (const [name, value] of header) {
    const entry = entrySchema.safeParse(value);
    if (!entry.success) throw fail(`describes "${name}" as ${JSON.stringify(value)}`);
    const { dtype, shape, data_offsets } = entry.data;
    const [from, to] = data_offsets;
    const kind = KINDS[dtype]!;
    if (to > body.length || to - from !== shape.reduce((n, d) => n * d, 1) * kind.bytes) {
      throw fail(`places "${name}" at ${from} to ${to} of ${body.length} bytes`);
    }
    const data = kind.make(new Uint8Array(body.subarray(from, to)).buffer);
    tensors.set(name, { dtype: kind.dtype, shape, data } as ExportedTensor);
  }
  return { tensors, metadata };
}

/** Not by zod's record, which takes a key named "__proto__" away. */
function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

/** The tensors as tensor-core knows them. Throws ExportFolderError for one that is narrower. */
export function asStored(file: ExportedFile, source: string): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  for (const [name, tensor] of file.tensors) {
    if (isNarrow(tensor)) {
      throw new ExportFolderError(
        `${source}: "${name}" is ${tensor.dtype}, expected 32 bits; it is damaged.`,
      );
    }
    stored.set(name, tensor);
  }
  return stored;
}
