/** `trimtab prepare`: a log becomes a dataset folder. */
import { prepare } from "@trimtab/data";
import { formatCount, renderTable } from "@trimtab/eval";
import type { Command } from "commander";
import { prepareReport, shown } from "../parts/data-source.ts";
import { whole } from "../parts/options.ts";
import { act, verb } from "../parts/verb.ts";

interface Options {
  readonly out: string;
  readonly schema?: string;
  readonly recipe?: string;
  readonly minCount?: number;
  readonly seed: number;
  readonly force?: boolean;
}

export function command(): Command {
  const made = verb(
    "prepare",
    "Turn a CSV, TSV, libsvm or Parquet log into a dataset folder.",
    "trimtab prepare clicks.csv --out clicks.trimtab      # with clicks.csv.schema.json beside it",
    "trimtab prepare path/to/ml-latest-small --out movielens.trimtab",
  )
    .argument("<source>", "a file, or a folder with a schema.json or of a known public set")
    .requiredOption("--out <dir>", "the dataset folder to write")
    .option(
      "--schema <file>",
      "what the columns mean (default: SOURCE.schema.json or schema.json beside the source, else that of a known public set)",
    )
    .option("--recipe <name>", "a ready schema of a public set, instead of recognising it")
    .option("--min-count <n>", "values seen fewer times in training share row 0", whole(1))
    .option("--seed <n>", "for random and hash splits", whole(), 1)
    .option("--force", "replace a dataset folder that is there");
  return act<Options>(made, async (context, options, source) => {
    const { out, schema, recipe, minCount, seed, force } = options;
    const manifest = await prepare(
      source!,
      { out, schema, recipe, minCount, seed, overwrite: force, signal: context.signal },
      prepareReport(context),
    );
    const { splits, warnings, hash } = manifest;
    const rows = (["train", "valid", "test"] as const).map(
      (split) => `${split} ${formatCount(splits[split].rows)}`,
    );
    const columns = manifest.fields.map((field) => ({ ...field, rare: field.outOfVocabulary.test }));
    context.print(
      renderTable(columns, [
        { title: "field", value: (f) => f.name },
        { title: "kind", value: (f) => f.kind },
        { title: "features", align: "right", value: (f) => formatCount(f.rows) },
        { title: "ids a row", align: "right", value: (f) => String(f.slots) },
        { title: "unknown in test", align: "right", value: (f) => `${(f.rare * 100).toFixed(1)}%` },
      ]),
    );
    context.print(`rows: ${rows.join(", ")}\nhash: ${hash}\nwritten to ${shown(out)}`);
    for (const { message } of warnings) context.note(`warning: ${message}`);
    context.document({ out, manifest });
  });
}
