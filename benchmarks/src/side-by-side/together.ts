/** All cells of the comparison in one table: which methods are how often among the best of a budget. */
import { acrossOf } from "@trimtab/report";
import { line } from "../study-text.ts";
import type { Cell } from "./cells.ts";

/** "7 of 9, 3.4": in how many cells the method is the best or not told apart from it, and its mean rank. */
export function togetherTable(cells: readonly Cell[]): string {
  const parts = cells.map(({ dataset, model, rows }) => ({
    id: `${dataset}, ${model}`,
    rows,
    budgets: [...new Set(rows.flatMap(({ budget }) => budget ?? []))],
  }));
  const { budgets, methods, tallies } = acrossOf(parts);
  const cell = (method: string, budget: string): string => {
    const tally = tallies.find((one) => one.method === method && one.budget === budget);
    if (tally === undefined) return "not possible";
    const { best, level, studies, rank } = tally;
    return `${best + level} of ${studies}, ${rank.toFixed(1)}`;
  };
  return [
    ...[
      `**All ${cells.length} cells**: in how many a method is among the best (bold below), and its mean rank`,
      "",
    ],
    ...[line(["method", ...budgets]), line(["---", ...budgets.map(() => "---")])],
    ...methods.map((method) => line([method, ...budgets.map((budget) => cell(method, budget))])),
  ].join("\n");
}
