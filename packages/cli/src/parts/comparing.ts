/** Runs a comparison and shows it: shared by `compare` and `demo`. */
import { join } from "node:path";
import { formatBytes } from "@trimtab/eval";
import { reportHtml } from "@trimtab/report";
import {
  type Comparison,
  type ComparisonEvent,
  compare,
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
  readonly keep?: boolean;
  readonly fieldWorth?: boolean;
}

export async function runComparison(
  context: Context,
  { run, data, model, train }: OpenRun,
  device: Device,
  options: ComparingOptions,
): Promise<Comparison> {
  const { seeds, budgets, methods } = options;
  // so that a report of a comparison that is half done can say what is still to come
  run.events.append({ kind: "asked", seeds, budgets, methods: methods.map(({ name }) => name) });
  const comparison = await compare({
    run,
    data,
    model,
    train,
    device,
    ...options,
    command: context.command,
    signal: context.signal,
    onEvent: comparisonReport(context, run.events, options.seeds.length > 1),
  });
  for (const problem of comparison.problems) context.note(`warning: ${problem}`);
  return comparison;
}

function comparisonReport(
  context: Context,
  log: OpenRun["run"]["events"],
  severalSeeds: boolean,
): (event: ComparisonEvent) => void {
  const trainings = new Map<string, (event: TrainEvent) => void>();
  const searches = new Map<string, ReturnType<typeof searchReport>>();
  const named = (name: string, seed: number) => (severalSeeds ? `${name} (seed ${seed})` : name);
  return (event) => {
    switch (event.kind) {
      case "train": {
        const name = named(event.name, event.seed);
        const report = trainings.get(name) ?? trainReport(context, log, name);
        trainings.set(name, report);
        report(event.event);
        break;
      }
      case "search": {
        const name = named(event.method, event.seed);
        const report = searches.get(name) ?? searchReport(context, log, event.method, name);
        searches.set(name, report);
        report(event.event);
        break;
      }
      case "fields": {
        const { seed, done, total } = event;
        const text = `${done} of ${total} fields left out of the base model`;
        context.progress.update(named("what fields are worth", seed), done / total, text);
        break;
      }
      case "row": {
        const { method, budget, seeds, metrics, bytes } = event.row;
        const name = named(budget === null ? method : `${method} ${budget}`, seeds.run ?? 0);
        const known = event.known ? " (known from an earlier run)" : "";
        context.progress.line(
          `${name}: test AUC ${metrics.test?.auc.toFixed(4) ?? "-"}, ${formatBytes(bytes.serve)}${known}`,
        );
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
        context.progress.line(`${named(`${method} ${budget}`, seed)}: not possible, ${reason}`);
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
  const search = searches.find(({ method }) => method === "sseds");
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
  const { rows, missing } = comparison;
  printRows(context, rows);
  for (const line of missingLines(missing)) context.print(wrapWords(line));
  printVerdicts(context, rows);
  if (synthetic) context.print("\nAll numbers are from generated (synthetic) data.");
}

/** Writes report.html into the run folder. The rows are safe already: a page that cannot be made is a warning. */
export async function writeReport(context: Context, { run }: OpenRun): Promise<void> {
  const path = join(run.path, "report.html");
  try {
    const page = await reportHtml(await reportOf([run.path]));
    writeWhole(path, [new TextEncoder().encode(page)]);
    context.print(`the report is ${shown(path)}`);
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    context.note(`warning: no report was written: ${why}`);
  }
}
