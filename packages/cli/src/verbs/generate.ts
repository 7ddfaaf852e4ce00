/** `trimtab generate`: a synthetic log with a planted truth. */
import { generate } from "@trimtab/data";
import { formatCount, renderTable } from "@trimtab/eval";
import { type Command, Option } from "commander";
import { shown } from "../parts/data-source.ts";
import { number, whole } from "../parts/options.ts";
import { act, verb } from "../parts/verb.ts";

interface Options {
  readonly rows: number;
  readonly out: string;
  readonly seed: number;
  readonly features?: number;
  readonly drift: number;
  readonly format: "csv" | "parquet";
  readonly force?: boolean;
}

export function command(): Command {
  const made = verb(
    "generate",
    "Write a synthetic click log whose fields have a known importance and a known dim.",
    "trimtab generate --rows 1000000 --out clicks --seed 7",
    "trimtab generate --rows 1000000 --features 2000000 --drift 2 --format parquet --out drifting",
  )
    .requiredOption("--rows <n>", "rows of the log", whole(1))
    .requiredOption("--out <dir>", "the folder to write: log, schema.json, truth.json")
    .option("--seed <n>", "the same seed gives the same log", whole(), 1)
    .option(
      "--features <n>",
      "values of all fields together; the large fields grow or shrink to it",
      whole(1),
    )
    .option(
      "--drift <times>",
      "over the whole log, how often the value at each popularity rank of a large field gives way to a new one; above 0 " +
        "rows have a time and are split by it (0: popularity never changes)",
      number(0),
      0,
    )
    .addOption(new Option("--format <name>", "of the log").choices(["csv", "parquet"]).default("csv"))
    .option("--force", "replace a generated log that is there");
  return act<Options>(made, async (context, options) => {
    const { rows, out, seed, features, drift, format, force } = options;
    const truth = await generate(
      { rows, out, seed, features, drift, format, overwrite: force, signal: context.signal },
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
      `synthetic log of ${formatCount(rows)} rows${drift > 0 ? `, popularity drifting (${drift})` : ""}, click rate ${truth.clickRate.toFixed(3)}, ` +
        `AUC of the truth itself ${truth.ceilingAuc.toFixed(4)}\nwritten to ${shown(out)}; ` +
        `next: trimtab train --data ${shown(out)} --model fm --run runs/first`,
    );
    context.document({ out, truth });
  });
}
