import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allocate, type Kept, removalOrder } from "../src/allocate.ts";

const SEED = process.env.CI ? 42 : undefined;
const law = <T extends unknown[]>(property: fc.IProperty<T>) =>
  fc.assert(property, { seed: SEED, numRuns: 200 });

const problem = fc
  .record({ fields: fc.integer({ min: 1, max: 6 }), dim: fc.integer({ min: 1, max: 6 }) })
  .chain(({ fields, dim }) =>
    fc.record({
      // few distinct values: ties are common
      saliency: fc.array(
        fc.array(
          fc.integer({ min: 0, max: 9 }).map((v) => v / 10),
          { minLength: dim, maxLength: dim },
        ),
        { minLength: fields, maxLength: fields },
      ),
      rows: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: fields, maxLength: fields }),
      costPower: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
      minDim: fc.constantFrom(0 as const, 1 as const, "auto" as const),
      shares: fc.tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
    }),
  );

const costOf = (kept: Kept, rows: readonly number[]) => kept.reduce((n, k, f) => n + k.length * rows[f]!, 0);

describe("allocation", () => {
  test("meets its budget; within the answer to a larger one it is a subset; no slot that fits is left out", () => {
    law(
      fc.property(problem, ({ saliency, rows, costPower, minDim, shares }) => {
        const total = costOf(
          saliency.map((s) => [...s.keys()]),
          rows,
        );
        const [large, small] = [Math.max(...shares) * total, Math.min(...shares) * total];
        const keep = (budget: number, within?: Kept) =>
          allocate(saliency, rows, { costPower, minDim }, (kept) => costOf(kept, rows) <= budget, within);
        const more = keep(large);
        const fewer = keep(small, more);
        const least = minDim !== 1 ? 0 : rows.reduce((a, b) => a + b, 0);
        expect(more === undefined).toBe(large < least);
        expect(fewer === undefined).toBe(small < least);
        if (!more || !fewer) return;
        expect(costOf(fewer, rows)).toBeLessThanOrEqual(small);
        fewer.forEach((dims, f) => {
          for (const j of dims) expect(more[f]).toContain(j);
          if (minDim === 1) expect(dims.length).toBeGreaterThanOrEqual(1);
        });
        const room = small - costOf(fewer, rows);
        fewer.forEach((dims, f) => {
          if (rows[f]! <= room) expect(dims).toHaveLength(more[f]!.length);
        });
        // "auto" lets a field go only where one dim in each does not fit
        const ones = rows.reduce((a, b) => a + b, 0);
        if (minDim === "auto" && ones <= small)
          for (const dims of fewer) expect(dims.length).toBeGreaterThan(0);
      }),
    );
  });

  test("keeps the k best slots, as a sort of all of them would (one number a row, no minimum)", () => {
    law(
      fc.property(problem, fc.nat(36), ({ saliency, rows }, k) => {
        const kept = allocate(saliency, rows, { costPower: 0, minDim: 0 }, (c) => c.flat().length <= k)!;
        const values = saliency.flat().sort((a, b) => b - a);
        const chosen = kept.flatMap((dims, f) => dims.map((j) => saliency[f]![j]!)).sort((a, b) => b - a);
        expect(chosen).toEqual(values.slice(0, Math.min(k, values.length)));
      }),
    );
  });

  test("a minimum of one dim protects each field's best slot", () => {
    law(
      fc.property(problem, ({ saliency, rows, costPower }) => {
        const order = removalOrder(saliency, rows, { costPower, minDim: 1 });
        saliency.forEach((values, f) => {
          const removed = order.filter((s) => s.field === f).map((s) => s.dim);
          const left = [...values.keys()].filter((j) => !removed.includes(j));
          expect(left).toHaveLength(1);
          expect(values[left[0]!]!).toBe(Math.max(...values));
        });
      }),
    );
  });

  test("saliency is weighed against what a slot costs: not at all, by its root, in full", () => {
    // a slot of 100 numbers, and one of a single number with saliency 1: which of them goes first
    const rows = [100, 1];
    const first = (worth: number) =>
      [0, 0.5, 1].map((costPower) => removalOrder([[worth], [1]], rows, { costPower, minDim: 0 })[0]!.field);
    expect(first(0.5)).toEqual([0, 0, 0]);
    expect(first(5)).toEqual([1, 0, 0]);
    expect(first(30)).toEqual([1, 1, 0]);
    expect(first(200)).toEqual([1, 1, 1]);
  });
});
