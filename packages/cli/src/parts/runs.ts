/** Opens the run a verb works on: its folder, dataset and settings, all checked before anything is written. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Dataset } from "@trimtab/data";
import { type RunConfig, RunFolder, RunFolderError, type TaskOptions } from "@trimtab/search-core";
import type { Device } from "@trimtab/tensor-core";
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { openData, shown } from "./data-source.ts";
import { UsageError } from "./errors.ts";
import { forFields, type Ground, readSettings, type Settings, type SettingsOptions } from "./settings.ts";

/** In the folder of a study, beside the run folders of its cells. */
export const STUDY = "study.json";

export interface RunOptions extends SettingsOptions {
  readonly run: string;
  readonly data?: string;
  readonly resume?: boolean;
  readonly force?: boolean;
}

export interface OpenRun extends Settings {
  readonly run: RunFolder;
  readonly data: Dataset;
}

export function addRunOption(command: Command): Command {
  return command.requiredOption("--run <dir>", "the run folder");
}

export function addStartOptions(command: Command): Command {
  return command
    .option("--resume", "go on with the run that is in the folder")
    .option("--force", "replace the run that is in the folder");
}

/** For verbs that go on where they stood in any case. */
export function addResumeOption(command: Command): Command {
  return command.option("--resume", "go on where it stood, which this verb always does");
}

export interface OpenOptions {
  /** A run that is there is refused unless --resume or --force was typed; otherwise it is gone on with if the settings are the same. */
  readonly fresh: boolean;
  /** What options go over, in place of the settings of the run that is there. */
  readonly ground?: Ground;
  /** The dataset, where it is open already. */
  readonly data?: Dataset;
}

/** Makes the run folder, or goes on with the one there is. */
export async function openRun(
  context: Context,
  options: RunOptions,
  kind: RunConfig["kind"],
  { fresh, ground, data: opened }: OpenOptions,
): Promise<OpenRun> {
  const { resume, force } = options;
  refuseStudy(options.run);
  if (resume && force) throw new UsageError("--resume and --force exclude each other; give one of them.");
  const occupied = RunFolder.occupied(options.run);
  if (occupied && fresh && !resume && !force) {
    throw new RunFolderError(
      `${options.run}: already holds a run; go on with --resume, replace it with --force, or use another folder.`,
    );
  }
  const there = occupied && !force ? RunFolder.configOf(options.run) : undefined;
  const asked = readSettings(options, ground ?? there);
  const data = opened ?? (await openSource(context, options, there));
  const settings = forFields(asked, data.fields);
  const config = configOf(context, kind, data, settings);
  const run = force ? RunFolder.replace(options.run, config) : RunFolder.continue(options.run, config);
  context.onFailure(() => run.abandon());
  run.events.append({ kind: there ? "resumed" : "started", command: context.command });
  return { run, data, ...settings };
}

/** A study is no run folder, but healthy. */
function refuseStudy(run: string): void {
  if (!existsSync(join(run, STUDY))) return;
  throw new UsageError(
    `${run}: holds a study, each comparison in a folder of its own; this verb wants a run folder (the study goes on with \`trimtab compare --run ${run}\`).`,
  );
}

async function openSource(
  context: Context,
  { data, run }: RunOptions,
  there: RunConfig | undefined,
): Promise<Dataset> {
  const source = data ?? there?.data.folder;
  if (source === undefined)
    throw new UsageError("no data was named; give --data (a dataset folder or a log).");
  return await openData(context, source, cacheOf(run));
}

/** Opens a run that must be there. */
export async function openExistingRun(context: Context, options: RunOptions): Promise<OpenRun> {
  refuseStudy(options.run);
  const config = RunFolder.configOf(options.run);
  if (config.kind !== "run") {
    throw new UsageError(
      `${options.run}: holds a comparison, which keeps rows and schemes, no models. The one you chose is made again, to the same bits, by \`trimtab train\` with the ` +
        `same settings and seed, and \`retrain --scheme\` with its file in ${join(options.run, "schemes")} (docs/guide.md, section 4); then name that run's folder.`,
    );
  }
  return openRun(context, options, "run", { fresh: false });
}

/** The task of an open run: its checkpoints are the run's, and what is there is gone on with. */
export function taskOptions(
  { run, data, model, train, seed }: OpenRun,
  device: Device,
  { signal }: Context,
): TaskOptions {
  return { data, model, device, seed, train, folder: run.checkpoints, resume: true, signal };
}

/** Prepared logs lie beside the runs, so that a second run finds them. */
export function cacheOf(run: string): string {
  return join(dirname(resolve(run)), "prepared");
}

export function resumeHint(verb: string, run: string): string {
  return `Go on with: trimtab ${verb} --run ${shown(run)} --resume`;
}

function configOf(context: Context, kind: RunConfig["kind"], data: Dataset, settings: Settings): RunConfig {
  const { name, hash } = data;
  return {
    version: 1,
    kind,
    command: context.command,
    data: { folder: resolve(data.folder), name, hash, synthetic: data.manifest.synthetic },
    // as JSON will hold it, so that what is read back compares equal
    model: JSON.parse(JSON.stringify(settings.model)) as RunConfig["model"],
    train: settings.train,
    seed: settings.seed,
  };
}
