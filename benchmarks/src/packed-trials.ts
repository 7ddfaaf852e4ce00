/** Rows of finished trainings in files, one a dataset: FOLDER/trials/criteo-80k.jsonl.gz. All in one would be larger than a repository should hold. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseResultRow, type ResultRow } from "@trimtab/eval";
import { readLines, writeLines } from "./json-lines.ts";

const ENDING = ".jsonl.gz";

export const trialsIn = (folder: string): string => join(folder, "trials");

export const hasTrials = (folder: string): boolean => existsSync(trialsIn(folder));

/** All rows, those of a dataset in the order of its file; none where there are no files. */
export function readTrials(folder: string): ResultRow[] {
  if (!hasTrials(folder)) return [];
  const names = readdirSync(trialsIn(folder)).filter((name) => name.endsWith(ENDING));
  return names.sort().flatMap((name) => {
    const file = join(trialsIn(folder), name);
    return readLines(file).map((row, i) => parseResultRow(row, `line ${i + 1} of ${file}`));
  });
}

/** Writes the files of the rows' datasets anew. */
export function writeTrials(folder: string, rows: readonly ResultRow[]): void {
  for (const [dataset, own] of Map.groupBy(rows, (row) => row.dataset))
    writeLines(join(trialsIn(folder), `${dataset}${ENDING}`), own);
}
