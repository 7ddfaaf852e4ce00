/** `trimtab search`: schemes under one or several budgets. */
import {
  ownName,
  type RunFolder,
  recallSearchByName,
  type SavedSearch,
  type Searcher,
  storeSearch,
  WatchedTask,
} from "@trimtab/search-core";
import type { Command } from "commander";
import {
  addSearcherOption,
  chooseMethods,
  METHODS_HELP,
  type MethodOptions,
} from "../parts/chosen-methods.ts";
import { saliencyOf } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import { addDeviceOptions, repeated, whole } from "../parts/options.ts";
import { searchReport } from "../parts/reports.ts";
import { addResumeOption, addRunOption, openRun, type RunOptions, taskOptions } from "../parts/runs.ts";
import { addModelOptions, addTrainOptions } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends RunOptions, MethodOptions, DeviceChoice {
  readonly method: string;
  readonly budget: string[];
  readonly set?: string[];
}

export function command(): Command {
  const made = verb(
    "search",
    "Find schemes under one or several budgets; trains the base model if the run has none.",
    "trimtab search --run runs/movielens --method sseds --budget 25% --budget 10%",
    "trimtab search --run runs/movielens --method sseds --budget 64KiB --set score=saliency --set batches=1",
    "trimtab search --run runs/movielens --method hashed-rows --budget 35% --set floor=16 --set rule=modulo",
    "trimtab search --run runs/movielens --method fiited --budget 35% --set chunks=4 --set period=500",
    "trimtab search --run runs/movielens --searcher ./my-method/src/index.ts --method my-method --budget 10%",
  )
    .requiredOption(
      "--budget <limit>",
      '"10%", "64MiB", "500k parameters", "10% parameters" or "10% slots"; may be given several times',
      repeated,
    )
    .option("--method <name>", `one ${METHODS_HELP}`, "sseds")
    .option("--set <key=value>", "a setting of the method; may be given several times", repeated)
    .option("--data <path>", "for a run folder that is not there yet: a dataset folder or a log");
  addResumeOption(addRunOption(addSearcherOption(made)));
  addTrainOptions(addModelOptions(made)).option("--seed <n>", "as in train", whole());
  addDeviceOptions(made);
  return act<Options>(made, async (context, options) => {
    // refused before anything is opened or trained
    const searcher = (await chooseMethods(options)).make(options.method, readSets(options.set ?? []));
    const open = await openRun(context, options, "run", { fresh: false });
    const { run, data, seed } = open;
    const again = `Run the same command again: it goes on where it stood.`;
    const { saved, schemes } = await withDevice(options, again, async (device) => {
      const task = new WatchedTask(taskOptions(open, device, context));
      try {
        const onEvent = searchReport(context, run.events, searcher.name);
        const result = await searcher.search(task, { budgets: options.budget, onEvent });
        const saved = storeSearch(run, searcher.name, {
          key: JSON.stringify([searcher.config, options.budget]),
          seed,
          baseSeconds: await task.baseSeconds(),
          config: searcher.config,
          result,
          earlier: earlierOf(run, searcher),
        });
        for (const { trained } of result.found) await trained?.dispose();
        return { saved, schemes: result.found.map(({ scheme }) => scheme) };
      } finally {
        await task.dispose();
      }
    });
    run.close();
    if (ownName(searcher.name, searcher.config) === "sseds")
      context.print(saliencyOf(saved.notes, data.fields));
    for (const scheme of schemes) context.print(`\n${scheme.describe()}`);
    context.print(nextStep(options, saved));
    context.document({
      method: saved.method,
      seconds: saved.seconds,
      found: saved.found.slice(0, schemes.length).map(({ budget, scheme }, i) => ({
        budget,
        file: shown(run.schemeFile(scheme)),
        parameters: schemes[i]!.parameters,
        bytes: schemes[i]!.serveBytes(),
        scheme: schemes[i]!.toJSON(),
      })),
      notes: saved.notes,
    });
  });
}

/** Schemes that the same method, configured alike, found before: they stay for `retrain`. */
function earlierOf(run: RunFolder, { name, config }: Searcher): SavedSearch["found"] {
  const saved = recallSearchByName(run, name)?.saved;
  const alike = JSON.stringify(saved?.config) === JSON.stringify(config);
  return saved && alike ? saved.found : [];
}

function nextStep(options: Options, { found }: SavedSearch): string {
  const first = found[0]!.budget;
  const quoted = /\s/.test(first) ? `'${first}'` : first;
  return `\nnext: trimtab retrain --run ${shown(options.run)} --budget ${quoted}`;
}

/** "batches=1" as { batches: 1 }: numbers, booleans and lists of numbers ("candidates=[0,4,8]") as JSON, everything else as text. */
function readSets(sets: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    sets.map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new UsageError(`--set ${text}: give KEY=VALUE, such as batches=1.`);
      const value = text.slice(at + 1);
      const plain = /^(-?\d+(\.\d+)?([eE]-?\d+)?|true|false|\[\d+(,\d+)*\])$/.test(value);
      return [text.slice(0, at), plain ? (JSON.parse(value) as unknown) : value];
    }),
  );
}
