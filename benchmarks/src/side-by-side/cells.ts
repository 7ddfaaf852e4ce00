/** Cells (a dataset and a model) of the comparison of all methods, from run folders or from packed trials. */
import { join } from "node:path";
import { parseResultRow, type ResultRow, readResults } from "@trimtab/eval";
import { readLines } from "../json-lines.ts";

export interface Cell {
  readonly dataset: string;
  readonly model: string;
  readonly rows: readonly ResultRow[];
}

/** Searchers first, then baselines. */
export const METHODS = [
  ...["sseds", "pep", "adass", "fiited"],
  ...["magnitude", "dims-by-size", "random-dims", "row-pruning"],
  ...["smaller-dim", "smaller-dim-projected", "hashed-rows"],
];
const DATASETS = ["planted-80k", "criteo-80k", "frappe-x1", "movielens-1m"];
const BUDGETS = ["50%", "20%", "10%", "5%", "2%"];
const KINDS = ["fm", "deepfm", "dlrm"];

/** `place`: a run folder, or trials.jsonl.gz, whose cells come in the order of the docs. */
export function cellsOf(place: string): Cell[] {
  if (place.endsWith(".gz")) return packedCells(place).sort((a, b) => placeOf(a) - placeOf(b));
  const { rows } = readResults(join(place, "results.jsonl"));
  return [{ dataset: rows[0]!.dataset, model: rows[0]!.model, rows }];
}

export const kindOf = (model: string): string => model.split(" ")[0]!;

const placeOf = ({ dataset, model }: Cell): number =>
  DATASETS.indexOf(dataset) * KINDS.length + KINDS.indexOf(kindOf(model));

/** Other studies are in there too, and rows of settings that were given up: of each method, budget and seed the newest counts. */
function packedCells(file: string): Cell[] {
  const rows = readLines(file).map((row, i) => parseResultRow(row, `line ${i + 1} of ${file}`));
  const cells = new Map<string, Map<string, ResultRow>>();
  for (const row of rows.filter(inStudy)) {
    const cell = JSON.stringify([row.dataset, row.model]);
    const known = cells.get(cell) ?? new Map<string, ResultRow>();
    cells.set(cell, known);
    const name = JSON.stringify([row.method, row.budget, row.seeds.run]);
    const other = known.get(name);
    if (!other || row.date > other.date) known.set(name, row);
  }
  return [...cells.values()]
    .map((known) => [...known.values()])
    .filter((list) => METHODS.every((name) => list.some(({ method }) => method === name)))
    .map((list) => ({ dataset: list[0]!.dataset, model: list[0]!.model, rows: list }));
}

function inStudy({ model, method, budget }: ResultRow): boolean {
  if (!KINDS.includes(kindOf(model))) return false;
  return budget === null ? method === "base" : METHODS.includes(method) && BUDGETS.includes(budget);
}
