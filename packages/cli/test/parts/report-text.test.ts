// Verdicts in the terminal must not scroll the table of results away.
import { expect, test } from "bun:test";
import type { ResultRow } from "@trimtab/eval";
import type { Context } from "../../src/parts/context.ts";
import { printRows, printVerdicts } from "../../src/parts/report-text.ts";

const SEARCHERS = ["sseds", "pep", "adass", "fiited"];
const BASELINES = ["smaller-dim", "dims-by-size", "random-dims", "magnitude", "row-pruning"];

function printed(work: (context: Context) => void): string[] {
  const lines: string[] = [];
  const print = (text: string) => void lines.push(...text.split("\n"));
  work({ print } as Partial<Context> as Context);
  return lines;
}

/** Rows that are all equally good, with what tables and verdicts read of them. */
function rowsOf(
  methods: readonly string[],
  budgets: readonly string[],
  seeds: readonly number[],
): ResultRow[] {
  const test = { rows: 100, auc: 0.8, logloss: 0.4, calibration: { observed: 0.2 } };
  const row = (method: string, budget: string | null, run: number) => ({
    ...{ dataset: "planted", datasetHash: "ab", synthetic: true, model: "fm d8", config: {} },
    ...{ method, budget, seeds: { run }, metrics: { test } },
    ...{ parameters: 1, bytes: { serve: 4, train: 12, uniform: 4 }, seconds: { train: 1 } },
  });
  return seeds.flatMap((seed) => [
    row("base", null, seed),
    ...methods.flatMap((method) => budgets.map((budget) => row(method, budget, seed))),
  ]) as unknown as ResultRow[];
}

test("few pairs are listed", () => {
  const rows = rowsOf(["sseds", "pep", "smaller-dim"], ["10%", "5%"], [1, 2]);
  const lines = printed((context) => printVerdicts(context, rows));
  // a headline for each of two searchers at two budgets, and each beside the other, the baseline and the base
  expect(lines.filter((line) => line.includes("does not beat the baselines"))).toHaveLength(4);
  expect(lines.filter((line) => line.includes("test AUC"))).toHaveLength(12);
});

test("many pairs are one line that says where they are; headlines stay", () => {
  const rows = rowsOf([...SEARCHERS, ...BASELINES], ["10%", "5%"], [1]);
  const lines = printed((context) => printVerdicts(context, rows));
  expect(lines.filter((line) => line.includes("does not beat the baselines"))).toHaveLength(8);
  // 4 searchers beside 8 methods and the base model at 2 budgets
  expect(lines.filter((line) => line.startsWith("72 pairs of methods"))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("One seed tells nothing of training noise"))).toHaveLength(1);
  expect(lines.length).toBeLessThan(15);
});

test("rows are listed as a report lists them: searchers before baselines, whatever was typed first", () => {
  const rows = rowsOf(["magnitude", "pep", "sseds"], ["10%"], [1]);
  const lines = printed((context) => printRows(context, rows));
  const methods = lines.flatMap((line) => /│ (base|pep|sseds|magnitude) /.exec(line)?.[1] ?? []);
  expect(methods).toEqual(["base", "pep", "sseds", "magnitude"]);
});
