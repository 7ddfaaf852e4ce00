/** One run folder, read and never locked or changed: a report of a comparison that still runs must not disturb it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Scheme, schemeFromJSON } from "@trimtab/embeddings";
import { parseResultRow, type ResultRow, readResults } from "@trimtab/eval";
import { type RunConfig, RunFolder } from "@trimtab/search-core";
import { z } from "zod";
import { type History, readHistory } from "./asked.ts";
import { ReportError } from "./errors.ts";

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

export interface Source {
  readonly folder: string;
  readonly config: RunConfig;
  readonly rows: readonly SourceRow[];
  readonly notes: readonly SearchNotes[];
  readonly history: History;
  readonly problems: readonly string[];
}

/**
 * Reads a folder that `compare`, `demo` or `train` made.
 *
 * @throws RunFolderError where there is no run; ReportError where its results cannot be read
 */
export function readSource(folder: string): Source {
  const config = RunFolder.configOf(folder);
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
  return { folder, config, rows, notes, history: readHistory(join(path, "events.jsonl")), problems };
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
