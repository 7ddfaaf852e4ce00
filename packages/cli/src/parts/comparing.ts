/** Runs a comparison and shows it: shared by `compare` and `demo`. */
import { join } from "node:path";
import { formatBytes, type ResultRow } from "@trimtab/eval";
import { inOrder, plateauRemark, reportHtml } from "@trimtab/report";
import {
  type Comparison,
  type ComparisonEvent,
  type ComparisonOptions,
  compare,
  ownName,
  type RunFolder,
  recall,
  type Searcher,
  type TrainEvent,
} from "@trimtab/search-core";
import { saliencyTable } from "@trimtab/search-sseds";
import { type Device, writeWhole } from "@trimtab/tensor-core";
import type { Context } from "./context.ts";
import { shown } from "./data-source.ts";
import { printRows, printVerdicts, reportOf } from "./report-text.ts";
import { searchReport, trainReport } from "./reports.ts";
import type { OpenRun } from "./runs.ts";
import { missingLines } from "./tables.ts";
import { wrapWords } from "./wrap.ts";

export interface ComparingOptions {
  readonly seeds: readonly number[];
  readonly budgets: readonly string[];
  readonly methods: readonly Searcher[];
}

/** Runs a comparison in this process. */
export async function runComparison(
  context: Context,
  { run, data, model, train }: OpenRun,
  device: Device,
  asked: ComparingOptions,
): Promise<Comparison> {
  const { command, signal } = context;
  const options = { ...asked, run, data, model, train, device, command, signal };
  return await compareHere(context, options);
}

/** Computes what is left of a comparison in this process, showing it. */
export async function compareHere(
  context: Context,
  options: ComparisonOptions,
  onRow: (row: ResultRow, known: boolean) => void = () => {},
): Promise<Comparison> {
  const { run, seeds } = options;
  noteAsked(run, options);
  const report = comparisonReport(context, run.events, seeds.length > 1);
  const onEvent = (event: ComparisonEvent) => {
    report(event);
    if (event.kind === "row") onRow(event.row, event.known);
  };
  const { problems } = await compare({ ...options, onEvent });
  for (const problem of problems) context.note(`warning: ${problem}`);
  return await recall(options);
}

/** So that a report of a comparison that is half done can say what is still to come. */
export function noteAsked(run: RunFolder, { seeds, budgets, methods }: ComparingOptions): void {
  run.events.append({ kind: "asked", seeds, budgets, methods: methods.map(({ name }) => name) });
}

/** "pep 10% (seed 2)". */
function named(name: string, seed: number, severalSeeds: boolean): string {
  return severalSeeds ? `${name} (seed ${seed})` : name;
}

/** A finished training in a line. */
export function rowLine(
  { row, known }: ComparisonEvent & { readonly kind: "row" },
  severalSeeds: boolean,
): string {
  const { method, budget, seeds, metrics, bytes } = row;
  const name = named(budget === null ? method : `${method} ${budget}`, seeds.run ?? 0, severalSeeds);
  const before = known ? " (known from an earlier run)" : "";
  return `${name}: test AUC ${metrics.test?.auc.toFixed(4) ?? "-"}, ${formatBytes(bytes.serve)}${before}`;
}

/** Shows the events of a comparison, and keeps them in its log. */
export function comparisonReport(
  context: Context,
  log: OpenRun["run"]["events"],
  severalSeeds: boolean,
): (event: ComparisonEvent) => void {
  const trainings = new Map<string, (event: TrainEvent) => void>();
  const searches = new Map<string, ReturnType<typeof searchReport>>();
  return (event) => {
    switch (event.kind) {
      case "train": {
        const name = named(event.name, event.seed, severalSeeds);
        const report = trainings.get(name) ?? trainReport(context, log, name);
        trainings.set(name, report);
        report(event.event);
        break;
      }
      case "search": {
        const name = named(event.method, event.seed, severalSeeds);
        const report = searches.get(name) ?? searchReport(context, log, event.method, name);
        searches.set(name, report);
        report(event.event);
        break;
      }
      case "fields": {
        const { seed, done, total } = event;
        const text = `${done} of ${total} fields left out of the base model`;
        context.progress.update(named("what fields are worth", seed, severalSeeds), done / total, text);
        break;
      }
      case "row": {
        const { method, budget, seeds, metrics } = event.row;
        context.progress.line(rowLine(event, severalSeeds));
        log.append({
          kind: "row",
          method,
          budget,
          seed: seeds.run,
          auc: metrics.test?.auc,
          known: event.known,
        });
        break;
      }
      case "missing": {
        const { method, budget, seed, reason } = event;
        context.progress.line(`${named(`${method} ${budget}`, seed, severalSeeds)}: not possible, ${reason}`);
        log.append({ ...event });
      }
    }
  };
}

/** The saliency of the first SSEDS search, for people; undefined where there was none. */
export function saliencyText(
  { searches }: Comparison,
  fields: OpenRun["data"]["fields"],
): string | undefined {
  const search = searches.find(({ method, config }) => ownName(method, config) === "sseds");
  if (!search) return undefined;
  return saliencyOf(search.notes, fields);
}

/** Reads the notes of an SSEDS search. */
export function saliencyOf(
  notes: Readonly<Record<string, unknown>>,
  fields: readonly { readonly name: string; readonly rows: number }[],
): string {
  const { saliency, kept } = notes as { saliency: number[][]; kept: Record<string, number[][]> };
  const columns = Object.entries(kept).map(([budget, dims]) => ({ budget, kept: dims }));
  return saliencyTable(fields, saliency, columns);
}

/** The table, what is missing from it, and the verdicts. */
export function printComparison(context: Context, comparison: Comparison, synthetic: boolean): void {
  const { missing } = comparison;
  const rows = inOrder(comparison.rows, (row) => row);
  printRows(context, rows);
  for (const line of missingLines(missing)) context.print(wrapWords(line));
  const plateau = plateauRemark(rows);
  if (plateau !== undefined) context.note(wrapWords(`warning: ${plateau}`));
  printVerdicts(context, rows);
  if (synthetic) context.print("\nAll numbers are from generated (synthetic) data.");
}

/** Writes report.html into `folder`. The rows are safe already: a page that cannot be made is a warning. */
export async function writeReport(
  context: Context,
  folder: string,
  runs: readonly string[] = [folder],
): Promise<void> {
  const path = join(folder, "report.html");
  try {
    const page = await reportHtml(await reportOf(runs));
    writeWhole(path, [new TextEncoder().encode(page)]);
    context.print(`the report is ${shown(path)}`);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    context.note(`warning: no report was written: ${why}`);
  }
}
