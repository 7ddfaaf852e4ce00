// The search for row pruning's budget: what it takes fits, nothing known that fits is larger, and it ends soon.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nextRowBudget, type Probe, type RowBudget } from "../src/chunk-study/row-budget.ts";

/** Bytes of a store whose map grows by jumps, as the real one's does: never fewer for more rows. */
const bytesOf = (rows: number, fixed: number, each: number, jump: number): number =>
  fixed + each * rows + 12 * 1.5 ** Math.ceil(Math.log(Math.max(1, rows / jump)) / Math.log(1.5)) * jump;

/** Runs the search to its end. */
function search(budget: RowBudget, need: (rows: number) => number, known: Probe[] = []) {
  const probes = [...known];
  for (let trained = 0; ; trained++) {
    const next = nextRowBudget(probes, budget);
    if (next.step !== "train") return { next, probes, trained };
    expect(probes.map(({ rows }) => rows)).not.toContain(next.rows);
    expect(next.rows).toBeGreaterThanOrEqual(budget.least);
    expect(next.rows).toBeLessThanOrEqual(budget.most);
    probes.push({ rows: next.rows, bytes: need(next.rows) });
    if (trained > 40) throw new Error(`no end: ${JSON.stringify(probes)}`);
  }
}

const stores = fc.record({
  fixed: fc.integer({ min: 0, max: 3_000_000 }),
  each: fc.integer({ min: 60, max: 400 }),
  jump: fc.integer({ min: 20, max: 5000 }),
  least: fc.integer({ min: 2, max: 40 }),
  most: fc.integer({ min: 41, max: 1_000_000 }),
  share: fc.double({ min: 0, max: 1.2, noNaN: true }),
});

describe("nextRowBudget", () => {
  test("takes the largest budget that fits, within the tolerance, whatever the store costs", () => {
    fc.assert(
      fc.property(stores, ({ fixed, each, jump, least, most, share }) => {
        const need = (rows: number) => bytesOf(rows, fixed, each, jump);
        const target = share * need(most);
        const budget = { target, least, most, rowBytes: 220, tolerance: 0.03 };
        const { next, probes } = search(budget, need);
        if (next.step === "impossible") {
          expect(need(least)).toBeGreaterThan(target);
          return;
        }
        expect(need(next.rows)).toBeLessThanOrEqual(target);
        // so many more are too much, or more than there are, or it is as near to the target as was asked
        const more = next.rows + Math.max(1, Math.ceil(0.03 * next.rows));
        const near = target - need(next.rows) <= 0.03 * next.rows * 220 || next.rows === most;
        expect(near || more > most || need(more) > target).toBe(true);
        expect(probes.filter((p) => p.bytes <= target).every((p) => p.rows <= next.rows)).toBe(true);
      }),
    );
  });

  test("a true hint is tried first and is enough; a false one costs a training and no more", () => {
    const need = (rows: number) => bytesOf(rows, 2_000_000, 200, 500);
    const target = need(20_000) * 1.005;
    const budget = { target, least: 10, most: 50_000, rowBytes: 220, tolerance: 0.03 };
    const hinted = search({ ...budget, hints: [{ rows: 20_000, bytes: need(20_000) }] }, need);
    expect(hinted.trained).toBe(1);
    const plain = search(budget, need);
    const misled = search({ ...budget, hints: [{ rows: 3_000, bytes: target }] }, need);
    expect(misled.next.step).toBe("take");
    expect(misled.trained).toBeLessThanOrEqual(plain.trained + 1);
  });

  test("trainings of other shares bound the search, and are taken where they fit", () => {
    const budget = { target: 1000, least: 1, most: 100, rowBytes: 10, tolerance: 0.03 };
    const known = [
      { rows: 60, bytes: 900 },
      { rows: 61, bytes: 1100 },
    ];
    expect(nextRowBudget(known, budget)).toEqual({ step: "take", rows: 60 });
    expect(nextRowBudget([{ rows: 1, bytes: 1001 }], budget)).toEqual({ step: "impossible" });
    expect(nextRowBudget([{ rows: 100, bytes: 500 }], budget)).toEqual({ step: "take", rows: 100 });
  });
});
