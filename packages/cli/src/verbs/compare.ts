/** `trimtab compare`: methods, budgets and seeds side by side, at equal bytes. */
import { baseDim, parseBudget } from "@trimtab/search-core";
import type { Command } from "commander";
import { printComparison, runComparison, writeReport } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import { baselineNames, method, methodNames } from "../parts/methods.ts";
import { addDeviceOptions, list, wholes } from "../parts/options.ts";
import { addResumeOption, addRunOption, openRun, type RunOptions } from "../parts/runs.ts";
import { addModelOptions, addTrainOptions, readConfigMethods } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends Omit<RunOptions, "seed">, DeviceChoice {
  readonly methods?: string[];
  readonly budgets?: string[];
  readonly seeds?: number[];
  readonly keep?: boolean;
  /** False for --no-field-worth. */
  readonly fieldWorth: boolean;
}

export function command(): Command {
  const made = verb(
    "compare",
    "Search, retrain and test several methods at equal bytes; run again, it goes on where it stood.",
    "trimtab compare --data movielens.trimtab --model fm --budgets 50%,10% --seeds 1,2,3 --run runs/compare",
    "trimtab compare --data criteo.trimtab --model dlrm --methods smaller-dim,hashed-rows --budgets 35%,10% --run runs/hashing",
    "trimtab compare --data criteo.trimtab --model deepfm --methods fiited,row-pruning,hashed-rows,smaller-dim --budgets 20%,5% --run runs/chunks",
  )
    .option("--data <path>", "a dataset folder, or a log that `prepare` knows")
    .option(
      "--methods <names>",
      `of ${methodNames.join(", ")} (default: sseds and the baselines of dims)`,
      list,
    )
    .option("--budgets <limits>", "budgets between commas (default: 10%)", list)
    .option(
      "--seeds <numbers>",
      "seeds between commas; one training of everything for each (default: 1)",
      wholes(),
    )
    .option("--keep", "keep the checkpoints of all models, not the base models' alone")
    .option(
      "--no-field-worth",
      "do not measure what the base model loses without each field (a scoring pass of at most 50,000 rows a field)",
    )
    .option("--force", "replace the comparison that is in the folder");
  addResumeOption(addRunOption(made));
  addDeviceOptions(addTrainOptions(addModelOptions(made)));
  return act<Options>(made, async (context, { keep, fieldWorth, ...options }) => {
    // defaults here: commander would print lists as JSON in --help
    const { methods = ["sseds", ...baselineNames], budgets = ["10%"], seeds = [1] } = options;
    for (const budget of budgets) parseBudget(budget);
    const configs = readConfigMethods(options.config);
    const searchers = methods.map((name) => method(name, configs[name]));
    const open = await openRun(context, { ...options, seed: seeds[0] }, "comparison", { fresh: false });
    if (baseDim(open.model) === 0) {
      throw new UsageError(
        `model "${open.model.kind}" has no embeddings to size, so there is nothing to compare; use fm, dnn, widedeep, deepfm or dlrm.`,
      );
    }
    const again = "Run the same command again: it goes on where it stood.";
    const comparison = await withDevice(options, again, (device) =>
      runComparison(context, open, device, { seeds, budgets, methods: searchers, keep, fieldWorth }),
    );
    open.run.close();
    printComparison(context, comparison, open.data.manifest.synthetic);
    await writeReport(context, open);
    context.print(`every row is in ${shown(open.run.resultsFile)}`);
    context.document({ rows: comparison.rows, missing: comparison.missing });
  });
}
