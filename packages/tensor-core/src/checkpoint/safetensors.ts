/**
 * The safetensors container: an 8-byte little-endian header length, a JSON header, then the raw tensors. Written here
 * because no kept npm package writes it; the format is a page long (huggingface/safetensors, README "Format"). Only the
 * dtypes F32, I32 and U32 are read. Ours alone is a checksum in the metadata, which other readers take for free text.
 */
import { type DType, dtypeOf, ELEMENT_BYTES, type HostArray, viewAs } from "../dtype.ts";
import { CheckpointError } from "../errors.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { CHECKSUM, checksumOf } from "./checksum.ts";

/** One tensor as it lies in a file, on the host. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Row-major elements, as many as the shape has, of the dtype's array type. */
  readonly data: HostArray;
}

/** The content of a safetensors file. Tensors are written in the order of the map. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text by key, as the format allows. */
  readonly metadata: Readonly<Record<string, string>>;
}

const NAMES: Record<DType, string> = { f32: "F32", i32: "I32", u32: "U32" };
const DTYPES = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType]));
const METADATA = "__metadata__";

/**
 * The file's pieces in order: header first, then each tensor's bytes, to be written one after another. The tensors'
 * bytes are views, not copies. Throws CheckpointError for a tensor whose data does not fit its shape and dtype, and for
 * names that the format cannot hold.
 */
export function encodeTensors(file: TensorFile): Uint8Array[] {
  const { tensors, metadata } = file;
  if (CHECKSUM in metadata) {
    throw new CheckpointError(`checkpoint: the metadata key "${CHECKSUM}" is taken; choose another.`);
  }
  const sum = checksumOf(file);
  // Text, not an object: an object would take a tensor named "__proto__" for something else.
  const entries = [`"${METADATA}":${JSON.stringify({ ...metadata, [CHECKSUM]: sum })}`];
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (data.length !== sizeOf(shape) || dtypeOf(data) !== dtype) {
      throw new CheckpointError(
        `checkpoint: tensor "${name}" has ${data.length} elements of ${data.constructor.name}, its shape [${shape}] and ` +
          `dtype want ${sizeOf(shape)} of ${dtype}.`,
      );
    }
    if (name === METADATA || !name.isWellFormed()) {
      throw new CheckpointError(`checkpoint: a tensor cannot be named ${JSON.stringify(name)}; rename it.`);
    }
    const entry = { dtype: NAMES[dtype], shape, data_offsets: [at, at + data.byteLength] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    at += data.byteLength;
  }
  const text = `{${entries.join(",")}}`;
  const bare = new TextEncoder().encode(text);
  // spaces up to a multiple of 8, so that the tensors are aligned
  const json = new Uint8Array(Math.ceil(bare.length / 8) * 8).fill(0x20);
  json.set(bare);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return [length, json, ...parts];
}

/** Bytes that are read a range at a time. */
export interface ByteSource {
  readonly size: number;
  /** Bytes from..to, in a buffer of their own. */
  read(from: number, to: number): Uint8Array<ArrayBuffer>;
}

/**
 * Reads a whole file. Throws CheckpointError naming `source` where it is torn, not safetensors, or does not match its
 * checksum; a file without one (another tool's) is taken as it is.
 */
export function decodeTensors(bytes: Uint8Array, source: string): TensorFile {
  // a copy: a tensor must be aligned and must not keep the whole file alive. Not by slice: a Buffer's is a view
  const read = (from: number, to: number) => new Uint8Array(bytes.subarray(from, to));
  return decodeFrom({ size: bytes.length, read }, source);
}

/** The same of a file that may be larger than any buffer: each tensor is read by itself. */
export function decodeFrom({ size, read }: ByteSource, source: string): TensorFile {
  const fail = (why: string) =>
    new CheckpointError(`checkpoint ${source}: ${why}; it is damaged or not a safetensors file.`);
  if (size < 8) throw fail(`only ${size} bytes`);
  const length = Number(new DataView(read(0, 8).buffer).getBigUint64(0, true));
  if (length > size - 8) throw fail(`a header of ${length} bytes in a file of ${size}`);
  const header = parseHeader(read(8, 8 + length));
  if (!header) throw fail("the header is not a JSON object");
  const metadata = header[METADATA] ?? {};
  if (!isObject(metadata) || Object.values(metadata).some((text) => typeof text !== "string")) {
    throw fail("the metadata is not a map of texts");
  }

  const start = 8 + length;
  const body = size - start;
  const tensors = new Map<string, StoredTensor>();
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) continue;
    const placed = placeOf(entry, body);
    if (!placed) throw fail(`tensor "${name}" is ${JSON.stringify(entry)} in ${body} bytes`);
    const { dtype, shape, from, to } = placed;
    tensors.set(name, { dtype, shape, data: viewAs(dtype, read(start + from, start + to).buffer) });
    spans.push([from, to]);
  }
  let covered = 0;
  for (const [from, to] of spans.sort(([a, b], [c, d]) => a - c || b - d)) {
    if (from !== covered) throw fail(`its tensors leave a hole or overlap at byte ${covered}`);
    covered = to;
  }
  if (covered !== body) throw fail(`its tensors take ${covered} bytes, the file holds ${body} of them`);

  const { [CHECKSUM]: sum, ...rest } = metadata as Record<string, string>;
  const file = { tensors, metadata: rest };
  if (sum !== undefined && sum !== checksumOf(file)) throw fail("its content does not match its checksum");
  return file;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The entry's tensor, or undefined where it does not lie inside a body of `size` bytes. */
function placeOf(
  entry: unknown,
  size: number,
): { dtype: DType; shape: number[]; from: number; to: number } | undefined {
  if (!isObject(entry)) return undefined;
  const dtype = DTYPES.get(String(entry.dtype));
  if (!dtype || !isCounts(entry.shape) || !isCounts(entry.data_offsets)) return undefined;
  const [from, to, ...more] = entry.data_offsets;
  if (from === undefined || to === undefined || more.length > 0 || from > to || to > size) return undefined;
  return to - from === sizeOf(entry.shape) * ELEMENT_BYTES
    ? { dtype, shape: entry.shape, from, to }
    : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
