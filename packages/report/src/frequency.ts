/** How often each id occurs in the training split, from the dataset folders that the runs name, where these are still there. */
import { openDataset } from "@trimtab/data";
import { readRun, runsIn } from "./source.ts";

/** Rows of the training split in which each id of a field occurs, a list a field in the order of the schemes; 0 where nobody counted. */
export type Occurrences = readonly Uint32Array[];

/** By dataset hash. */
export type Frequencies = ReadonlyMap<string, Occurrences>;

/**
 * Counts of every dataset that the folders' runs were trained on. One that was moved, altered or cannot be read is left out: a report
 * then shows ids by their rank alone.
 *
 * @throws RunFolderError where there is no run, NothingToReport where a study has none
 */
export async function readFrequencies(folders: readonly string[]): Promise<Frequencies> {
  const found = new Map<string, Occurrences>();
  for (const { data } of folders.flatMap(runsIn).map(({ folder }) => readRun(folder))) {
    if (found.has(data.hash)) continue;
    const dataset = await openDataset(data.folder, { verify: "size" }).catch(() => undefined);
    if (dataset?.hash !== data.hash) continue;
    const counts = await dataset.occurrences().catch(() => undefined);
    if (counts) found.set(data.hash, counts);
  }
  return found;
}
