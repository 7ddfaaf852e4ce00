/** `trimtab retrain`: the model again, allocating only what a scheme keeps. */
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { loadScheme, type Scheme } from "@trimtab/embeddings";
import { formatBytes, formatRatio, type Metrics, type ResultRow } from "@trimtab/eval";
import {
  type Found,
  fileName,
  type RunFolder,
  RunFolderError,
  recallSearchByName,
  resultRow,
  type Searcher,
  Task,
} from "@trimtab/search-core";
import type { Command } from "commander";
import { addSearcherOption, chooseMethods, type MethodOptions } from "../parts/chosen-methods.ts";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import type { Methods } from "../parts/methods.ts";
import { addDeviceOptions } from "../parts/options.ts";
import { trainReport } from "../parts/reports.ts";
import {
  addResumeOption,
  addRunOption,
  openExistingRun,
  type RunOptions,
  taskOptions,
} from "../parts/runs.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends RunOptions, MethodOptions, DeviceChoice {
  readonly budget?: string;
  readonly scheme?: string;
  readonly method?: string;
}

/** A scheme to train under, by whatever name it came. */
interface Choice {
  /** Of the checkpoint folder and the result row. */
  readonly name: string;
  readonly method: string;
  readonly budget: string | null;
  readonly scheme: Scheme;
  /** Of the search, and of the base model where the search needed it. */
  readonly before: Readonly<Record<string, number>>;
  /** Finds the start of training again, or the trained model, where the search says so. */
  readonly start?: (task: Task) => Promise<Found>;
  /** What the row's configuration says beside the training. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export function command(): Command {
  const made = verb(
    "retrain",
    "Train the run's model again under a scheme that was found.",
    "trimtab retrain --run runs/movielens --budget 10%",
    "trimtab retrain --run runs/movielens --scheme my-scheme.json",
    "trimtab retrain --run runs/movielens --searcher ./my-method/src/index.ts --method my-method --budget 10%",
  )
    .option("--budget <limit>", "the budget that a search was given")
    .option("--method <name>", "whose scheme, where several methods found one")
    .option("--scheme <file>", "a scheme file instead")
    .option("--data <path>", "the dataset, where it is no longer where it was")
    .option("--force", "train again from the start, in place of what was trained under this name");
  addDeviceOptions(addResumeOption(addRunOption(addSearcherOption(made))));
  return act<Options>(made, async (context, { force, ...options }) => {
    if ((options.budget === undefined) === (options.scheme === undefined)) {
      throw new UsageError("give either --budget (of a search in this run) or --scheme (a scheme file).");
    }
    const { methods } = await chooseMethods(options);
    const open = await openExistingRun(context, options);
    const { run, train } = open;
    const choice = options.scheme
      ? fromFile(options.scheme)
      : fromSearch(run, options.budget!, options.method, methods);
    const folder = join(run.checkpoints, choice.name);
    if (force) rmSync(folder, { recursive: true, force: true });
    const again = "Run the same command again: it goes on where it stood.";
    const row = await withDevice(options, again, async (device) => {
      const task = new Task(taskOptions(open, device, context));
      checkFields(choice, task);
      try {
        const { name, scheme } = choice;
        const onEvent = trainReport(context, run.events, name);
        const { prepare, trained: ready } = (await choice.start?.(task)) ?? {};
        const start = prepare && [choice.method, choice.config?.search];
        const trained = ready ?? (await task.trainUnder(scheme, { name, onEvent, prepare, start }));
        try {
          const made = resultRow({
            command: context.command,
            task,
            method: choice.method,
            budget: choice.budget,
            scheme,
            trained,
            seconds: { ...choice.before, ...trained.seconds },
            config: { train, ...choice.config },
          });
          const row = { ...made, metrics: { ...made.metrics, test: testOf(made, run.rows()[name]) } };
          run.putRow(name, row);
          return row;
        } finally {
          await trained.dispose();
        }
      } finally {
        await task.dispose();
      }
    });
    run.close();
    const { valid } = row.metrics;
    const { serve, uniform } = row.bytes;
    context.print(
      `${choice.name}: validation AUC ${valid?.auc.toFixed(4)}, logloss ${valid?.logloss.toFixed(4)}, ` +
        `${formatBytes(serve)} of ${formatBytes(uniform)}${serve > 0 ? ` (${formatRatio(uniform / serve)} smaller)` : ""}\n` +
        `next: trimtab evaluate --run ${shown(options.run)} --baseline`,
    );
    context.document(row);
  });
}

/** What `evaluate` found for the row that was there, where that is of this same model. */
function testOf({ config, metrics }: ResultRow, before: ResultRow | undefined): Metrics | null {
  const same = isDeepStrictEqual([before?.config, before?.metrics.valid], [config, metrics.valid]);
  return same ? before!.metrics.test : null;
}

function fromFile(path: string): Choice {
  const name = fileName(basename(path).replace(/\.json$/, ""));
  return { name: `scheme-${name}`, method: name, budget: null, scheme: loadScheme(path), before: {} };
}

function fromSearch(run: RunFolder, budget: string, wanted: string | undefined, methods: Methods): Choice {
  const searches = run.notes().flatMap((name) => recallSearchByName(run, name) ?? []);
  const hits = searches.flatMap(({ found, saved }) => {
    const hit = found.find((f) => f.budget === budget.trim());
    return hit && (wanted === undefined || saved.method === wanted) ? [{ saved, hit }] : [];
  });
  if (hits.length === 0) {
    const known = searches.flatMap(({ saved }) => saved.found.map((f) => `${f.budget} by ${saved.method}`));
    throw new RunFolderError(
      `${run.path}: no search ${wanted ? `by ${wanted} ` : ""}found a scheme for budget ${budget}` +
        `${known.length > 0 ? `; there are ${known.join(", ")}` : ""}; run \`trimtab search\` with --budget ${budget} first.`,
    );
  }
  if (hits.length > 1) {
    const methods = hits.map(({ saved }) => saved.method).join(", ");
    throw new UsageError(`several methods found a scheme for ${budget}: give --method (one of ${methods}).`);
  }
  const { saved, hit } = hits[0]!;
  return {
    name: `${saved.method}-${fileName(hit.budget)}`,
    method: saved.method,
    budget: hit.budget,
    scheme: hit.scheme,
    before: { search: saved.seconds, ...(saved.baseSeconds > 0 ? { base: saved.baseSeconds } : {}) },
    // the weights to start from were in the search's memory, so the search is done again: same seed, same scheme
    start: saved.whole
      ? undefined
      : (task) => startAgain(task, methods.make(saved.method, saved.config), hit.budget),
    config: { search: saved.config },
  };
}

/** From the checkpoints of the search, where it kept them. */
async function startAgain(task: Task, searcher: Searcher, budget: string): Promise<Found> {
  const { found } = await searcher.search(task, { budgets: [budget] });
  return found[0]!;
}

function checkFields({ scheme, name }: Choice, task: Task): void {
  const asked = JSON.stringify(scheme.fields);
  if (asked === JSON.stringify(task.fields)) return;
  const names = scheme.fields.map((f) => `${f.name} (${f.rows})`).join(", ");
  const have = task.fields.map((f) => `${f.name} (${f.rows})`).join(", ");
  throw new RunFolderError(
    `scheme ${name}: is for fields ${names}, the run's data has ${have}; search on this data, or give its own scheme.`,
  );
}
