/**
 * `bun benchmarks/src/side-by-side/tables.ts RUN_FOLDER_OR_RESULTS ... [--into docs/results.md]`: each cell of a comparison as a table of docs/results.md,
 * section 12: test AUC as mean ± sd over seeds for each method and budget. Bold: not told apart from the best of that budget (95% interval of the
 * differences, seed by seed). `=`: not below the base model, by the same test.
 *
 * Cells that lack seeds are told below them. With --into, a table of all whole cells together and one of each replace what is between the marks of that file (align with `bun run format:fix`).
 */
import { parseArgs } from "node:util";
import { advantages } from "@trimtab/search-core";
import { auc, baseText, line, mean, testAucs } from "../study-text.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { replaceTables } from "./marks.ts";
import { togetherTable } from "./together.ts";

interface Table {
  readonly text: string;
  /** Methods and budgets without all seeds of the base model. */
  readonly lacking: readonly string[];
}

function tableOf({ dataset, model, rows }: Cell): Table {
  const base = rows.filter((r) => r.method === "base");
  const budgets = [...new Set(rows.flatMap((r) => r.budget ?? []))].sort(
    (a, b) => Number.parseFloat(b) - Number.parseFloat(a),
  );
  const methods = [...new Set(rows.map((r) => r.method))].filter((m) => m !== "base").sort();
  const of = (method: string, budget: string) =>
    rows.filter((r) => r.method === method && r.budget === budget);
  const told = new Map(methods.map((m) => [m, advantages(rows, m)]));
  const verdict = (method: string, other: string, budget: string) =>
    told.get(method)!.find((a) => a.other === other && a.budget === budget)?.verdict;
  const bestOf = new Map(
    budgets.map((budget) => {
      const there = methods.filter((m) => of(m, budget).length > 0);
      const average = (m: string) => mean(testAucs(of(m, budget)));
      return [budget, there.reduce((a, b) => (average(b) > average(a) ? b : a))];
    }),
  );
  const lacking: string[] = [];
  const cell = (method: string, budget: string): string => {
    const list = of(method, budget);
    if (list.length === 0) return "not possible";
    if (list.length < base.length) lacking.push(`${method} at ${budget} has ${list.length} seeds`);
    const best = bestOf.get(budget)!;
    const bold = method === best || verdict(best, method, budget) !== "better" ? "**" : "";
    const equal = verdict(method, "base", budget) === "worse" ? "" : " =";
    return `${bold}${auc(list)}${bold}${equal}`;
  };
  const lines = [
    ...[`**${dataset}, ${model}**: ${baseText(base)}`, ""],
    ...[line(["method", ...budgets]), line(["---", ...budgets.map(() => "---")])],
    ...methods.map((method) => line([method, ...budgets.map((budget) => cell(method, budget))])),
  ];
  return { text: lines.join("\n"), lacking };
}

const { values, positionals } = parseArgs({ options: { into: { type: "string" } }, allowPositionals: true });
if (positionals.length === 0) {
  console.error("usage: tables.ts RUN_FOLDER_OR_RESULTS ... [--into FILE.md]");
  process.exit(2);
}
const cells = positionals.flatMap(cellsOf);
const tables = cells.map(tableOf);
if (values.into === undefined) {
  for (const { text, lacking } of tables) {
    console.log(`\n${text}`);
    if (lacking.length > 0) console.log(`\n${lacking.join("; ")}.`);
  }
} else {
  const whole = tables.filter(({ lacking }) => lacking.length === 0);
  if (whole.length === 0) throw new Error("no cell has all its seeds, so no table is written");
  const together = togetherTable(cells.filter((_, i) => tables[i]!.lacking.length === 0));
  const text = [together, ...whole.map((table) => table.text)].join("\n\n");
  replaceTables(values.into, "tables.ts", text);
  console.log(`${values.into}: ${whole.length} tables, ${tables.length - whole.length} cells lack seeds`);
}
