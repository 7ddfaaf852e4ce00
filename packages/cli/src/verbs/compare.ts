/** `trimtab compare`: methods, budgets and seeds side by side, at equal bytes. */
import { baseDim, parseBudget } from "@trimtab/search-core";
import type { Command } from "commander";
import {
  addSearcherOption,
  chooseMethods,
  METHODS_HELP,
  type MethodOptions,
} from "../parts/chosen-methods.ts";
import { printComparison, runComparison, writeReport } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import { defaultMethods } from "../parts/methods.ts";
import { addDeviceOptions, list, wholes } from "../parts/options.ts";
import { addResumeOption, addRunOption, openRun, type RunOptions } from "../parts/runs.ts";
import { addModelOptions, addTrainOptions } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends Omit<RunOptions, "seed">, MethodOptions, DeviceChoice {
  readonly methods?: string[];
  readonly budgets?: string[];
  readonly seeds?: number[];
  readonly keep?: boolean;
}

export function command(): Command {
  const made = verb(
    "compare",
    "Search, retrain and test several methods at equal bytes; run again, it goes on where it stood.",
    "trimtab compare --data movielens.trimtab --model fm --budgets 50%,10% --seeds 1,2,3 --run runs/compare",
    "trimtab compare --data criteo.trimtab --model dlrm --methods smaller-dim,hashed-rows --budgets 35%,10% --run runs/hashing",
    "trimtab compare --data criteo.trimtab --model deepfm --methods fiited,row-pruning,hashed-rows,smaller-dim --budgets 20%,5% --run runs/chunks",
    "trimtab compare --data criteo.trimtab --model fm --searcher ./my-method/src/index.ts --methods my-method,smaller-dim --run runs/mine",
  )
    .option("--data <path>", "a dataset folder, or a log that `prepare` knows")
    .option(
      "--methods <names>",
      `${METHODS_HELP} (default: sseds, what --searcher brings, and the baselines of dims)`,
      list,
    )
    .option("--budgets <limits>", "budgets between commas (default: 10%)", list)
    .option(
      "--seeds <numbers>",
      "seeds between commas; one training of everything for each (default: 1)",
      wholes(),
    )
    .option("--keep", "keep the checkpoints of all models, not the base models' alone")
    .option("--force", "replace the comparison that is in the folder");
  addResumeOption(addRunOption(addSearcherOption(made)));
  addDeviceOptions(addTrainOptions(addModelOptions(made)));
  return act<Options>(made, async (context, { keep, ...options }) => {
    // defaults here: commander would print lists as JSON in --help
    const { budgets = ["10%"], seeds = [1] } = options;
    for (const budget of budgets) parseBudget(budget);
    const chosen = await chooseMethods(options);
    const names = options.methods ?? [...chosen.methods.added, ...defaultMethods];
    const methods = [...new Set(names)].map((name) => chosen.make(name));
    const open = await openRun(context, { ...options, seed: seeds[0] }, "comparison", { fresh: false });
    if (baseDim(open.model) === 0) {
      throw new UsageError(
        `model "${open.model.kind}" has no embeddings to size, so there is nothing to compare; use fm, dnn, widedeep, deepfm or dlrm.`,
      );
    }
    const again = "Run the same command again: it goes on where it stood.";
    const comparison = await withDevice(options, again, (device) =>
      runComparison(context, open, device, { seeds, budgets, methods, keep }),
    );
    open.run.close();
    printComparison(context, comparison, open.data.manifest.synthetic);
    await writeReport(context, open);
    context.print(`every row is in ${shown(open.run.resultsFile)}`);
    context.document({ rows: comparison.rows, missing: comparison.missing });
  });
}
