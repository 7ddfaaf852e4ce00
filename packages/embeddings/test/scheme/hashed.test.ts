import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  compareSchemes,
  HashedScheme,
  hashed,
  SchemeError,
  schemeFromJSON,
  uniform,
} from "../../src/index.ts";
import { hashedSchemes } from "../schemes.ts";

const fields = [
  { name: "user", rows: 100, slots: 1 },
  { name: "city", rows: 7, slots: 2 },
];

test("law: parameters and bytes are those of the values that exist, and of nothing else", () => {
  law(
    fc.property(hashedSchemes(), fc.integer({ min: 0, max: 2 }), (s, slots) => {
      const rows = s.rows.reduce((n, m) => n + m, 0);
      expect(s.parameters).toBe(rows * s.base);
      expect(s.serveBytes()).toBe(rows * s.base * 4);
      expect(s.trainBytes({ slots, touched: true })).toBe(rows * s.base * 4 * (1 + slots) + rows * 4);
      expect(s.uses().reduce((n, u) => n + u.bytes, 0)).toBe(s.serveBytes());
      expect(s.serveBytes()).toBeLessThanOrEqual(uniform(s.fields, s.base).serveBytes());
    }),
  );
});

test("all rows kept cost what the uniform scheme does, and nothing is hashed", () => {
  const all = hashed(fields, { dim: 8, rows: [100, 7] });
  expect(all.serveBytes()).toBe(uniform(fields, 8).serveBytes());
  expect([all.isHashed(0), all.isHashed(1)]).toEqual([false, false]);
});

test("it tells rows and ids, its share of the uniform scheme, and how it compares", () => {
  const half = hashed(fields, { dim: 16, rows: [50, 7], rule: "modulo" });
  expect(
    half
      .describe()
      .split("\n")
      .map((line) => line.trim()),
  ).toEqual([
    "hashed: 2 fields, 912 parameters, 3.56 KiB, 53.3% of uniform dim 16",
    "field       rows  dim     bytes  share",
    "user   50 of 100   16  3.13 KiB  87.7%",
    "city           7   16     448 B  12.3%",
  ]);
  expect(compareSchemes(uniform(fields, 16), half).bytesRatio).toBeCloseTo(57 / 107, 6);
  const back = schemeFromJSON(JSON.parse(JSON.stringify(half.toJSON())));
  expect(back).toBeInstanceOf(HashedScheme);
  expect((back as HashedScheme).rule).toBe("modulo");
});

describe("what is refused", () => {
  const cases: [string, () => unknown, string][] = [
    ["fewer than two rows", () => hashed(fields, { dim: 2, rows: [1, 7] }), '"user" has 100 ids and 1 rows'],
    ["more rows than ids", () => hashed(fields, { dim: 2, rows: [10, 8] }), '"city" has 7 ids and 8 rows'],
    ["half a row", () => hashed(fields, { dim: 2, rows: [2.5, 7] }), "2.5 rows"],
    ["rows of other fields", () => hashed(fields, { dim: 2, rows: [10] }), "rows of 1 fields"],
    ["dim 0", () => hashed(fields, { dim: 0, rows: [10, 7] }), "dim from 1 up"],
    ["an unknown rule", () => hashed(fields, { dim: 2, rows: [10, 7], rule: "xor" as "mixed" }), '"xor"'],
    ["a layout it has not", () => hashed(fields, { dim: 2, rows: [10, 7] }).serveBytes("csr"), '"csr"'],
  ];
  test.each(cases)("%s", (_, make, message) => {
    expect(make).toThrow(SchemeError);
    expect(make).toThrow(message);
  });

  test("but a field of one row keeps it", () => {
    const one = [{ name: "one", rows: 1, slots: 1 }, ...fields];
    expect(hashed(one, { dim: 2, rows: [1, 2, 2] }).parameters).toBe(10);
  });
});
