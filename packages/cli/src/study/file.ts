/** A study file: datasets, models, methods, budgets and seeds that are compared as one study. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { parseConfig, writeJson } from "@trimtab/search-core";
import { z } from "zod";
import { UsageError } from "../parts/errors.ts";

const LABEL = /^[A-Za-z0-9._+-]+$/;

/** Some values by label. */
function labelled<S extends z.ZodType>(value: S, what: string) {
  return z
    .record(z.string(), value)
    .refine((all) => Object.keys(all).length > 0, `name one ${what} or more`)
    .refine((all) => Object.keys(all).every((name) => LABEL.test(name)), {
      error: "a label has letters, digits and . _ + - only",
    });
}

const settings = z.record(z.string(), z.json());

export const studyFileSchema = z.strictObject({
  /** Dataset folders, or logs that `prepare` knows, by a label; relative to the file. */
  data: labelled(z.string(), "dataset"),
  /** Base models by a label: { "fm": { "kind": "fm", "dim": 16 } }. */
  models: labelled(z.looseObject({ kind: z.string() }), "model"),
  /** Training settings of all. */
  train: settings.default({}),
  /**
   * What is different for one dataset with one model, or with * for all: { "criteo/fm": { "model": { "tableL2": 1e-3 }, "train": {
   * "batch": 1024 } } }. Later ones go over earlier ones.
   */
  cells: z
    .record(z.string(), z.strictObject({ model: settings.default({}), train: settings.default({}) }))
    .default({}),
  /** Methods to compare, with their configurations. */
  methods: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  budgets: z.array(z.string()).optional(),
  seeds: z.array(z.int().nonnegative()).optional(),
  /** Modules of searchers that are not Trimtab's own; paths relative to the file. */
  searchers: z.array(z.string()).optional(),
});

type Settings = Readonly<Record<string, unknown>>;
export type StudyFile = z.output<typeof studyFileSchema>;

/** True if a --config file is of a study, not of a single comparison. */
export function isStudyFile(path: string): boolean {
  const json = parsed(path);
  return typeof json === "object" && json !== null && ("models" in json || "data" in json);
}

/** Reads a study file; its paths become absolute. Throws UsageError and ConfigError that name the file and the key. */
export function readStudyFile(path: string): StudyFile {
  const file = parseConfig(studyFileSchema, parsed(path), path);
  const from = dirname(resolve(path));
  const absolute = (at: string) => (isAbsolute(at) ? at : resolve(from, at));
  const labels = labelsOf(file);
  const nothing = Object.keys(file.cells).find((pattern) => !labels.some((label) => matches(pattern, label)));
  if (nothing !== undefined) {
    throw new UsageError(
      `${path}: cells: "${nothing}" is no dataset and model of the study; write it as one of ` +
        `${Object.keys(file.data).join(", ")}, a slash, and one of ${Object.keys(file.models).join(", ")}, with * for all.`,
    );
  }
  const data = Object.fromEntries(Object.entries(file.data).map(([name, at]) => [name, absolute(at)]));
  // a bare name is a package
  const searchers = file.searchers?.map((at) => (at.startsWith(".") ? absolute(at) : at));
  return { ...file, data, ...(searchers ? { searchers } : {}) };
}

/** Labels of all cells: "criteo/fm". */
export function labelsOf({ data, models }: Pick<StudyFile, "data" | "models">): string[] {
  return Object.keys(data).flatMap((d) => Object.keys(models).map((m) => `${d}/${m}`));
}

/** True if "criteo/*" means the cell. */
export function matches(pattern: string, label: string): boolean {
  const [words, names] = [pattern.split("/"), label.split("/")];
  return words.length === 2 && words.every((word, i) => word === "*" || word === names[i]);
}

/** Settings of one cell: those of all, and over them those that are its own. */
export function settingsOf(file: StudyFile, label: string): { model: Settings; train: Settings } {
  const own = Object.entries(file.cells).filter(([pattern]) => matches(pattern, label));
  const model = file.models[label.split("/")[1]!];
  return {
    model: Object.assign({}, model, ...own.map(([, cell]) => cell.model)),
    train: Object.assign({}, file.train, ...own.map(([, cell]) => cell.train)),
  };
}

/** Writes a study file, whole or not at all. */
export function writeStudyFile(path: string, file: StudyFile): void {
  writeJson(path, file);
}

function parsed(path: string): unknown {
  if (!existsSync(path)) throw new UsageError(`--config ${path}: there is no such file; check the path.`);
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (reason) {
    throw new UsageError(`--config ${path}: is not JSON (${(reason as Error).message}); mend the file.`);
  }
}
