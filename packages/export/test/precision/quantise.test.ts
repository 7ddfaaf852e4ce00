import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ExportedFile, narrow, SCALE_BLOCK, widen } from "../../src/index.ts";
import { VALUES } from "../../src/precision/quantise.ts";
import { bytesOf, scalesOf } from "../../src/precision/stored.ts";
import { SEED } from "../support/setting.ts";

const law = <T extends unknown[]>(property: fc.IProperty<T>) =>
  fc.assert(property, { seed: SEED, numRuns: 200 });

/** Sizes from those of first values to large ones, and zeros. */
const number = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0, 1e-4, 1, 300))
  .map(([x, scale]) => Math.fround(x * scale));

const tableOf = (name: string, most: number) =>
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: most })).chain(([rows, width]) =>
    fc.array(number, { minLength: rows * width, maxLength: rows * width }).map((list) => ({
      name,
      rows,
      width,
      data: Float32Array.from(list),
    })),
  );

const table = fc.oneof(tableOf("item/table", 9), tableOf(VALUES, 3));

function fileOf({
  name,
  rows,
  width,
  data,
}: {
  name: string;
  rows: number;
  width: number;
  data: Float32Array;
}): ExportedFile {
  return { tensors: new Map([[name, { dtype: "f32", shape: [rows, width], data }]]), metadata: { a: "b" } };
}

test("law: f32 is the file itself", () => {
  law(fc.property(table, (t) => expect(narrow(fileOf(t), "f32", () => true)).toEqual(fileOf(t))));
});

test("law: half precision is within 2^-11 of a number, or 2^-25 of zero", () => {
  law(
    fc.property(table, (t) => {
      const back = widen(narrow(fileOf(t), "f16", () => true)).tensors.get(t.name)!;
      t.data.forEach((x, i) => {
        expect(Math.abs(back.data[i]! - x)).toBeLessThanOrEqual(Math.max(Math.abs(x) * 2 ** -11, 2 ** -25));
      });
    }),
  );
});

test("law: a byte is within half a step of its scale, and the largest of a block is exact up to rounding", () => {
  law(
    fc.property(table, (t) => {
      const small = narrow(fileOf(t), "int8", () => true);
      const scales = small.tensors.get(scalesOf(t.name));
      if (!scales) return expect(small.tensors.get(t.name)!.dtype).toBe("f16");
      const back = widen(small).tensors.get(t.name)!;
      const block = t.name === VALUES ? Math.floor(SCALE_BLOCK / t.width) * t.width : t.width;
      expect(scales.data.length).toBe(Math.ceil(t.data.length / block));
      t.data.forEach((x, i) => {
        const largest = Math.max(
          ...t.data
            .subarray(Math.floor(i / block) * block, (Math.floor(i / block) + 1) * block)
            .map(Math.abs),
        );
        expect(Math.abs(back.data[i]! - x)).toBeLessThanOrEqual(
          largest / 254 + largest * 1e-6 + 127 * 2 ** -149,
        );
        if (Math.abs(x) === largest && largest > 1e-30)
          expect(Math.abs(back.data[i]! / x - 1)).toBeLessThan(1e-6);
      });
    }),
  );
});

test("law: narrowing never takes more bytes, and narrowing what was widened changes nothing", () => {
  law(
    fc.property(table, fc.constantFrom("f16", "int8"), (t, precision) => {
      const small = narrow(fileOf(t), precision, () => true);
      if (t.rows * t.width >= SCALE_BLOCK || precision === "f16" || t.name !== VALUES)
        expect(bytesOf(small)).toBeLessThan(bytesOf(fileOf(t)));
      const again = narrow(widen(small), "f16", () => true);
      if (precision === "f16") expect(again).toEqual(small);
    }),
  );
});

test("what is no table stays as it is, index arrays too", () => {
  const file: ExportedFile = {
    tensors: new Map([
      ["a/projection", { dtype: "f32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
      [VALUES, { dtype: "u32", shape: [2], data: Uint32Array.of(1, 2) }],
    ]),
    metadata: {},
  };
  expect(narrow(file, "int8", (name) => name === VALUES)).toEqual(file);
});

test("numbers that half precision cannot hold, and damaged bytes, are refused", () => {
  const large = fileOf({ name: "t/table", rows: 1, width: 2, data: Float32Array.of(1, 1e5) });
  expect(() => narrow(large, "f16", () => true)).toThrow('"t/table" holds 100000');
  const endless = fileOf({ name: "t/table", rows: 1, width: 6, data: new Float32Array(6).fill(Number.NaN) });
  expect(() => narrow(endless, "int8", () => true)).toThrow("not finite");
  const bare: ExportedFile = {
    tensors: new Map([["t/table", { dtype: "i8", shape: [1, 8], data: new Int8Array(8) }]]),
    metadata: {},
  };
  expect(() => widen(bare)).toThrow("no scales");
});
