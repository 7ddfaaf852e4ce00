/** What a search found, kept in the run folder: schemes for `retrain`, notes for people, and both for a later start. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadScheme, saveScheme } from "@trimtab/embeddings";
import { z } from "zod";
import type { Found, SearchResult } from "../searcher.ts";
import { readJson } from "./files.ts";
import { fileName, type RunFolder } from "./run-folder.ts";

export const savedSearchSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of what fixes the search. */
  key: z.string(),
  method: z.string(),
  /** The searcher's configuration, defaults filled in. */
  config: z.json(),
  seed: z.int().nonnegative(),
  /** Seconds of the search itself, and of the base model where the search needed one. */
  seconds: z.number().nonnegative(),
  baseSeconds: z.number().nonnegative(),
  /** Budgets in order, with the scheme file of each (in schemes/). */
  found: z.array(z.strictObject({ budget: z.string(), scheme: z.string() })),
  /** False if retraining starts from weights that the search holds in memory. */
  whole: z.boolean(),
  notes: z.record(z.string(), z.json()),
});

const notesOf = (run: RunFolder, name: string) => join(run.path, "notes", `${fileName(name)}.json`);

export type SavedSearch = Readonly<z.output<typeof savedSearchSchema>>;

/** Writes schemes/ and notes/ of a search. `name` tells it from others of the run. */
export function storeSearch(
  run: RunFolder,
  name: string,
  facts: {
    readonly key: string;
    readonly seed: number;
    readonly config: unknown;
    readonly baseSeconds: number;
    readonly result: SearchResult;
    /** What scheme files are called before their budget; the search's name when left out. */
    readonly schemes?: string;
    /** What an earlier search of the same kind found, for budgets that this one was not asked. */
    readonly earlier?: SavedSearch["found"];
  },
): SavedSearch {
  const { result, earlier = [], schemes = name } = facts;
  if (earlier.length === 0) forget(run, name);
  const found = result.found.map(({ budget, scheme }) => {
    const file = `${schemes}-${fileName(budget)}`;
    saveScheme(run.schemeFile(file), scheme);
    return { budget, scheme: file };
  });
  const saved = savedSearchSchema.parse({
    version: 1,
    key: facts.key,
    method: result.searcher,
    config: JSON.parse(JSON.stringify(facts.config)),
    seed: facts.seed,
    seconds: result.seconds,
    baseSeconds: facts.baseSeconds,
    found: [...found, ...earlier.filter((e) => found.every((f) => f.budget !== e.budget))],
    whole: result.found.every((f) => !f.prepare && !f.trained),
    notes: JSON.parse(JSON.stringify(result.notes)),
  });
  // last, so that notes never speak of a scheme that is not there
  run.writeNotes(name, saved);
  return saved;
}

/** Schemes of one search under the notes of another would be taken for that one's. */
function forget(run: RunFolder, name: string): void {
  rmSync(notesOf(run, name), { force: true });
}

/** Writes a search that another run made into this one, as `storeSearch` wrote it there. */
export function adoptSearch(
  run: RunFolder,
  name: string,
  { saved, found }: { readonly saved: SavedSearch; readonly found: readonly Found[] },
): void {
  forget(run, name);
  for (const [i, { scheme }] of saved.found.entries()) saveScheme(run.schemeFile(scheme), found[i]!.scheme);
  run.writeNotes(name, saved);
}

/** A search that was stored, if it has this key and everything it found is in files. */
export function recallSearch(
  run: RunFolder,
  name: string,
  key: string,
): { found: readonly Found[]; saved: SavedSearch } | undefined {
  const recalled = recallSearchByName(run, name);
  return recalled?.saved.key === key && recalled.saved.whole ? recalled : undefined;
}

/** A search that was stored, whatever it was asked. Throws RunFolderError and SchemeFormatError for damaged files. */
export function recallSearchByName(
  run: RunFolder,
  name: string,
): { found: readonly Found[]; saved: SavedSearch } | undefined {
  const path = notesOf(run, name);
  if (!existsSync(path)) return undefined;
  const saved = readJson(path, savedSearchSchema);
  const found = saved.found.map(({ budget, scheme }) => ({
    budget,
    scheme: loadScheme(run.schemeFile(scheme)),
  }));
  return { found, saved };
}
