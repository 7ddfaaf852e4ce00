/** `trimtab compare`: methods, budgets and seeds side by side, at equal bytes; for one dataset and model, or for many as one study. */
import { join } from "node:path";
import type { Command } from "commander";
import { addSearcherOption, METHODS_HELP } from "../parts/chosen-methods.ts";
import { printComparison, writeReport } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import type { DeviceChoice } from "../parts/device.ts";
import { StudyFailed, UsageError } from "../parts/errors.ts";
import { addDeviceOptions, list, whole, wholes } from "../parts/options.ts";
import { addResumeOption, addRunOption, cacheOf } from "../parts/runs.ts";
import { addModelOptions, addTrainOptions } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";
import { type AskedOptions, askedNow, keepAsked } from "../study/asked.ts";
import { type CellOptions, keepStudy, openCells, studyOf } from "../study/cells.ts";
import { runStudy } from "../study/run.ts";

interface Options extends CellOptions, AskedOptions, DeviceChoice {
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
      `${METHODS_HELP} (default: those of the study file, or that the folder was asked for last; else sseds, what --searcher brings, and the baselines of dims)`,
      list,
    )
    .option("--budgets <limits>", "budgets between commas (default: as for --methods, else 10%)", list)
    .option(
      "--seeds <numbers>",
      "seeds between commas; one training of everything for each (default: as for --methods, else 1)",
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
    if (options.cells && !study)
      throw new UsageError("--cells names cells of a study, and this is none; leave it out.");
    const { methods, modules, budgets, seeds, kept } = await askedNow(options, study);
    const cells = await openCells(context, { ...options, seed: seeds[0] }, study);
    for (const { open } of cells) keepAsked(open.run.path, kept);
    if (study) keepStudy(options.run, { ...study, ...kept }, cells);
    const cache =
      options.cache === false ? undefined : (options.cache ?? join(cacheOf(options.run), "..", "trials"));
    const { cells: results, failures } = await runStudy(context, options, {
      ...{ cells, seeds, budgets, methods, modules, keep, fieldWorth, cache },
    });
    for (const { open } of cells) open.run.close();
    for (const { cell, comparison } of results) {
      if (cell.name !== "") context.print(`\n${cell.name}`);
      printComparison(context, comparison, cell.open.data.manifest.synthetic);
    }
    const folders = cells.map(({ open }) => open.run.path);
    // of a study all of it, whichever cells were asked for now
    await writeReport(context, options.run);
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
      `compare: ${failures.length} failed (${parts}), why is said above and in the report; mend the cause, and the same command tries them again.`,
    );
  });
}
