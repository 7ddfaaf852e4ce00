/**
 * A comparison: base model, methods, budgets and seeds on one dataset. Every finished training is a line of results.jsonl at
 * once; a line that is there is not computed again, so a comparison that was killed goes on where it stood, and one that grows
 * (a seed, a method, a budget more) trains only what is new; a method that finds all budgets in one pass searches again for one
 * more. With a cache it asks other runs too.
 *
 * Parts of it (one seed, one method) are independent once the seed's base model is there: processes that share the folder may
 * each do some, and `recall` puts together what they did.
 */
import { existsSync } from "node:fs";
import type { Dataset } from "@trimtab/data";
import { type ResultRow, readResults } from "@trimtab/eval";
import type { ModelConfig } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import type { SearchEvent, Searcher } from "../searcher.ts";
import type { TrainConfig } from "../training/config.ts";
import type { TrainEvent } from "../training/progress.ts";
import { ComparisonWork } from "./comparison-work.ts";
import { fileName, type RunFolder } from "./run-folder.ts";
import type { SavedSearch } from "./saved-search.ts";
import type { TrialCache } from "./trial-cache.ts";

/** A method that cannot meet a budget, and why: shown, not dropped. */
export interface Missing {
  readonly method: string;
  readonly budget: string;
  readonly seed: number;
  readonly reason: string;
}

/** Something that is not computed yet: trainings of a method under a seed, or the base model ("base"). */
export interface Left {
  readonly method: string;
  readonly seed: number;
  /** 0 for a base model without what its fields are worth. */
  readonly trainings: number;
  /** The method's search is to be run as well. */
  readonly search: boolean;
}

export type ComparisonEvent =
  | { readonly kind: "train"; readonly name: string; readonly seed: number; readonly event: TrainEvent }
  | { readonly kind: "search"; readonly method: string; readonly seed: number; readonly event: SearchEvent }
  | { readonly kind: "fields"; readonly seed: number; readonly done: number; readonly total: number }
  | {
      readonly kind: "row";
      readonly row: ResultRow;
      /** Not computed now: a line of this run, or of another one by the cache. */
      readonly known: boolean;
    }
  | ({ readonly kind: "missing" } & Missing);

export interface ComparisonOptions {
  readonly run: RunFolder;
  readonly data: Dataset;
  readonly device: Device;
  readonly model: ModelConfig;
  readonly train: TrainConfig;
  readonly seeds: readonly number[];
  readonly budgets: readonly string[];
  /** None: base models alone. */
  readonly methods: readonly Searcher[];
  /** The command line, for the rows. */
  readonly command: string;
  /** What other runs have trained and searched, and will find of this one. */
  readonly cache?: TrialCache;
  readonly signal?: AbortSignal;
  /** Measure what each field is worth to the base model, for reports; default true. */
  readonly fieldWorth?: boolean;
  /** Keep the checkpoints of every model, not the base models' alone. */
  readonly keep?: boolean;
  readonly onEvent?: (event: ComparisonEvent) => void;
}

export interface Comparison {
  /** In the order seed, method, budget; the base model first. */
  readonly rows: readonly ResultRow[];
  readonly missing: readonly Missing[];
  /** What each search found and learned. */
  readonly searches: readonly SavedSearch[];
  /** Lines of results.jsonl that could not be read. */
  readonly problems: readonly string[];
  /** What `recall` did not find; nothing after `compare`. */
  readonly left: readonly Left[];
}

/** Computes what is not there. Throws Interrupted, and what searching and training throw. */
export async function compare(options: ComparisonOptions): Promise<Comparison> {
  return await run(options, true);
}

/** What is there, of this run and by the cache; computes nothing. Writes result.json, if there are rows. */
export async function recall(options: ComparisonOptions): Promise<Comparison> {
  const comparison = await run(options, false);
  const rows = comparison.rows.map((row) => [nameOf(row), row] as const);
  // a folder without any is one where nothing was done yet
  if (rows.length > 0) options.run.writeRows(Object.fromEntries(rows));
  return comparison;
}

async function run(options: ComparisonOptions, compute: boolean): Promise<Comparison> {
  const file = options.run.resultsFile;
  const before = existsSync(file) ? readResults(file) : { rows: [], problems: [] };
  const work = new ComparisonWork(options, [...before.rows], compute);
  for (const seed of options.seeds) await work.seed(seed);
  const { rows, missing, searches, left } = work;
  return { rows, missing, searches, left, problems: before.problems.map((p) => p.message) };
}

function nameOf({ method, budget, seeds }: ResultRow): string {
  return [method, ...(budget === null ? [] : [budget]), `seed ${seeds.run}`].map(fileName).join("-");
}
