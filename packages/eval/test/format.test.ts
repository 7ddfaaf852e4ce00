import { describe, expect, test } from "bun:test";
import {
  formatBytes,
  formatCount,
  formatRatio,
  formatSeconds,
  formatShare,
  formatTimeLeft,
} from "@trimtab/eval";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

describe("formats, examples", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [1536, "1.50 KiB"],
    [64 * 2 ** 20, "64.0 MiB"],
    [1023.9 * 1024, "1.00 MiB"],
    [3.5 * 2 ** 40, "3.50 TiB"],
  ])("%p bytes is %p", (value, text) => expect(formatBytes(value)).toBe(text));

  test.each([
    [0, "0"],
    [999, "999"],
    [9876, "9,876"],
    [9999, "9,999"],
    [12_345, "12.3k"],
    [999_999, "1.00M"],
    [1_050_000, "1.05M"],
    [2.5e9, "2.50G"],
  ])("%p is %p", (value, text) => expect(formatCount(value)).toBe(text));

  test.each([
    [0, "0 s"],
    [0.00084, "0.840 ms"],
    [0.0421, "42.1 ms"],
    [0.9996, "1.00 s"],
    [4.2, "4.20 s"],
    [59.99, "1m 00s"],
    [125, "2m 05s"],
    [3599.7, "1h 00m"],
    [3725, "1h 02m"],
  ])("%p seconds is %p", (value, text) => expect(formatSeconds(value)).toBe(text));

  test.each([
    [0.2, "1 s"],
    [8.2, "9 s"],
    [32, "32 s"],
    [59.2, "1m 00s"],
    [66.1, "1m 07s"],
    [3725, "1h 02m"],
  ])("%p seconds that are left are %p", (value, text) => expect(formatTimeLeft(value)).toBe(text));

  test("ratios and shares", () => {
    expect(formatRatio(9.996)).toBe("10.0x");
    expect(formatRatio(3.38)).toBe("3.38x");
    expect(formatRatio(Number.POSITIVE_INFINITY)).toBe("-");
    expect(formatShare(0.1)).toBe("10.0%");
  });
});

describe("formats, laws", () => {
  const units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, PiB: 2 ** 50 };

  test("bytes read back within half a percent, in the largest fitting unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (bytes) => {
        const [number, unit] = formatBytes(bytes).split(" ");
        const back = Number(number) * units[unit as keyof typeof units];
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(bytes * 0.005 + 1e-9);
        expect(Number(number)).toBeLessThan(1024);
      }),
      settings,
    );
  });

  test("counts read back within half a percent", () => {
    const factor = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e14 }), (count) => {
        const text = formatCount(count).replaceAll(",", "");
        const unit = text.at(-1)!;
        const back =
          unit in factor ? Number(text.slice(0, -1)) * factor[unit as keyof typeof factor] : Number(text);
        expect(Math.abs(back - count)).toBeLessThanOrEqual(count * 0.005);
      }),
      settings,
    );
  });

  test("no duration reads 60 seconds or 60 minutes", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 0, max: 1e6 }), (seconds) => {
        expect(formatSeconds(seconds)).not.toMatch(/\b60(\.0)?( s|s|m)\b/);
      }),
      settings,
    );
  });
});
