/**
 * Which of the packed trials the comparison of all methods consists of: other studies are packed too, and rows of settings that were given up.
 *   bun benchmarks/src/side-by-side/chosen.ts benchmarks/results runs/study/all/CELL ...    takes over what these cells have; places that they lack stay
 */
import { join } from "node:path";
import type { ResultRow } from "@trimtab/eval";
import { readLines, writeLines } from "../json-lines.ts";
import { lastRows } from "../rows.ts";

/** A row by its place in the comparison, and the key of the training that stands there. */
export interface Chosen {
  readonly place: string;
  readonly key: string;
}

const fileIn = (folder: string) => join(folder, "side-by-side.jsonl.gz");

export const placeOf = ({ dataset, model, method, budget, seeds }: ResultRow): string =>
  [dataset, model, method, budget ?? "", seeds.run].join(", ");

export const chosenIn = (folder: string): Map<string, string> =>
  // written below alone
  new Map((readLines(fileIn(folder)) as Chosen[]).map(({ place, key }) => [place, key]));

if (import.meta.main) {
  const [folder, ...cells] = process.argv.slice(2);
  if (!folder || cells.length === 0) {
    console.error("usage: chosen.ts FOLDER RUN_FOLDER ...");
    process.exit(2);
  }
  const chosen = chosenIn(folder);
  for (const row of cells.flatMap(lastRows)) chosen.set(placeOf(row), String(row.config.key));
  const sorted = [...chosen].sort(([a], [b]) => (a < b ? -1 : 1));
  writeLines(
    fileIn(folder),
    sorted.map(([place, key]): Chosen => ({ place, key })),
  );
  console.log(`${fileIn(folder)}: ${sorted.length} rows`);
}
