// How far a study is: every training is counted once, and time left follows what trainings took.
import { describe, expect, test } from "bun:test";
import type { ResultRow } from "@trimtab/eval";
import fc from "fast-check";
import { Estimate } from "../../src/study/estimate.ts";
import { Tally } from "../../src/study/tally.ts";

const seed = Number(process.env.FC_SEED ?? (process.env.CI ? 7 : Date.now() % 2 ** 31));
console.log(`fast-check seed ${seed} (set FC_SEED to repeat)`);

const row = (method: string, budget: string | null, seed: number, train: number) =>
  ({ method, budget, seeds: { run: seed }, seconds: { train, evaluate: 0 } }) as unknown as ResultRow;

describe("estimate", () => {
  test("by the method in the cell, else by the cell, else by all", () => {
    const estimate = new Estimate();
    expect(estimate.training("a", "pep")).toBeUndefined();
    estimate.observe("a", "pep", 10);
    estimate.observe("a", "pep", 20);
    estimate.observe("a", "sseds", 3);
    estimate.observe("b", "base", 100);
    expect(estimate.training("a", "pep")).toBe(15);
    expect(estimate.training("a", "magnitude")).toBe(11);
    expect(estimate.training("c", "pep")).toBeCloseTo(133 / 4, 12);
  });

  test("a search counts as a training, processes share, and never more processes than parts", () => {
    const estimate = new Estimate();
    estimate.observe("a", "pep", 10);
    const part = { cell: "a", method: "pep", seed: 1, trainings: 3, search: true };
    expect(estimate.left([part], 4)).toBe(40);
    expect(estimate.left([part, { ...part, seed: 2, search: false }], 4)).toBe(35);
    expect(estimate.left([], 4)).toBe(0);
    expect(new Estimate().left([part], 1)).toBeUndefined();
  });
});

describe("tally", () => {
  test("counts what was there, what comes, and what fails", () => {
    const tally = new Tally(1);
    const left = [
      { method: "pep", seed: 1, trainings: 2, search: false },
      { method: "sseds", seed: 1, trainings: 1, search: true },
    ];
    tally.add("a", { rows: [row("base", null, 1, 4), row("pep", "50%", 1, 4)], left });
    expect(tally.overall).toEqual({ done: 2, total: 5, failed: 0, secondsLeft: 4 * 2 + 4 * 2 });
    const pep = { cell: "a", seed: 1, method: "pep" };
    // one that was there is met again by the process that does the others
    expect(tally.row(pep, "50%", true, 4)).toBe(false);
    expect(tally.row(pep, "10%", false, 8)).toBe(true);
    expect(tally.overall).toMatchObject({ done: 3, total: 5 });
    expect(tally.row(pep, "10%", false, 8)).toBe(false);
    tally.failed({ cell: "a", seed: 1, method: "sseds" });
    expect(tally.overall).toMatchObject({ done: 3, total: 4, failed: 1 });
    expect(tally.row(pep, "5%", true, 1)).toBe(true);
    expect(tally.overall).toEqual({ done: 4, total: 4, failed: 1, secondsLeft: 0 });
  });

  test("law: in any order, all rows once, done grows by one and total stays", () => {
    const parts = fc.uniqueArray(
      fc.record({ cell: fc.constantFrom("a", "b"), seed: fc.nat(2), method: fc.constantFrom("x", "y", "z") }),
      { selector: (part) => JSON.stringify(part), minLength: 1 },
    );
    const budgets = ["1%", "2%", "3%"];
    fc.assert(
      fc.property(parts, fc.infiniteStream(fc.nat()), (some, order) => {
        const tally = new Tally(2);
        for (const cell of ["a", "b"]) {
          const left = some
            .filter((part) => part.cell === cell)
            .map(({ method, seed }) => ({ method, seed, trainings: budgets.length, search: true }));
          tally.add(cell, { rows: [], left });
        }
        const rows = some.flatMap((part) =>
          budgets.map((budget) => ({ part, budget, at: order.next().value! })),
        );
        rows.sort((a, b) => a.at - b.at);
        for (const [i, { part, budget }] of rows.entries()) {
          expect(tally.row(part, budget, false, 1)).toBe(true);
          expect(tally.row(part, budget, false, 1)).toBe(false);
          expect(tally.overall).toMatchObject({ done: i + 1, total: rows.length });
        }
        expect(tally.overall.secondsLeft).toBe(0);
      }),
      { seed },
    );
  });
});
