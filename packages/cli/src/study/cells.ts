/** The cells of a study: one dataset with one base model each, in a run folder of its own. */
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { baseDim, fileName } from "@trimtab/search-core";
import type { Context } from "../parts/context.ts";
import { openData } from "../parts/data-source.ts";
import { UsageError } from "../parts/errors.ts";
import { cacheOf, type OpenRun, openRun, type RunOptions, STUDY } from "../parts/runs.ts";
import {
  isStudyFile,
  labelsOf,
  matches,
  readStudyFile,
  type StudyFile,
  settingsOf,
  writeStudyFile,
} from "./file.ts";

export interface Cell {
  /** "criteo-fm"; empty where the study is one comparison. */
  readonly name: string;
  /** "criteo/fm", as a study file calls it. */
  readonly label: string;
  readonly open: OpenRun;
}

export interface CellOptions extends Omit<RunOptions, "data" | "model"> {
  readonly data?: string[];
  readonly model?: string[];
  /** Cells to open, "criteo/fm" or "criteo/*"; undefined: all. */
  readonly cells?: string[];
}

/** The study that was asked for: of a file, of several datasets or models that were typed, or of a folder that holds one. */
export function studyOf(options: CellOptions): StudyFile | undefined {
  const { config, data = [], model = [], run } = options;
  const there = join(run, STUDY);
  const several = data.length > 1 || model.length > 1;
  const ofFile = config !== undefined && isStudyFile(config);
  if (ofFile && (data.length > 0 || model.length > 0)) {
    throw new UsageError(`--config ${config} names data and models; leave --data and --model out.`);
  }
  if (ofFile) return readStudyFile(config);
  if (several) return typedStudy(options);
  return existsSync(there) && data.length === 0 && model.length === 0 ? readStudyFile(there) : undefined;
}

function typedStudy({ data = [], model = [] }: CellOptions): StudyFile {
  if (data.length === 0) throw new UsageError("no data was named; give --data (dataset folders or logs).");
  if (model.length === 0)
    throw new UsageError("no model was named; give --model (one or several, between commas).");
  const labels = data.map((path) => fileName(basename(resolve(path)).replace(/(\.[A-Za-z]+)+$/, "")));
  const twice = labels.find((name, i) => labels.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UsageError(`--data names two sets "${twice}"; give them labels in a study file (--config).`);
  }
  return {
    data: Object.fromEntries(labels.map((name, i) => [name, resolve(data[i]!)])),
    models: Object.fromEntries(model.map((kind) => [kind, { kind }])),
    train: {},
    cells: {},
  };
}

/** Opens every cell, which locks its folder; what is there must have the same settings. On an error none stays open. */
export async function openCells(
  context: Context,
  options: CellOptions,
  study: StudyFile | undefined,
): Promise<Cell[]> {
  const { data, model, cells: only, ...rest } = options;
  if (!study) {
    const open = await openRun(context, { ...rest, data: data?.[0], model: model?.[0] }, "comparison", {
      fresh: false,
    });
    return [{ name: "", label: "", open: comparable(open) }];
  }
  if (!existsSync(options.run)) context.onFailure(() => removeEmpty(options.run));
  const wanted = cellFilter(study, only);
  const cells: Cell[] = [];
  const { config: _, ...typed } = rest;
  const among = Object.values(study.models).map(({ kind }) => kind);
  try {
    for (const [dataLabel, path] of Object.entries(study.data)) {
      const models = Object.keys(study.models).filter((model) => wanted(`${dataLabel}/${model}`));
      if (models.length === 0) continue;
      const data = await openData(context, path, cacheOf(options.run));
      for (const modelLabel of models) {
        const label = `${dataLabel}/${modelLabel}`;
        const ground = { ...settingsOf(study, label), seed: 1, source: `the study's ${label}` };
        const name = `${dataLabel}-${modelLabel}`;
        const run = join(options.run, name);
        const open = await openRun(context, { ...typed, run, among }, "comparison", {
          ...{ fresh: false, ground, data },
        });
        cells.push({ name, label, open: comparable(open) });
      }
    }
  } catch (reason) {
    for (const { open } of cells) open.run.close();
    throw reason;
  }
  return cells;
}

/** Keeps the study in its folder, with the settings that options went over, so that it goes on without being told again. */
export function keepStudy(run: string, study: StudyFile, opened: readonly Cell[]): void {
  const cells = opened.map(({ label, open: { model, train } }) => [label, { model, train }] as const);
  const own = JSON.parse(JSON.stringify(Object.fromEntries(cells))) as StudyFile["cells"];
  // last, because a later pattern goes over an earlier one
  const others = Object.entries(study.cells).filter(([label]) => !(label in own));
  writeStudyFile(join(run, STUDY), { ...study, cells: { ...Object.fromEntries(others), ...own } });
}

/** Which cells `only` names. Throws UsageError for one that names none. */
function cellFilter(study: StudyFile, only: readonly string[] | undefined): (label: string) => boolean {
  if (!only) return () => true;
  const all = labelsOf(study);
  const nothing = only.find((pattern) => !all.some((label) => matches(pattern, label)));
  if (nothing !== undefined) {
    throw new UsageError(`--cells: "${nothing}" is no cell of the study; they are ${all.join(", ")}.`);
  }
  return (label) => only.some((pattern) => matches(pattern, label));
}

function removeEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

function comparable(open: OpenRun): OpenRun {
  if (baseDim(open.model) > 0) return open;
  throw new UsageError(
    `model "${open.model.kind}" has no embeddings to size, so there is nothing to compare; use fm, dnn, widedeep, deepfm or dlrm.`,
  );
}
