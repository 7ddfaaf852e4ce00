/** `trimtab compare`: methods, budgets and seeds side by side, at equal bytes; for one dataset and model, or for many as one study. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseBudget } from "@trimtab/search-core";
import type { Command } from "commander";
import {
  addSearcherOption,
  chooseMethods,
  METHODS_HELP,
  type MethodOptions,
} from "../parts/chosen-methods.ts";
import { printComparison, writeReport } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import type { DeviceChoice } from "../parts/device.ts";
import { StudyFailed } from "../parts/errors.ts";
import { defaultMethods } from "../parts/methods.ts";
import { addDeviceOptions, list, whole, wholes } from "../parts/options.ts";
import { addResumeOption, addRunOption, cacheOf } from "../parts/runs.ts";
import { addModelOptions, addTrainOptions } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";
import { type CellOptions, keepStudy, openCells, studyOf } from "../study/cells.ts";
import { runStudy } from "../study/run.ts";

interface Options extends CellOptions, MethodOptions, DeviceChoice {
  readonly methods?: string[];
  readonly budgets?: string[];
  readonly seeds?: number[];
  readonly keep?: boolean;
  readonly jobs?: number;
  /** false: --no-cache. */
  readonly cache?: string | false;
  /** False for --no-field-worth. */
  readonly fieldWorth: boolean;
}

export function command(): Command {
  const made = verb(
    "compare",
    "Search, retrain and test several methods at equal bytes; run again, it goes on where it stood.",
    "trimtab compare --data movielens.trimtab --model fm --budgets 50%,10% --seeds 1,2,3 --run runs/compare",
    "trimtab compare --data criteo.trimtab --model deepfm --methods fiited,row-pruning,hashed-rows,smaller-dim --budgets 20%,5% --run runs/chunks",
    "trimtab compare --data criteo.trimtab frappe.trimtab --model fm,deepfm --methods sseds,pep,magnitude --jobs 4 --run runs/study",
    "trimtab compare --data criteo.trimtab --model fm --searcher ./my-method/src/index.ts --methods my-method,smaller-dim --run runs/mine",
    "trimtab compare --config study.json --run runs/study      # data, models, methods, budgets and seeds in a file (docs/guide.md)",
  )
    .option("--data <paths...>", "dataset folders, or logs that `prepare` knows; one or several")
    .option(
      "--methods <names>",
      `${METHODS_HELP} (default: those of a study file, else sseds, what --searcher brings, and the baselines of dims)`,
      list,
    )
    .option("--budgets <limits>", "budgets between commas (default: 10%)", list)
    .option(
      "--seeds <numbers>",
      "seeds between commas; one training of everything for each (default: 1)",
      wholes(),
    )
    .option(
      "--cells <labels>",
      "some cells of a study file alone, between commas: --cells 'criteo/fm,frappe/*' (default: all)",
      list,
    )
    .option(
      "--jobs <n>",
      "trainings at once, in processes of their own (default: one a core on the cpu engine, else 1, in this process)",
      whole(1),
    )
    .option(
      "--cache <dir>",
      "where finished trainings and searches are kept for all runs (default: trials, beside the run)",
    )
    .option("--no-cache", "neither ask other runs nor keep anything for them")
    .option("--keep", "keep the checkpoints of all models, not the base models' alone")
    .option(
      "--no-field-worth",
      "do not measure what the base model loses without each field (a scoring pass of at most 50,000 rows a field)",
    )
    .option("--force", "replace the comparison that is in the folder");
  addResumeOption(addRunOption(addSearcherOption(made)));
  addDeviceOptions(addTrainOptions(addModelOptions(made, { several: true })));
  return act<Options>(made, async (context, { keep = false, fieldWorth, ...options }) => {
    const study = studyOf(options);
    const settings = study && { methods: study.methods ?? {}, searchers: study.searchers ?? [] };
    const chosen = await chooseMethods({ ...options, settings });
    // defaults here: commander would print lists as JSON in --help
    const named = study?.methods && Object.keys(study.methods);
    const names = options.methods ?? named ?? [...chosen.methods.added, ...defaultMethods];
    const budgets = options.budgets ?? study?.budgets ?? ["10%"];
    const seeds = options.seeds ?? study?.seeds ?? [1];
    for (const budget of budgets) parseBudget(budget);
    const methods = [...new Set(names)].map((name) => chosen.make(name));
    const cells = await openCells(context, { ...options, seed: seeds[0] }, study);
    if (study) {
      const all = Object.fromEntries(names.map((name) => [name, study.methods?.[name] ?? {}]));
      const { modules } = chosen.methods;
      const searchers = modules.map((url) => fileURLToPath(url));
      keepStudy(options.run, { ...study, methods: all, budgets, seeds, searchers }, cells);
    }
    const cache =
      options.cache === false ? undefined : (options.cache ?? join(cacheOf(options.run), "..", "trials"));
    const { cells: results, failures } = await runStudy(context, options, {
      ...{ cells, seeds, budgets, methods, keep, fieldWorth, cache },
      modules: chosen.methods.modules,
    });
    for (const { open } of cells) open.run.close();
    for (const { cell, comparison } of results) {
      if (cell.name !== "") context.print(`\n${cell.name}`);
      printComparison(context, comparison, cell.open.data.manifest.synthetic);
    }
    const folders = cells.map(({ open }) => open.run.path);
    await writeReport(context, options.run, folders);
    for (const folder of folders) context.print(`every row is in ${shown(join(folder, "results.jsonl"))}`);
    context.document(
      study
        ? {
            cells: results.map(({ cell: { name }, comparison: { rows, missing } }) => ({
              name,
              rows,
              missing,
            })),
            failures,
          }
        : { rows: results[0]!.comparison.rows, missing: results[0]!.comparison.missing, failures },
    );
    if (failures.length === 0) return;
    const parts = failures.map(({ part }) => part).join(", ");
    throw new StudyFailed(
      `compare: ${failures.length} failed (${parts}); run the same command again to try them again.`,
    );
  });
}
