/** `trimtab generate`: a synthetic log with a planted truth. */
import { generate } from "@trimtab/data";
import { formatCount, renderTable } from "@trimtab/eval";
import { type Command, Option } from "commander";
import { shown } from "../parts/data-source.ts";
import { whole } from "../parts/options.ts";
import { act, verb } from "../parts/verb.ts";

interface Options {
  readonly rows: number;
  readonly out: string;
  readonly seed: number;
  readonly format: "csv" | "parquet";
  readonly force?: boolean;
}

export function command(): Command {
  const made = verb(
    "generate",
    "Write a synthetic click log whose fields have a known importance and a known dim.",
    "trimtab generate --rows 1000000 --out clicks --seed 7",
  )
    .requiredOption("--rows <n>", "rows of the log", whole(1))
    .requiredOption("--out <dir>", "the folder to write: log, schema.json, truth.json")
    .option("--seed <n>", "the same seed gives the same log", whole(), 1)
    .addOption(new Option("--format <name>", "of the log").choices(["csv", "parquet"]).default("csv"))
    .option("--force", "replace a generated log that is there");
  return act<Options>(made, async (context, options) => {
    const { rows, out, seed, format, force } = options;
    const truth = await generate(
      { rows, out, seed, format, overwrite: force, signal: context.signal },
      (share) => context.progress.update("generating", share, `${formatCount(share * rows)} rows`),
    );
    context.print(
      renderTable(truth.fields, [
        { title: "field", value: (f) => f.name },
        { title: "values", align: "right", value: (f) => formatCount(f.values) },
        { title: "planted dim", align: "right", value: (f) => String(f.dim) },
        { title: "importance", align: "right", value: (f) => String(f.importance) },
      ]),
    );
    context.print(
      `synthetic log of ${formatCount(rows)} rows, click rate ${truth.clickRate.toFixed(3)}, ` +
        `AUC of the truth itself ${truth.ceilingAuc.toFixed(4)}\nwritten to ${shown(out)}; ` +
        `next: trimtab train --data ${shown(out)} --model fm --run runs/first`,
    );
    context.document({ out, truth });
  });
}
