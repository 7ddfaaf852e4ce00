/**
 * Finished trainings and searches as files that go from machine to machine.
 *   bun benchmarks/src/trials.ts pack benchmarks/results runs/study            adds what the comparisons below have finished
 *   bun benchmarks/src/trials.ts unpack benchmarks/results runs/study/trials   into a cache that `compare` asks
 * `trials/` has every row, without its scheme, a file a dataset; `searches.jsonl.gz` every search that found dims of fields. A search that found masks, which
 * would be megabytes, is run again where it is needed: with the same seed it finds the same, and its training is known by it.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { schemeFromJSON } from "@trimtab/embeddings";
import { type ResultRow, readResults } from "@trimtab/eval";
import { RunFolder, recallSearchByName, type SavedSearch, TrialCache } from "@trimtab/search-core";
import { readLines, writeLines } from "./json-lines.ts";
import { readTrials, trialsIn, writeTrials } from "./packed-trials.ts";

const [task, folder, ...places] = process.argv.slice(2);
if (!folder || places.length === 0 || (task !== "pack" && task !== "unpack")) {
  console.error("usage: trials.ts pack FOLDER RUN_FOLDER ... | trials.ts unpack FOLDER CACHE_FOLDER");
  process.exit(2);
}
const searchFile = join(folder, "searches.jsonl.gz");

interface PackedSearch {
  readonly device: string;
  readonly saved: SavedSearch;
  /** In the order of `saved.found`. */
  readonly schemes: readonly unknown[];
}

const WHOLE_FIELDS = ["uniform", "per-field", "hashed"];

/** What gives the same bits, as `sameBits` names a device. */
const deviceOf = ({ engine, adapter }: ResultRow) => (engine === "cpu" ? "cpu" : `${engine}: ${adapter}`);
const keyOf = (row: ResultRow) => String(row.config.key);
const nameOf = (row: ResultRow) =>
  JSON.stringify([row.dataset, row.model, row.method, row.budget, row.seeds.run, keyOf(row), deviceOf(row)]);
const nameOfSearch = ({ device, saved: { method, seed, key } }: PackedSearch) =>
  JSON.stringify([method, seed, key, device]);

// written below alone; what a search is asked for is checked where it is read from the cache
const packedSearches = () => readLines(searchFile) as PackedSearch[];

/** Folders with a results.jsonl, at most `depth` below. */
function cellsBelow(place: string, depth = 3): string[] {
  if (existsSync(join(place, "results.jsonl"))) return [place];
  if (depth === 0) return [];
  const inside = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inside.flatMap(({ name }) => cellsBelow(join(place, name), depth - 1));
}

function searchesOf(cell: string, device: string): PackedSearch[] {
  const run = RunFolder.share(cell);
  return run.notes().flatMap((name) => {
    const searched = recallSearchByName(run, name);
    if (!searched?.saved.whole) return [];
    const { saved, found } = searched;
    if (!found.every(({ scheme }) => WHOLE_FIELDS.includes(scheme.kind))) return [];
    return [{ device, saved, schemes: found.map(({ scheme }) => scheme.toJSON()) }];
  });
}

/** What there is and more, in order. */
function added<T>(
  place: string,
  what: string,
  [old, more]: readonly (readonly T[])[],
  name: (one: T) => string,
) {
  const all = new Map([...old!, ...more!].map((one) => [name(one), one]));
  console.log(`${place}: ${all.size} ${what}, ${all.size - old!.length} of them new`);
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

if (task === "pack") {
  const rows: ResultRow[] = [];
  const searches: PackedSearch[] = [];
  for (const cell of places.flatMap((place) => cellsBelow(place))) {
    const { rows: inside, problems } = readResults(join(cell, "results.jsonl"));
    for (const { message } of problems) console.error(message);
    for (const row of inside) {
      const { scheme: _, ...config } = row.config;
      // where a dataset lay on the machine says nothing elsewhere
      const command = row.command.replace(/(\s|^)\/\S*\/([^/\s]+)/g, "$1$2");
      rows.push({ ...row, command, config });
    }
    // which device a search ran on is not written down: its rows tell, where they agree
    const devices = [...new Set(inside.map(deviceOf))];
    if (devices.length === 1) searches.push(...searchesOf(cell, devices[0]!));
  }
  writeTrials(folder, added(trialsIn(folder), "rows", [readTrials(folder), rows], nameOf));
  writeLines(searchFile, added(searchFile, "searches", [packedSearches(), searches], nameOfSearch));
} else {
  const rows = readTrials(folder);
  for (const row of rows) new TrialCache(places[0]!, deviceOf(row)).keepRow(keyOf(row), row);
  const searches = packedSearches();
  for (const { device, saved, schemes } of searches) {
    const found = saved.found.map(({ budget }, i) => ({
      budget,
      scheme: schemeFromJSON(schemes[i], `${searchFile}, ${saved.method}, seed ${saved.seed}`),
    }));
    new TrialCache(places[0]!, device).keepSearch(saved.key, saved, found);
  }
  console.log(`${places[0]}: ${rows.length} rows, ${searches.length} searches`);
}
