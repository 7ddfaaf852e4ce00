import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { perField, type Scheme, SchemeError, uniform } from "../../src/index.ts";
import { perFieldSchemes, schemes } from "../schemes.ts";

const fields = [
  { name: "user", rows: 100, slots: 1 },
  { name: "genres", rows: 10, slots: 4 },
  { name: "city", rows: 7, slots: 1 },
];

describe("bytes", () => {
  test("uniform: every number once", () => {
    const s = uniform(fields, 16);
    expect(s.parameters).toBe(117 * 16);
    expect(s.serveBytes()).toBe(117 * 16 * 4);
    expect(s.serveBytes("dense")).toBe(117 * 16 * 4);
  });

  test("per field: tables and the projections of the fields that are smaller than the base", () => {
    const s = perField(fields, [4, 16, 0], { base: 16, projection: "linear" });
    expect(s.parameters).toBe(100 * 4 + 10 * 16 + 4 * 16);
    const none = perField(fields, [4, 16, 0], { base: 16, projection: "none" });
    expect(none.parameters).toBe(100 * 4 + 10 * 16);
  });

  test("training: state for each number, a stamp for each row of a table that exists", () => {
    const s = perField(fields, [4, 16, 0], { base: 16, projection: "linear" });
    const table = 100 * 4 + 10 * 16;
    const map = 4 * 16;
    expect(s.trainBytes({ slots: 0 })).toBe(s.serveBytes());
    expect(s.trainBytes({ slots: 2, touched: true })).toBe(4 * (3 * table + 3 * map + 110));
    expect(s.trainBytes({ slots: 0, denseSlots: 2 })).toBe(4 * (table + 3 * map));
  });

  test("law: the lines of a scheme add up to the whole", () => {
    law(
      fc.property(schemes(), (s) => {
        const uses = s.uses();
        expect(uses.reduce((n, u) => n + u.bytes, 0)).toBe(s.serveBytes());
        expect(uses.reduce((n, u) => n + u.parameters, 0)).toBe(s.parameters);
        const share = uses.reduce((n, u) => n + u.share, 0);
        expect(share).toBeCloseTo(s.serveBytes() === 0 ? 0 : 1, 9);
      }),
    );
  });

  test("law: a field that loses a dim costs less in its table, and never less than nothing", () => {
    law(
      fc.property(perFieldSchemes(), fc.nat(), (s, pick) => {
        const f = pick % s.fields.length;
        fc.pre(s.dims[f]! > 0);
        const dims = s.dims.map((d, i) => (i === f ? d - 1 : d));
        const less = perField(s.fields, dims, { base: s.base, projection: s.projection });
        expect(s.tableParameters - less.tableParameters).toBe(s.fields[f]!.rows);
        expect(less.serveBytes()).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("what is refused", () => {
  const options = { base: 4, projection: "linear" } as const;
  const cases: [string, () => Scheme, string][] = [
    ["no fields", () => uniform([], 4), "0 fields"],
    ["a field named twice", () => uniform([fields[0]!, fields[0]!], 4), '"user"'],
    ["a field without rows", () => uniform([{ name: "x", rows: 0, slots: 1 }], 4), 'field "x" has rows 0'],
    ["half a slot", () => uniform([{ name: "x", rows: 1, slots: 0.5 }], 4), 'field "x" has slots 0.5'],
    ["a negative dim", () => uniform(fields, -1), "base dim -1"],
    ["a dim over the base", () => perField(fields, [1, 5, 1], options), 'field "genres" has dim 5'],
    [
      "a dim that is no whole number",
      () => perField(fields, [1, 1, 1.5], options),
      'field "city" has dim 1.5',
    ],
    ["too few dims", () => perField(fields, [1, 2], options), "2 dims for 3 fields"],
    [
      "columns that are not the dim's number",
      () => perField(fields, [1, 2, 0], { ...options, columns: [[0], [1], []] }),
      'field "genres" has dim 2 and columns [1]',
    ],
    [
      "a column twice",
      () => perField(fields, [1, 2, 0], { ...options, columns: [[0], [1, 1], []] }),
      "columns [1, 1]",
    ],
    [
      "a column the base does not have",
      () => perField(fields, [1, 1, 0], { ...options, columns: [[4], [1], []] }),
      "from 0 to 3",
    ],
  ];
  test.each(cases)("%s", (_, make, message) => {
    expect(make).toThrow(SchemeError);
    expect(make).toThrow(message);
  });
});

test("a scheme is not changed by what its maker does to the arrays later", () => {
  const dims = [1, 2, 3];
  const own = fields.map((f) => ({ ...f }));
  const s = perField(own, dims, { base: 4, projection: "none" });
  dims[0] = 4;
  own[0]!.rows = 1;
  expect(s.dims).toEqual([1, 2, 3]);
  expect(s.fields[0]!.rows).toBe(100);
  expect(() => (s.dims as number[]).push(1)).toThrow(TypeError);
});

test("fields of other packages may carry more keys; a scheme keeps its own", () => {
  const s = uniform(
    fields.map((f) => ({ ...f, kind: "categorical" })),
    2,
  );
  expect(s.fields).toEqual(fields);
});
