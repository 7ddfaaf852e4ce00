/** A comparison in the terminal: the table, what is missing, the verdicts. Shared by `report`, `compare` and `demo`. */
import { type ResultRow, renderResults } from "@trimtab/eval";
import {
  inOrder,
  methodsIn,
  ONE_SEED,
  placesText,
  type Report,
  readFrequencies,
  readReport,
  type Study,
  together,
  verdictLines,
} from "@trimtab/report";
import { ownName } from "@trimtab/search-core";
import type { Context } from "./context.ts";
import { allBaselines, liveNames } from "./methods.ts";
import { acrossText, dimsText, droppedFieldsText, stabilityText, timesText } from "./report-tables.ts";
import { wrapWords } from "./wrap.ts";

/** The table of rows, methods in the order of a report; what training takes is shown where a method changes it. */
export function printRows(context: Context, found: readonly ResultRow[]): void {
  const methods = methodsIn(found, allBaselines).map(({ name }) => name);
  const rows = inOrder(found, (row) => row, methods);
  const training = rows.some(({ method, config }) => liveNames.includes(ownName(method, config.search)));
  context.print(renderResults(rows, { training }));
}

/** More pairs than these would scroll the results away. */
const FEW_PAIRS = 12;

/** What can be said of every searcher in the rows: a line for each budget; then each pair with its numbers where they are few. */
export function printVerdicts(
  context: Context,
  rows: readonly ResultRow[],
  options: { readonly pairs: boolean } = { pairs: true },
): void {
  const { headlines, pairs, oneSeed } = verdictLines(rows, allBaselines);
  const told = pairs.length <= FEW_PAIRS ? pairs : [pairsElsewhere(pairs.length)];
  for (const lines of [[...headlines, ...(oneSeed ? [ONE_SEED] : [])], options.pairs ? told : []]) {
    if (lines.length > 0) context.print("");
    for (const line of lines) context.print(wrapWords(line));
  }
}

/** Where pairs can be read that are not listed. */
const pairsElsewhere = (count: number): string =>
  `${count} pairs of methods, each with its difference and noise, are not listed here: a report's page has them (report.html, or trimtab report --out FILE), and its JSON (--json-out FILE).`;

/** A report with the command's own baselines, and with how often ids occur where the data is at hand. */
export async function reportOf(folders: readonly string[]): Promise<Report> {
  return readReport(folders, { baselines: allBaselines, frequencies: await readFrequencies(folders) });
}

/** All of a report. Of several studies each has its rows and verdicts; one alone has everything. */
export function printReport(context: Context, report: Report): void {
  const { studies } = report;
  const several = studies.length > 1;
  for (const [i, study] of studies.entries()) {
    if (several) context.print(`${i + 1}. ${study.name}: ${study.title}`);
    printStudy(context, study, { pairs: !several });
    const parts = several ? [] : [dimsText, droppedFieldsText, stabilityText, timesText];
    for (const part of parts) {
      const text = part(study);
      if (text !== undefined) context.print(`${text}\n`);
    }
  }
  const pairs = studies.reduce((n, { advantages }) => n + advantages.length, 0);
  if (several && pairs > 0) context.print(`${wrapWords(pairsElsewhere(pairs))}\n`);
  const across = acrossText(report);
  if (across !== undefined) context.print(`${across}\n`);
}

function printStudy(context: Context, study: Study, { pairs }: { readonly pairs: boolean }): void {
  printRows(context, study.rows);
  for (const { method, budget, seeds, reason } of study.impossible) {
    context.print(wrapWords(`${method} at ${budget} (seed ${seeds.join(", ")}): not possible, ${reason}`));
  }
  for (const line of together(study.failed)) {
    const message = line.message.replaceAll(/[\s\p{Cc}]+/gu, " ");
    context.print(wrapWords(`${placesText(line)} (seed ${line.seeds.join(", ")}): failed: ${message}`));
  }
  for (const line of together(study.unfinished)) {
    context.print(wrapWords(`${placesText(line)} (seed ${line.seeds.join(", ")}): not finished`));
  }
  for (const remark of study.remarks) context.note(wrapWords(`warning: ${remark}`));
  printVerdicts(context, study.rows, { pairs });
  if (study.synthetic) context.print("\nAll numbers are from generated (synthetic) data.");
  context.print("");
}
