import { describe, expect, test } from "bun:test";
import {
  BadOptionError,
  dimAgreement,
  LengthMismatchError,
  meanAbsLog2Ratio,
  rankCorrelation,
  stability,
} from "@trimtab/eval";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

const pairOf = (value: fc.Arbitrary<number>) =>
  fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 30 }).map((list) => ({
    a: list.map(([x]) => x),
    b: list.map(([, y]) => y),
  }));
const dims = fc.constantFrom(0, 1, 2, 3, 4, 8, 16);

describe("rankCorrelation", () => {
  test("known values, with ties", () => {
    expect(rankCorrelation([1, 2, 3], [10, 20, 30])).toBe(1);
    expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBe(-1);
    // ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5
    expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 14);
    expect(rankCorrelation([5, 5, 5], [1, 2, 3])).toBeNull();
  });

  test("law: without ties it is 1 - 6 sum d^2 / n(n^2-1)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.infiniteStream(fc.nat()), (n, stream) => {
        const shuffled = Array.from({ length: n }, (_, i) => ({ i, key: stream.next().value as number }))
          .sort((x, y) => x.key - y.key)
          .map(({ i }) => i);
        const squares = shuffled.reduce((sum, rank, i) => sum + (rank - i) ** 2, 0);
        const straight = Array.from({ length: n }, (_, i) => i);
        expect(rankCorrelation(straight, shuffled)!).toBeCloseTo(1 - (6 * squares) / (n * (n * n - 1)), 12);
      }),
      settings,
    );
  });

  test("law: symmetric, within -1..1, unchanged by increasing transforms, negated by decreasing ones", () => {
    fc.assert(
      fc.property(pairOf(fc.integer({ min: -5, max: 5 })), ({ a, b }) => {
        const r = rankCorrelation(a, b);
        expect(rankCorrelation(b, a)).toBe(r);
        expect(
          rankCorrelation(
            a.map((x) => x ** 3),
            b,
          ),
        ).toBe(r);
        if (r === null) return;
        expect(Math.abs(r)).toBeLessThanOrEqual(1);
        expect(
          rankCorrelation(
            a.map((x) => -x),
            b,
          )!,
        ).toBeCloseTo(-r, 12);
      }),
      settings,
    );
  });
});

describe("agreement and ratio", () => {
  test("known values", () => {
    expect(dimAgreement([1, 2, 4, 8], [1, 2, 8, 4])).toBe(0.5);
    expect(meanAbsLog2Ratio([1, 2, 4, 8], [1, 2, 8, 4])).toBe(0.5);
    expect(meanAbsLog2Ratio([0], [0])).toBe(0);
    expect(meanAbsLog2Ratio([0], [1])).toBe(1);
    expect(meanAbsLog2Ratio([0], [16])).toBe(5);
  });

  test("law: both are symmetric, and full agreement is exactly zero distance", () => {
    fc.assert(
      fc.property(pairOf(dims), ({ a, b }) => {
        expect(dimAgreement(a, b)).toBe(dimAgreement(b, a));
        expect(meanAbsLog2Ratio(a, b)).toBeCloseTo(meanAbsLog2Ratio(b, a), 12);
        expect(dimAgreement(a, b) === 1).toBe(meanAbsLog2Ratio(a, b) === 0);
        expect(meanAbsLog2Ratio(a, a)).toBe(0);
      }),
      settings,
    );
  });
});

describe("stability", () => {
  test("averages over every pair of runs", () => {
    const runs = [
      [1, 2, 4],
      [1, 2, 4],
      [2, 2, 2],
    ];
    expect(stability(runs)).toEqual({
      runs: 3,
      fields: 3,
      agreement: (1 + 1 / 3 + 1 / 3) / 3,
      meanAbsLog2Ratio: (0 + 2 / 3 + 2 / 3) / 3,
      rankCorrelation: 1, // only the first pair has ranks on both sides
    });
  });

  test("bad input", () => {
    expect(() => stability([[1]])).toThrow(BadOptionError);
    expect(() => stability([[1, 2], [1]])).toThrow(LengthMismatchError);
    expect(() => dimAgreement([1, -1], [1, 1])).toThrow("dim of field 1 is -1");
  });
});
