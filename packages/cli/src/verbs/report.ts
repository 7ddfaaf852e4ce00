/** `trimtab report`: comparisons, finished or not, as one HTML page, CSV and JSON, and as tables in the terminal. */
import { resolve } from "node:path";
import { formatBytes } from "@trimtab/eval";
import { readReport, reportCsv, reportHtml, reportJson } from "@trimtab/report";
import { writeWhole } from "@trimtab/tensor-core";
import type { Command } from "commander";
import { shown } from "../parts/data-source.ts";
import { UsageError } from "../parts/errors.ts";
import { allBaselines } from "../parts/methods.ts";
import { printStudy } from "../parts/report-text.ts";
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
      "run folders; those of one dataset, model and training become one study",
    )
    .option("--out <file>", "the page, one HTML file that needs no network")
    .option("--csv <file>", "every row, exact numbers")
    .option("--json-out <file>", "the whole report as JSON");
  return act<Options>(made, async (context, { run, out, csv, jsonOut }) => {
    const files = [out, csv, jsonOut].filter((file) => file !== undefined).map((file) => resolve(file));
    if (new Set(files).size < files.length) {
      throw new UsageError("--out, --csv and --json-out name one file twice; give each a file of its own.");
    }
    const report = readReport(run, { baselines: allBaselines });
    for (const study of report.studies) printStudy(context, study);
    const write = async (path: string | undefined, content: () => string | Promise<string>) => {
      if (path === undefined) return;
      const bytes = new TextEncoder().encode(await content());
      writeWhole(resolve(path), [bytes]);
      context.print(`${shown(path)}: ${formatBytes(bytes.length)}`);
    };
    await write(out, () => reportHtml(report));
    await write(csv, () => reportCsv(report));
    await write(jsonOut, () => reportJson(report));
    context.document(report);
  });
}
