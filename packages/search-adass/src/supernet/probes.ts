/** How good a supernet is, as one number: the mean AUC of paths that are the same after every epoch. */
import { Random } from "@trimtab/data";
import type { Path } from "../path.ts";
import type { Evaluator } from "../search/evaluator.ts";

/** A stream of random numbers of its own, so that no draw repeats another's. */
const PROBES = 0x5b;
/** Random probe paths; the largest path is one more. */
const PROBE_PATHS = 8;

/** Paths whose mean AUC says how good a supernet is: fixed by the seed, drawn evenly, and the largest. */
export function probePaths(fields: number, candidates: number, seed: number): Path[] {
  const random = new Random(seed, PROBES);
  const drawn = Array.from({ length: PROBE_PATHS }, () =>
    Array.from({ length: fields }, () => Math.floor(random.uniform() * candidates)),
  );
  return [...drawn, Array.from({ length: fields }, () => candidates - 1)];
}

/** Mean validation AUC of the paths, by the supernet's weights as they are. */
export async function probe(evaluator: Evaluator, paths: readonly Path[]): Promise<number> {
  let total = 0;
  for (const path of paths) total += await evaluator.auc(path);
  return total / paths.length;
}
