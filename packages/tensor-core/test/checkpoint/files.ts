/** Tensor files for tests: made at random, and compared bit by bit. */
import fc from "fast-check";
import { ELEMENT_BYTES, type StoredTensor, sizeOf, type TensorFile } from "../../src/index.ts";

const shape = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<number[]>([], [0], [3, 0, 2], [1, 1]) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }) },
);

const tensor: fc.Arbitrary<StoredTensor> = shape.chain((s) =>
  fc
    .tuple(
      fc.constantFrom("f32", "i32", "u32"),
      fc.uint8Array({ minLength: sizeOf(s) * ELEMENT_BYTES, maxLength: sizeOf(s) * ELEMENT_BYTES }),
    )
    .map(([dtype, bytes]): StoredTensor => {
      const array = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
      return { dtype, shape: s, data: new array(bytes.slice().buffer) };
    }),
);

/** Any text that the format can hold, and the names that plain objects stumble over. */
const name = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("", "1", "0", "__proto__", "constructor", "Größe", "用户.table", "🧮", 'a"b\\c\n'),
);

const metadata = fc
  .array(fc.tuple(name, fc.string({ unit: "binary", maxLength: 12 })), { maxLength: 3 })
  .map((pairs): Record<string, string> => Object.fromEntries(pairs));

export const tensorFile: fc.Arbitrary<TensorFile> = fc
  .tuple(fc.array(fc.tuple(name, tensor), { maxLength: 5 }), metadata)
  .map(([tensors, texts]) => ({ tensors: new Map(tensors), metadata: texts }));

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** A file's content in a form whose equality is equality of bits; the order of tensors and keys does not count. */
export function content({ tensors, metadata: texts }: TensorFile): string {
  const rows = [...tensors].map(([key, t]) => [
    key,
    t.dtype,
    t.shape,
    t.data.constructor.name,
    Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString("hex"),
  ]);
  const sorted = <T>(list: T[]) => list.map((x) => JSON.stringify(x)).sort();
  return JSON.stringify([sorted(rows), sorted(Object.entries(texts))]);
}
