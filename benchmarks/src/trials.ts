/**
 * Finished trainings as one file that goes from machine to machine: every row of the comparisons, without its scheme.
 *   bun benchmarks/src/trials.ts pack benchmarks/results/trials.jsonl.gz runs/study    adds what the comparisons below have finished
 *   bun benchmarks/src/trials.ts unpack benchmarks/results/trials.jsonl.gz runs/study/trials    into a cache that `compare` asks
 * Searches are run again where they are needed: with the same seed they find the same scheme, and its training is known by it.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseResultRow, type ResultRow, readResults } from "@trimtab/eval";
import { TrialCache } from "@trimtab/search-core";
import { readLines, writeLines } from "./json-lines.ts";

const [task, file, ...places] = process.argv.slice(2);
if (!file || places.length === 0 || (task !== "pack" && task !== "unpack")) {
  console.error("usage: trials.ts pack FILE RUN_FOLDER ... | trials.ts unpack FILE CACHE_FOLDER");
  process.exit(2);
}

/** What gives the same bits, as `sameBits` names a device. */
const deviceOf = ({ engine, adapter }: ResultRow) => (engine === "cpu" ? "cpu" : `${engine}: ${adapter}`);
const keyOf = (row: ResultRow) => String(row.config.key);
const nameOf = (row: ResultRow) =>
  JSON.stringify([row.dataset, row.model, row.method, row.budget, row.seeds.run, keyOf(row), deviceOf(row)]);

function readPacked(path: string): ResultRow[] {
  return readLines(path).map((row, i) => parseResultRow(row, `line ${i + 1} of ${path}`));
}

/** results.jsonl files below a folder. */
function resultsBelow(folder: string, depth = 3): string[] {
  const own = join(folder, "results.jsonl");
  if (existsSync(own)) return [own];
  if (depth === 0) return [];
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inside.flatMap(({ name }) => resultsBelow(join(folder, name), depth - 1));
}

if (task === "pack") {
  const rows = new Map(readPacked(file).map((row) => [nameOf(row), row]));
  const before = rows.size;
  for (const path of places.flatMap((folder) => resultsBelow(folder))) {
    for (const row of readResults(path).rows) {
      const { scheme: _, ...config } = row.config;
      // where a dataset lay on the machine says nothing elsewhere
      const command = row.command.replace(/(\s|^)\/\S*\/([^/\s]+)/g, "$1$2");
      if (!rows.has(nameOf(row))) rows.set(nameOf(row), { ...row, command, config });
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  writeLines(file, sorted);
  console.log(`${file}: ${rows.size} rows, ${rows.size - before} of them new`);
} else {
  const rows = readPacked(file);
  for (const row of rows) new TrialCache(places[0]!, deviceOf(row)).keepRow(keyOf(row), row);
  console.log(`${places[0]}: ${rows.length} rows`);
}
