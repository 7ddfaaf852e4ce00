import { describe, expect, test } from "bun:test";
import { BadOptionError, BadScoreError, calibration } from "@trimtab/eval";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

const rows = fc
  .array(
    fc.record({
      p: fc.oneof(fc.constantFrom(0, 0.1, 0.5, 1), fc.double({ noNaN: true, min: 0, max: 1 })),
      y: fc.integer({ min: 0, max: 1 }),
    }),
    { minLength: 1, maxLength: 80 },
  )
  .map((list) => ({ p: Float64Array.from(list, (r) => r.p), y: list.map((r) => r.y) }));
const options = fc.record({
  bins: fc.integer({ min: 1, max: 12 }),
  by: fc.constantFrom("rows" as const, "width" as const),
});

describe("calibration, laws", () => {
  test("bins are in order, part the rows, never part a tie, and add up to the whole", () => {
    fc.assert(
      fc.property(rows, options, ({ p, y }, how) => {
        const got = calibration(p, y, how);
        const mean = (values: ArrayLike<number>) =>
          Array.from(values).reduce((a, b) => a + b, 0) / values.length;
        expect(got.predicted).toBeCloseTo(mean(p), 12);
        expect(got.observed).toBeCloseTo(mean(y), 12);
        expect(got.bins.length).toBeLessThanOrEqual(how.bins);
        expect(got.bins.reduce((n, bin) => n + bin.rows, 0)).toBe(p.length);
        got.bins.forEach((bin, i) => {
          if (i > 0) expect(bin.low).toBeGreaterThan(got.bins[i - 1]!.high);
          const inside = y.filter((_, k) => p[k]! >= bin.low && p[k]! <= bin.high);
          expect(inside.length).toBe(bin.rows);
          expect(bin.observed).toBeCloseTo(mean(inside), 12);
          if (how.by === "width" && bin.high < 1) {
            expect(Math.floor(bin.low * how.bins)).toBe(Math.floor(bin.high * how.bins));
          }
        });
        const ece = got.bins.reduce(
          (e, b) => e + (b.rows / p.length) * Math.abs(b.predicted - b.observed),
          0,
        );
        expect(got.ece).toBeCloseTo(ece, 12);
        expect(got.ece).toBeGreaterThanOrEqual(Math.abs(got.predicted - got.observed) - 1e-12);
      }),
      settings,
    );
  });

  test("the order of the rows does not matter", () => {
    fc.assert(
      fc.property(rows, options, ({ p, y }, how) => {
        expect(calibration(p.toReversed(), y.toReversed(), how)).toEqual(calibration(p, y, how));
      }),
      settings,
    );
  });

  test("predicting the click rate of each group is perfectly calibrated", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 10 }), (low, high) => {
        const group = (clicks: number) => Array.from({ length: 10 }, (_, i) => (i < clicks ? 1 : 0));
        const y = [...group(low), ...group(high)];
        const p = Float64Array.from([...Array(10).fill(low / 10), ...Array(10).fill(high / 10)]);
        const got = calibration(p, y, { bins: 10, by: "width" });
        expect(got.ece).toBeCloseTo(0, 12);
        expect(got.ratio).toBeCloseTo(1, 12);
      }),
      settings,
    );
  });
});

describe("calibration, examples", () => {
  test("promising twice the clicks gives ratio 2", () => {
    expect(calibration(Float64Array.of(0.5, 0.5, 0.5, 0.5), [1, 0, 0, 0]).ratio).toBe(2);
  });

  test("no clicks: the ratio has no value", () => {
    expect(calibration(Float64Array.of(0.2, 0.1), [0, 0]).ratio).toBeNull();
  });

  test("bad input", () => {
    expect(() => calibration(Float64Array.of(1.1), [1])).toThrow(BadScoreError);
    expect(() => calibration(Float64Array.of(0.1), [1], { bins: 0 })).toThrow(BadOptionError);
  });
});
