/** A comparison in the terminal: the table, what is missing, the verdicts. Shared by `report`, `compare` and `demo`. */
import { type ResultRow, renderResults } from "@trimtab/eval";
import { type Study, verdictLines } from "@trimtab/report";
import { ownName } from "@trimtab/search-core";
import type { Context } from "./context.ts";
import { allBaselines, liveNames } from "./methods.ts";
import { wrapWords } from "./wrap.ts";

/** The table of rows; what training takes is shown where a method changes it. */
export function printRows(context: Context, rows: readonly ResultRow[]): void {
  const training = rows.some(({ method, config }) => liveNames.includes(ownName(method, config.search)));
  context.print(renderResults(rows, { training }));
}

/** What can be said of every searcher in the rows: first a line for each budget, then each pair with its numbers. */
export function printVerdicts(context: Context, rows: readonly ResultRow[]): void {
  const { headlines, pairs } = verdictLines(rows, allBaselines);
  for (const lines of [headlines, pairs]) {
    if (lines.length > 0) context.print("");
    for (const line of lines) context.print(wrapWords(line));
  }
}

export function printStudy(context: Context, study: Study): void {
  printRows(context, study.rows);
  for (const { method, budget, seeds, reason } of study.impossible) {
    context.print(wrapWords(`${method} at ${budget} (seed ${seeds.join(", ")}): not possible, ${reason}`));
  }
  for (const { method, budget, seeds } of study.unfinished) {
    const what = budget === null ? method : `${method} at ${budget}`;
    context.print(wrapWords(`${what} (seed ${seeds.join(", ")}): not finished`));
  }
  for (const remark of study.remarks) context.note(wrapWords(`warning: ${remark}`));
  printVerdicts(context, study.rows);
  if (study.synthetic) context.print("\nAll numbers are from generated (synthetic) data.");
  context.print("");
}
