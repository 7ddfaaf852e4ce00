// An element scheme against a plain set of addresses, its file, its bytes, and what is refused.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  compareSchemes,
  drawScheme,
  ELEMENT_LAYOUTS,
  type ElementScheme,
  elementBytes,
  elements,
  loadScheme,
  SchemeError,
  SchemeFormatError,
  saveScheme,
  schemeFromJSON,
  smallestLayout,
  uniform,
} from "../../src/index.ts";
import { elementSchemes } from "../schemes.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trimtab-elements-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The addresses row x dim + column of each field, read off the bits one by one. */
function setsOf(scheme: ElementScheme): Set<number>[] {
  return scheme.fields.map(({ rows }, f) => {
    const mask = scheme.mask(f);
    const bits = Array.from({ length: rows * scheme.base }, (_, p) => p);
    return new Set(bits.filter((p) => Math.floor(mask[Math.floor(p / 32)]! / 2 ** (p % 32)) % 2 === 1));
  });
}

function maskOf(addresses: Iterable<number>, bits: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(bits / 32));
  for (const p of addresses) mask[Math.floor(p / 32)]! += 2 ** (p % 32);
  return mask;
}

test("law: has, count, parameters and dims are those of a plain set", () => {
  law(
    fc.property(elementSchemes(), (scheme) => {
      const sets = setsOf(scheme);
      const d = scheme.base;
      expect(scheme.parameters).toBe(sets.reduce((n, s) => n + s.size, 0));
      scheme.fields.forEach(({ rows }, f) => {
        const set = sets[f]!;
        const perRow = Array.from({ length: rows }, (_, r) => {
          const all = Array.from({ length: d }, (_, j) => j);
          const columns = all.filter((j) => set.has(r * d + j));
          expect(all.filter((j) => scheme.has(f, r, j))).toEqual(columns);
          return columns.length;
        });
        expect(scheme.count(f)).toBe(set.size);
        expect(scheme.dims[f]).toBe(Math.max(...perRow));
        expect(scheme.filledRows(f)).toBe(perRow.filter((n) => n > 0).length);
        const visited: number[] = [];
        scheme.eachNumber(f, (p) => visited.push(p));
        expect(visited).toEqual([...set].sort((a, b) => a - b));
      });
    }),
  );
});

test("law: it comes back from JSON and from a file as it was", () => {
  law(
    fc.property(elementSchemes(), (scheme) => {
      const path = join(folder, "scheme.json");
      saveScheme(path, scheme);
      const back = [loadScheme(path), schemeFromJSON(JSON.parse(JSON.stringify(scheme.toJSON())))];
      for (const s of back as ElementScheme[]) {
        expect(s.toJSON()).toEqual(scheme.toJSON());
        expect(setsOf(s)).toEqual(setsOf(scheme));
        expect(s.serveBytes()).toBe(scheme.serveBytes());
      }
    }),
    30,
  );
});

test("law: contains is the subset test", () => {
  law(
    fc.property(elementSchemes(), fc.nat(), (scheme, pick) => {
      const sets = setsOf(scheme);
      const less = sets.map((set) => [...set].filter((p) => (p * 2654435761 + pick) % 3 !== 0));
      const masks = less.map((list, f) => maskOf(list, scheme.fields[f]!.rows * scheme.base));
      const smaller = elements(scheme.fields, { dim: scheme.base, masks });
      expect(scheme.contains(scheme)).toBe(true);
      expect(scheme.contains(smaller)).toBe(true);
      expect(smaller.contains(scheme)).toBe(smaller.parameters === scheme.parameters);
      const share = scheme.parameters === 0 ? 1 : smaller.parameters / scheme.parameters;
      expect(compareSchemes(scheme, smaller).sharedNumbers).toBe(share);
      expect(smaller.shared(scheme)).toBe(share);
    }),
  );
});

test("law: the served layout is the smallest, fields add up to it, and fewer numbers never cost more", () => {
  law(
    fc.property(elementSchemes(), fc.nat(), (scheme, pick) => {
      const all = ELEMENT_LAYOUTS.map((layout) => scheme.serveBytes(layout));
      expect(scheme.serveBytes()).toBe(Math.min(...all));
      expect(scheme.serveBytes()).toBe(elementBytes(smallestLayout(scheme.counts), scheme.counts));
      const uses = scheme.uses();
      expect(uses.reduce((n, u) => n + u.bytes, 0)).toBe(scheme.serveBytes());
      expect(uses.every((u) => u.bytes >= 4 * u.parameters)).toBe(true);
      const sets = setsOf(scheme);
      const masks = sets.map((set, f) => {
        const kept = [...set].filter((p) => (p + pick) % 4 !== 0);
        return maskOf(kept, scheme.fields[f]!.rows * scheme.base);
      });
      const smaller = elements(scheme.fields, { dim: scheme.base, masks });
      expect(smaller.serveBytes()).toBeLessThanOrEqual(scheme.serveBytes());
    }),
  );
});

