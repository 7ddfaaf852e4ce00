/** From run folders to a report. */
import type { ResultRow } from "@trimtab/eval";
import { acrossOf } from "./across.ts";
import { NothingToReport } from "./errors.ts";
import type { Frequencies } from "./frequency.ts";
import { coreBaselines } from "./judge.ts";
import type { Report } from "./model.ts";
import { readSource, runsIn, type Source } from "./source.ts";
import { studyOf } from "./study.ts";

export interface ReportOptions {
  /** Methods that searchers must beat: those of search-core unless given. Everything else but "base" is a searcher. */
  readonly baselines?: readonly string[];
  /** How often ids occur, from `readFrequencies`; without it the report shows ids by their rank. */
  readonly frequencies?: Frequencies;
}

/**
 * Reads finished and half done comparisons. Folders with the same data, base model and training settings become one study, unless
 * both have the same method at the same budget and seed: those could differ in settings of the method, and stay apart.
 *
 * A folder with a study.json instead of a run stands for the runs in its sub-folders.
 *
 * @throws NothingToReport where no folder has a row, RunFolderError where there is no run
 */
export function readReport(
  folders: readonly string[],
  { baselines = coreBaselines, frequencies = new Map() }: ReportOptions = {},
): Report {
  const sources = folders.flatMap(runsIn).map(readSource);
  const full = sources.filter(({ rows }) => rows.length > 0);
  if (full.length === 0) {
    throw new NothingToReport(
      `${folders.join(", ")}: no training is finished, so there is nothing to report; run the comparison on and report again.${sources.map(whyEmpty).join("")}`,
    );
  }
  const groups: Source[][] = [];
  for (const source of full) {
    const group = groups.find((others) => others.every((other) => together(other, source)));
    if (group) group.push(source);
    else groups.push([source]);
  }
  const order = askedOrder(full);
  const studies = groups.map((group, i) =>
    studyOf(group, { id: `study-${i + 1}`, baselines, frequencies, order }),
  );
  const empty = sources.filter(({ rows }) => rows.length === 0);
  const [first, ...rest] = studies;
  const remarks = empty.map(
    (source) => `${source.folder}: no training is finished there yet.${whyEmpty(source)}`,
  );
  return {
    version: 1,
    created: new Date().toISOString(),
    synthetic: studies.some(({ synthetic }) => synthetic),
    studies: [{ ...first!, remarks: [...first!.remarks, ...remarks] }, ...rest],
    across: acrossOf(studies),
  };
}

/** What went wrong in a folder that has no row to show it beside. */
function whyEmpty({ history: { failed } }: Source): string {
  return failed.map(({ method, seed, message }) => ` ${method} (seed ${seed}) failed: ${message}`).join("");
}

/** One order for all studies of a page: methods as the last command of each folder named them, then others in order of appearance. */
function askedOrder(sources: readonly Source[]): string[] {
  const asked = sources.flatMap(({ history }) => history.asked.methods ?? []);
  const seen = sources.flatMap(({ rows }) => rows.map(({ row }) => row.method));
  return [...new Set([...asked, ...seen])];
}

function together(a: Source, b: Source): boolean {
  const names = ({ rows }: Source) =>
    new Set(rows.filter(({ row }) => row.method !== "base").map(({ row }) => cell(row)));
  const [mine, theirs] = [names(a), names(b)];
  return setting(a) === setting(b) && mine.isDisjointFrom(theirs);
}

const cell = ({ method, budget, seeds }: ResultRow) => JSON.stringify([method, budget, seeds.run]);

/** What numbers must share to be compared. How often checkpoints are written changes no bit of a result. */
function setting({ config: { data, model, train } }: Source): string {
  const { checkpointSeconds: _, ...training } = train;
  return JSON.stringify([data.hash, model, training]);
}
