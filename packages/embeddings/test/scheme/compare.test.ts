import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { compareSchemes, drawScheme, perField, SchemeError, showBytes, uniform } from "../../src/index.ts";
import { perFieldSchemes, schemes } from "../schemes.ts";

const fields = [
  { name: "user", rows: 1000, slots: 1 },
  { name: "city", rows: 7, slots: 1 },
  { name: "hour", rows: 24, slots: 1 },
];
const options = { base: 16, projection: "linear" } as const;

test("the measures of a pair worked out by hand", () => {
  const a = perField(fields, [4, 16, 0], options);
  const b = perField(fields, [8, 16, 1], options);
  const c = compareSchemes(a, b);
  expect(c.fields).toBe(3);
  expect(c.identical).toBe(1);
  // |log2(4/8)| = 1, 0, |log2(0.5/1)| = 1
  expect(c.meanAbsLog2Ratio).toBeCloseTo(2 / 3, 12);
  expect(c.relativeL1).toBeCloseTo(5 / 25, 12);
  expect(c.bytesRatio).toBeCloseTo(b.serveBytes() / a.serveBytes(), 12);
});

test("law: a scheme is no distance from itself, and the distance does not depend on the side", () => {
  law(
    fc.property(perFieldSchemes(), fc.nat(), (a, pick) => {
      const own = compareSchemes(a, a);
      expect([own.identical, own.meanAbsLog2Ratio, own.relativeL1]).toEqual([a.fields.length, 0, 0]);
      const dims = a.dims.map((d, f) => (f === pick % a.dims.length ? a.base - d : d));
      const b = perField(a.fields, dims, { base: a.base, projection: a.projection });
      const there = compareSchemes(a, b);
      const back = compareSchemes(b, a);
      expect(back.relativeL1).toBe(there.relativeL1);
      expect(back.meanAbsLog2Ratio).toBeCloseTo(there.meanAbsLog2Ratio, 12);
      expect(there.relativeL1).toBeLessThanOrEqual(1);
    }),
  );
});

test("schemes of different fields are not compared", () => {
  expect(() => compareSchemes(uniform(fields, 4), uniform(fields.slice(1), 4))).toThrow(SchemeError);
});

test("a description has a line for each field, aligned, and the total", () => {
  const lines = perField(fields, [4, 16, 0], options).describe().split("\n");
  // 1000 x 4 + 7 x 16 + 4 x 16 numbers of 4 bytes, out of 1031 x 16
  expect(lines[0]).toBe("per-field: 3 fields, 4176 parameters, 16.3 KiB, 25.3% of uniform dim 16");
  expect(lines[1]).toBe("field  rows  dim     bytes  share");
  expect(lines[2]).toBe("user   1000    4  15.9 KiB  97.3%");
  expect(lines[4]).toBe("hour     24    0       0 B   0.0%");
  expect(lines).toHaveLength(5);
});

test("bars: as long as the dim, visible as long as there is one", () => {
  const lines = drawScheme(perField(fields, [1, 16, 0], options), { width: 8 }).split("\n");
  const filled = lines.slice(1).map((l) => (l.match(/█/g) ?? []).length);
  expect(filled).toEqual([1, 8, 0]);
});

test("law: drawing and describing work for every scheme, and say every field's name", () => {
  law(
    fc.property(schemes(), (s) => {
      for (const text of [s.describe(), drawScheme(s)]) {
        const lines = text.split("\n");
        expect(lines[0]!.startsWith(s.kind)).toBe(true);
        for (const { name } of s.fields) expect(lines.some((l) => l.startsWith(`${name} `))).toBe(true);
      }
    }),
  );
});

test("bytes are shown in binary units", () => {
  expect([0, 1023, 1024, 10 * 1024, 5 * 2 ** 30].map(showBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.00 KiB",
    "10.0 KiB",
    "5.00 GiB",
  ]);
});
