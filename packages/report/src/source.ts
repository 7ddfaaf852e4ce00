/** One run folder, read and never locked or changed: a report of a comparison that still runs must not disturb it. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { type Scheme, schemeFromJSON } from "@trimtab/embeddings";
import { parseResultRow, type ResultRow, readResults } from "@trimtab/eval";
import { type DropCosts, type RunConfig, RunFolder, recallDropCosts } from "@trimtab/search-core";
import { z } from "zod";
import { type History, readHistory } from "./asked.ts";
import { NothingToReport, ReportError } from "./errors.ts";

/** What of a search's notes the report shows; searchers write more. */
const notesSchema = z.looseObject({
  method: z.string(),
  seed: z.number(),
  config: z.unknown(),
  notes: z.record(z.string(), z.unknown()),
});

export type SearchNotes = z.output<typeof notesSchema>;

export interface SourceRow {
  readonly row: ResultRow;
  readonly scheme: Scheme;
}

export interface Source extends RunPlace {
  readonly config: RunConfig;
  readonly rows: readonly SourceRow[];
  readonly notes: readonly SearchNotes[];
  /** What each field is worth to the base model, for each seed for which it was measured. */
  readonly dropCosts: readonly DropCosts[];
  readonly history: History;
  readonly problems: readonly string[];
}

/** Marks a folder whose sub-folders are comparisons that were made together. */
const STUDY = "study.json";
const CONFIG = "config.json";

/** Folders in folders that may lie between a study and its comparisons: by dataset, by model. */
const DEPTH = 3;

export interface RunPlace {
  readonly folder: string;
  /** Of the folder; in a study its place there: "criteo/fm". */
  readonly name: string;
}

/** The run folders that `folder` stands for: itself, or of a study the comparisons under it, by name. Throws NothingToReport. */
export function runsIn(folder: string): RunPlace[] {
  const has = (name: string) => existsSync(join(resolve(folder), name));
  if (has(CONFIG) || !has(STUDY)) return [{ folder, name: basename(resolve(folder)) }];
  const runs = comparisonsUnder(folder, DEPTH)
    .map((path) => ({ folder: path, name: relative(folder, path).replaceAll("\\", "/") }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  if (runs.length > 0) return runs;
  throw new NothingToReport(
    `${folder}: is a study in which no comparison has begun, so there is nothing to report; run the study on and report again.`,
  );
}

function comparisonsUnder(folder: string, depth: number): string[] {
  return readdirSync(resolve(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!statSync(resolve(path), { throwIfNoEntry: false })?.isDirectory()) return [];
    if (existsSync(join(resolve(path), CONFIG))) return readRun(path).kind === "comparison" ? [path] : [];
    return depth > 1 ? comparisonsUnder(path, depth - 1) : [];
  });
}

/** What fixed the run in a folder. Throws RunFolderError. */
export const readRun = (folder: string): RunConfig => RunFolder.configOf(folder);

/**
 * Reads a folder that `compare`, `demo` or `train` made.
 *
 * @throws RunFolderError where there is no run; ReportError where its results cannot be read
 */
export function readSource({ folder, name }: RunPlace): Source {
  const config = readRun(folder);
  const path = resolve(folder);
  const problems: string[] = [];
  const rows = readRows(path, folder, problems).flatMap((row): SourceRow[] => {
    try {
      return [{ row, scheme: schemeFromJSON(row.config.scheme, `the scheme of ${row.method}`) }];
    } catch (reason) {
      problems.push(`${said(reason)} Its row is left out.`);
      return [];
    }
  });
  const notes = readNotes(join(path, "notes"), problems);
  const seeds = new Set(rows.flatMap(({ row }) => row.seeds.run ?? []));
  const dropCosts = [...seeds].flatMap((seed) => recallDropCosts(path, seed) ?? []);
  return {
    folder,
    name,
    config,
    rows,
    notes,
    dropCosts,
    history: readHistory(join(path, "events.jsonl")),
    problems,
  };
}

function readRows(path: string, folder: string, problems: string[]): ResultRow[] {
  const lines = join(path, "results.jsonl");
  if (existsSync(lines)) {
    const { rows, problems: found } = readResults(lines);
    problems.push(...found.map(({ message }) => message));
    return rows;
  }
  // a run of `train` and `retrain` keeps its rows by name
  const whole = join(path, "result.json");
  if (!existsSync(whole)) return [];
  try {
    const { rows } = JSON.parse(readFileSync(whole, "utf8")) as { rows: Record<string, unknown> };
    return Object.entries(rows).map(([name, row]) => parseResultRow(row, `${name} in ${whole}`));
  } catch (reason) {
    throw new ReportError(
      `${folder}: result.json cannot be read (${said(reason)}); run the command that made it again.`,
    );
  }
}

function readNotes(folder: string, problems: string[]): SearchNotes[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.sort().flatMap((name) => {
    try {
      return [notesSchema.parse(JSON.parse(readFileSync(join(folder, name), "utf8")))];
    } catch {
      problems.push(`notes/${name} cannot be read; what that search learned is not shown.`);
      return [];
    }
  });
}

const said = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));
