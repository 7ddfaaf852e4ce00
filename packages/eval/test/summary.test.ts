import { describe, expect, test } from "bun:test";
import { BadOptionError, formatSummary, NoRowsError, summarize } from "@trimtab/eval";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

describe("summarize", () => {
  test("mean, sample standard deviation, range", () => {
    expect(summarize([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
      n: 8,
      mean: 5,
      sd: Math.sqrt(32 / 7),
      min: 2,
      max: 9,
    });
  });

  test("one value has no spread", () => {
    expect(summarize(Float32Array.of(3))).toEqual({ n: 1, mean: 3, sd: null, min: 3, max: 3 });
  });

  test("no values, and values that are not finite, are errors", () => {
    expect(() => summarize([])).toThrow(NoRowsError);
    expect(() => summarize([1, Number.NaN])).toThrow(BadOptionError);
  });

  test("law: shifting moves the mean and not the spread, and the mean stays in the range", () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.integer({ min: -1000, max: 1000 }), (list, shift) => {
        const a = summarize(list);
        const b = summarize(list.map((v) => v + shift));
        expect(b.mean).toBeCloseTo(a.mean + shift, 8);
        expect(b.sd!).toBeCloseTo(a.sd!, 8);
        expect(a.mean).toBeGreaterThanOrEqual(a.min);
        expect(a.mean).toBeLessThanOrEqual(a.max);
      }),
      settings,
    );
  });

  test("formatSummary", () => {
    const four = (v: number) => v.toFixed(4);
    expect(formatSummary(summarize([0.5, 0.5]), four)).toBe("0.5000 ± 0.0000");
    expect(formatSummary(summarize([0.5]), four)).toBe("0.5000");
  });
});
