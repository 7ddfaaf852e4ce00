/** `trimtab report`: comparisons, finished or not, as one HTML page, CSV and JSON, and as tables in the terminal. */
import { join, parse, resolve } from "node:path";
import { formatBytes } from "@trimtab/eval";
import { type CsvPart, reportCsv, reportHtml, reportJson } from "@trimtab/report";
import { writeWhole } from "@trimtab/tensor-core";
import type { Command } from "commander";
import { shown } from "../parts/data-source.ts";
import { UsageError } from "../parts/errors.ts";
import { printReport, reportOf } from "../parts/report-text.ts";
import { act, verb } from "../parts/verb.ts";

interface Options {
  readonly run: string[];
  readonly out?: string;
  readonly csv?: string;
  readonly jsonOut?: string;
}

export function command(): Command {
  const made = verb(
    "report",
    "One self-contained page of comparisons, finished or half done: charts, verdicts, all rows.",
    "trimtab report --run runs/compare --out report.html",
    "trimtab report --run runs/fm runs/deepfm --out both.html --csv rows.csv --json-out report.json",
  )
    .requiredOption(
      "--run <dirs...>",
      "run folders, or a folder of a study; those of one dataset, model and training become one study",
    )
    .option("--out <file>", "the page, one HTML file that needs no network")
    .option(
      "--csv <file>",
      "every row, exact numbers; beside it NAME-fields.csv, NAME-stability.csv, and of several studies NAME-across.csv",
    )
    .option("--json-out <file>", "the whole report as JSON");
  return act<Options>(made, async (context, { run, out, csv, jsonOut }) => {
    const tables = csv === undefined ? [] : PARTS.map((part) => ({ part, path: csvFile(csv, part) }));
    const files = [out, ...tables.map(({ path }) => path), jsonOut]
      .filter((file) => file !== undefined)
      .map((file) => resolve(file));
    if (new Set(files).size < files.length) {
      throw new UsageError("--out, --csv and --json-out name one file twice; give each a file of its own.");
    }
    const report = await reportOf(run);
    printReport(context, report);
    const write = async (path: string | undefined, content: () => string | Promise<string>) => {
      if (path === undefined) return;
      const bytes = new TextEncoder().encode(await content());
      writeWhole(resolve(path), [bytes]);
      context.print(`${shown(path)}: ${formatBytes(bytes.length)}`);
    };
    await write(out, () => reportHtml(report));
    for (const { part, path } of tables) {
      if (part !== "across" || report.studies.length > 1) await write(path, () => reportCsv(report, part));
    }
    await write(jsonOut, () => reportJson(report));
    context.document(report);
  });
}

const PARTS: readonly CsvPart[] = ["rows", "fields", "stability", "across"];

/** Rows go to the file that was named, fields of "out/rows.csv" to "out/rows-fields.csv". */
function csvFile(path: string, part: CsvPart): string {
  if (part === "rows") return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}-${part}${ext}`);
}
