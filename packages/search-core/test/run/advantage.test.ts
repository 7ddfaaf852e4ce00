import { describe, expect, test } from "bun:test";
import type { ResultRow } from "@trimtab/eval";
import fc from "fast-check";
import { advantages, aucError } from "../../src/index.ts";
import { t95 } from "../../src/run/advantage.ts";

const seed = process.env.CI ? 4 : Math.floor(Math.random() * 1e9);
const settings = { seed, verbose: true } as const;

const metrics = (auc: number, rows = 1000) => ({
  rows,
  auc,
  logloss: 0.5,
  calibration: { predicted: 0.5, observed: 0.5, ratio: 1, ece: 0 },
  perUser: null,
});

function row(method: string, budget: string | null, run: number, auc: number): ResultRow {
  return {
    method,
    budget,
    seeds: { run },
    metrics: { valid: null, test: metrics(auc) },
  } as unknown as ResultRow;
}

describe(`aucError (seed ${seed})`, () => {
  const counts = fc.record({
    ones: fc.integer({ min: 1, max: 5000 }),
    zeros: fc.integer({ min: 1, max: 5000 }),
  });

  test("at AUC 0.5 it is the error of the rank sum, (n1 + n0 + 1) / (12 n1 n0)", () => {
    fc.assert(
      fc.property(counts, ({ ones, zeros }) => {
        const rows = ones + zeros;
        const given = {
          ...metrics(0.5, rows),
          calibration: { predicted: 0.5, observed: ones / rows, ratio: 1, ece: 0 },
        };
        expect(aucError(given) ** 2).toBeCloseTo((rows + 1) / (12 * ones * zeros), 12);
      }),
      settings,
    );
  });

  test("is zero for a perfect ranking, and shrinks as rows grow", () => {
    expect(aucError(metrics(1))).toBe(0);
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 0.999, noNaN: true }),
        fc.integer({ min: 10, max: 10000 }),
        (auc, half) => {
          expect(aucError(metrics(auc, 8 * half))).toBeLessThan(aucError(metrics(auc, 2 * half)));
        },
      ),
      settings,
    );
  });
});

describe("advantages", () => {
  test("pairs seeds, and takes the interval of their differences", () => {
    const rows = [1, 2, 3].flatMap((s) => [
      row("base", null, s, 0.8),
      row("a", "10%", s, 0.7 + s / 100),
      row("b", "10%", s, 0.69 + s / 100 + (s === 3 ? 0.003 : 0)),
      row("b", "5%", s, 0.6),
    ]);
    const [base, b, ...more] = advantages(rows, "a");
    expect(more).toEqual([]);
    expect(base).toMatchObject({ other: "base", budget: "10%", verdict: "worse", seeds: [1, 2, 3] });
    // differences 0.01, 0.01, 0.007: mean 0.009, sd 0.001732, t 4.30
    expect(b!.mean).toBeCloseTo(0.009, 10);
    expect(b!.noise).toBeCloseTo((4.3 * 0.0017320508) / Math.sqrt(3), 6);
    expect(b!.verdict).toBe("better");
  });

  test("with one seed it only knows the error of the test rows", () => {
    const [a] = advantages([row("a", "10%", 1, 0.75), row("b", "10%", 1, 0.74)], "a");
    expect(a).toMatchObject({ verdict: "within noise", noise: 2 * aucError(metrics(0.75)) });
  });

  // of the t distribution, by its tables
  test.each([
    [1, 12.71],
    [4, 2.776],
    [10, 2.228],
    [15, 2.131],
    [20, 2.086],
    [25, 2.06],
    [60, 2.0],
    [1000, 1.962],
  ])("of %i degrees of freedom 95%% are within %f", (freedom, quantile) => {
    expect(Math.abs(t95(freedom) - quantile)).toBeLessThan(0.006);
  });

  test("leaves out what has no partner", () => {
    expect(
      advantages([row("a", "10%", 1, 0.7), row("b", "10%", 2, 0.7), row("c", "5%", 1, 0.7)], "a"),
    ).toEqual([]);
  });
});
