import { describe, expect, test } from "bun:test";
import {
  BadOptionError,
  formatAmount,
  formatBytes,
  formatCount,
  formatRatio,
  formatSeconds,
  formatSummary,
  NoRowsError,
  summarize,
} from "@trimtab/eval";
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

describe("amounts: the spread in the unit and with the digits of the mean", () => {
  const around = (mean: number, sd: number) => summarize([mean - sd / Math.SQRT2, mean + sd / Math.SQRT2]);
  const KiB = 1024;

  test.each([
    [formatRatio, 5, 2.56e-4, "5.00x"],
    [formatRatio, 5.01, 0.0102, "5.01x ± 0.01x"],
    [formatRatio, 24.3, 3.31, "24.3x ± 3.3x"],
    [formatBytes, 108 * KiB, 6, "108 KiB"],
    [formatBytes, 62.4 * KiB, 2.07 * KiB, "62.4 KiB ± 2.1 KiB"],
    [formatBytes, 1.1 * KiB ** 2, 186 * KiB, "1.10 MiB ± 0.18 MiB"],
    [formatBytes, 700, 30, "700 B ± 30 B"],
    [formatCount, 7992, 1370.1, "7,992 ± 1,370"],
    [formatCount, 399_000, 53, "399k"],
    [formatCount, 290_000, 47_600, "290k ± 48k"],
    [formatSeconds, 1.39, 0.00188, "1.39 s"],
    [formatSeconds, 10.4, 0.993, "10.4 s ± 1.0 s"],
    [formatSeconds, 0.0421, 0.003, "42.1 ms ± 3.0 ms"],
    [formatSeconds, 157, 30.9, "2m 37s ± 31s"],
    [formatSeconds, 600, 90, "10m 00s ± 1m 30s"],
    [formatSeconds, 3725, 25, "1h 02m"],
    [formatSeconds, 3725, 125, "1h 02m ± 2m"],
  ])("%p of %p ± %p is %p", (format, mean, sd, text) => {
    expect(formatAmount(around(mean, sd), format)).toBe(text);
  });

  test("one value, and values that are all the same, have none", () => {
    expect(formatAmount(summarize([2048]), formatBytes)).toBe("2.00 KiB");
    expect(formatAmount(summarize([0, 0, 0]), formatSeconds)).toBe("0 s");
    expect(formatAmount(summarize([0.1, 0.1, 0.1]), formatRatio)).toBe("0.100x");
  });

  test("law: both numbers have one unit and one number of decimals, and no spread reads as zero", () => {
    const size = fc.double({ noNaN: true, min: 1, max: 1e9 });
    fc.assert(
      fc.property(size, fc.double({ noNaN: true, min: 0, max: 1 }), (mean, share) => {
        for (const format of [formatBytes, formatCount, formatRatio]) {
          const [first, second] = formatAmount(around(mean, mean * share), format).split(" ± ");
          expect(first).toBe(format(mean));
          if (second === undefined) continue;
          const shape = (text: string) => text.replace(/^[\d,]+/, "");
          expect(shape(second).replace(/\d/g, "0")).toBe(shape(first!).replace(/\d/g, "0"));
          expect(Number(second.match(/^[\d.,]+/)![0].replaceAll(",", ""))).toBeGreaterThan(0);
        }
      }),
      settings,
    );
  });
});