test("bytes worked out by hand", () => {
  // 100 rows of dim 16; rows 0..9 keep columns 0 and 5, row 50 keeps everything: 36 numbers in 11 rows
  const kept = [...Array(10).keys()].flatMap((r) => [r * 16, r * 16 + 5]);
  for (let j = 0; j < 16; j++) kept.push(50 * 16 + j);
  const fields = [
    { name: "a", rows: 100, slots: 1 },
    { name: "nothing", rows: 1000, slots: 1 },
  ];
  const masks = [maskOf(kept, 1600), new Uint32Array(500)];
  const scheme = elements(fields, { dim: 16, masks });
  const values = 4 * 36;
  // 1600 bits in 50 words, and a count for each 512 of them
  expect(scheme.serveBytes("bitmask")).toBe(values + 4 * (50 + 4));
  // 100 row bits in 4 words and a count; 11 x 16 bits in 6 words and a count
  expect(scheme.serveBytes("row-bitmask")).toBe(values + 4 * (4 + 1 + 6 + 1));
  // 101 starts; 36 columns of 4 bits in 5 words
  expect(scheme.serveBytes("csr")).toBe(values + 4 * (101 + 5));
  expect(scheme.serveBytes("coo")).toBe(values + 4 * 36);
  expect(scheme.layout).toBe("row-bitmask");
  // Adam's two moments, an address a number, a u32 a row
  expect(scheme.trainBytes({ slots: 2 })).toBe(scheme.serveBytes() + 4 * (2 * 36 + 36 + 100));
  expect(scheme.describe()).toContain("elements as row-bitmask");
  expect(drawScheme(scheme).split("\n")).toHaveLength(3);
  expect(compareSchemes(uniform(fields, 16), scheme).bytesRatio).toBeCloseTo(192 / (1100 * 64), 12);
});

test("where the layouts meet at dim 16, as the README says", () => {
  const rows = 1_000_000;
  const smallest = (share: number, filled: number) =>
    smallestLayout({ rows, dim: 16, numbers: share * rows * 16, filledRows: filled * rows });
  // spread evenly, a row is empty by chance
  const even = (share: number) => smallest(share, 1 - (1 - share) ** 16);
  expect([even(0.17), even(0.15), even(0.005), even(0.004)]).toEqual([
    "bitmask",
    "row-bitmask",
    "row-bitmask",
    "coo",
  ]);
  // with 15/16 of the rows filled or more, bits for rows save nothing
  expect([smallest(0.2, 0.95), smallest(0.2, 0.93)]).toEqual(["bitmask", "row-bitmask"]);
  const saved = (share: number) => {
    const counts = { rows, dim: 16, numbers: share * rows * 16, filledRows: (1 - (1 - share) ** 16) * rows };
    return (rows * 64) / elementBytes(smallestLayout(counts), counts);
  };
  expect(saved(0.2)).toBeCloseTo(4.29, 2);
  expect(saved(0.05)).toBeCloseTo(14.15, 2);
  expect(saved(0.01)).toBeCloseTo(58.8, 1);
});

describe("what is refused", () => {
  const fields = [{ name: "user", rows: 3, slots: 1 }];
  const good = { dim: 5, masks: [Uint32Array.of(0x7fff)] };

  test("masks that do not fit, by the field's name", () => {
    expect(elements(fields, good).parameters).toBe(15);
    expect(() => elements(fields, { dim: 5, masks: [] })).toThrow("0 masks for 1 fields");
    expect(() => elements(fields, { dim: 5, masks: [new Uint32Array(2)] })).toThrow('"user" has 2 words');
    expect(() => elements(fields, { dim: 5, masks: [Uint32Array.of(0x8000)] })).toThrow(
      "behind its 15 numbers",
    );
    expect(() => elements(fields, { ...good, dim: 0 })).toThrow(SchemeError);
    expect(() => elements([{ name: "user", rows: 2 ** 27, slots: 1 }], { dim: 32, masks: [] })).toThrow(
      "2^32",
    );
    expect(() => elements(fields, good).serveBytes("dense")).toThrow("row-bitmask");
    expect(() => elements(fields, good).has(0, 3, 0)).toThrow("3 rows of 5");
  });

  test("what is handed over is copied, what is handed out too", () => {
    const mask = Uint32Array.of(1);
    const scheme = elements(fields, { dim: 5, masks: [mask] });
    mask[0] = 3;
    scheme.mask(0)[0] = 3;
    expect(scheme.has(0, 0, 1)).toBe(false);
  });

  test("schemes of other fields are not compared", () => {
    const other = elements(fields, { dim: 4, masks: [new Uint32Array(1)] });
    expect(() => elements(fields, good).contains(other)).toThrow(SchemeError);
  });

  test("damaged text", () => {
    const json = elements(fields, good).toJSON();
    expect(() => schemeFromJSON({ ...json, masks: ["/38AA*=="] }, "x.json")).toThrow(SchemeFormatError);
    expect(() => schemeFromJSON({ ...json, masks: ["/38A"] }, "x.json")).toThrow("masks.0");
    expect(() => schemeFromJSON({ ...json, mask: [] }, "x.json")).toThrow("mask");
  });
});
