/**
 * `bun benchmarks/src/side-by-side.ts RUN_FOLDER ...`: each cell of a comparison as a table of docs/results.md, section 12: test AUC as mean ± sd over
 * seeds for each method and budget. Bold: not told apart from the best of that budget (95% interval of the differences, seed by seed). `=`: not
 * below the base model, by the same test. Cells that lack seeds are told below.
 */
import { join } from "node:path";
import { readResults } from "@trimtab/eval";
import { advantages } from "@trimtab/search-core";
import { auc, baseText, line, mean, testAucs } from "./study-text.ts";

for (const folder of process.argv.slice(2)) {
  const { rows } = readResults(join(folder, "results.jsonl"));
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
  const first = base[0]!;
  console.log(`
**${first.dataset}, ${first.model}**: ${baseText(base)}
`);
  console.log(line(["method", ...budgets]));
  console.log(line(["---", ...budgets.map(() => "---")]));
  const lacking: string[] = [];
  for (const method of methods) {
    const cell = (budget: string): string => {
      const list = of(method, budget);
      if (list.length === 0) return "not possible";
      if (list.length < base.length) lacking.push(`${method} at ${budget} has ${list.length} seeds`);
      const best = bestOf.get(budget)!;
      const bold = method === best || verdict(best, method, budget) !== "better" ? "**" : "";
      const equal = verdict(method, "base", budget) === "worse" ? "" : " =";
      return `${bold}${auc(list)}${bold}${equal}`;
    };
    console.log(line([method, ...budgets.map(cell)]));
  }
  if (lacking.length > 0) console.log(`\n${lacking.join("; ")}.`);
}
