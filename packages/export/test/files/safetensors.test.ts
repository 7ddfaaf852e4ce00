import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeExported, type ExportedTensor, encodeExported } from "../../src/index.ts";
import { SEED } from "../support/setting.ts";

const dtype = fc.constantFrom("f32", "f16", "i8", "u32", "i32");
const arrays = { f32: Float32Array, f16: Float16Array, i8: Int8Array, u32: Uint32Array, i32: Int32Array };

const tensor = fc
  .tuple(dtype, fc.array(fc.nat(4), { maxLength: 3 }), fc.nat(120))
  .map(([kind, shape, first]) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const numbers = Array.from({ length: size }, (_, i) => (first + i) % 128);
    const data = new arrays[kind](numbers);
    return { dtype: kind, shape, data } as ExportedTensor;
  });
const file = fc.record({
  tensors: fc
    .uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), tensor), {
      selector: ([name]) => name,
      maxLength: 5,
    })
    .map((list) => new Map(list.filter(([name]) => name !== "__metadata__"))),
  metadata: fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), fc.string(), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
});

const bytesOf = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));

test("law: what was written is read back, whatever its names, dtypes and shapes", () => {
  fc.assert(
    fc.property(file, ({ tensors, metadata }) => {
      const back = decodeExported(bytesOf(encodeExported({ tensors, metadata })), "memory");
      expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
      expect(back.metadata).toEqual(metadata);
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test("law: every tensor is aligned to its elements, so that readers may map the file", () => {
  fc.assert(
    fc.property(file, (given) => {
      const [, header] = encodeExported(given);
      const start = 8 + header!.length;
      const entries = JSON.parse(new TextDecoder().decode(header)) as Record<
        string,
        { data_offsets: [number, number] }
      >;
      for (const [name, { data }] of given.tensors) {
        expect((start + entries[name]!.data_offsets[0]) % data.BYTES_PER_ELEMENT).toBe(0);
      }
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test("law: cut short anywhere, it is refused", () => {
  const tensors = new Map<string, ExportedTensor>([
    ["a", { dtype: "f16", shape: [3], data: Float16Array.of(1, 2, 3) }],
  ]);
  const whole = bytesOf(encodeExported({ tensors, metadata: {} }));
  for (let n = 0; n < whole.length; n++) {
    expect(() => decodeExported(whole.slice(0, n), "cut.safetensors")).toThrow(/^cut\.safetensors: /);
  }
});

test("metadata that is not a map of texts is refused", () => {
  const text = new TextEncoder().encode('{"__metadata__":{"a":1}}');
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  const read = () => decodeExported(bytes, "other.safetensors");
  expect(read).toThrow("other.safetensors: has metadata that is not a map of texts");
});
