/** Cells (a dataset and a model) of the comparison of all methods, from run folders or from packed trials. */
import type { ResultRow } from "@trimtab/eval";
import { hasTrials, readTrials, trialsIn } from "../packed-trials.ts";
import { lastRows } from "../rows.ts";
import { chosenIn, placeOf } from "./chosen.ts";

export interface Cell {
  readonly dataset: string;
  readonly model: string;
  readonly rows: readonly ResultRow[];
}

const DATASETS = ["planted-80k", "criteo-80k", "frappe-x1", "movielens-1m"];
const KINDS = ["fm", "deepfm", "dlrm"];

/** `place`: a run folder, or the folder of packed trials, whose cells come in the order of the docs. */
export function cellsOf(place: string): Cell[] {
  if (hasTrials(place)) {
    return packedCells(place).sort((a, b) => orderOf(a) - orderOf(b));
  }
  const rows = lastRows(place);
  return [{ dataset: rows[0]!.dataset, model: rows[0]!.model, rows }];
}

export const kindOf = (model: string): string => model.split(" ")[0]!;

const orderOf = ({ dataset, model }: Cell): number =>
  DATASETS.indexOf(dataset) * KINDS.length + KINDS.indexOf(kindOf(model));

function packedCells(folder: string): Cell[] {
  const chosen = chosenIn(folder);
  const rows = readTrials(folder).filter((row) => chosen.get(placeOf(row)) === row.config.key);
  const there = new Set(rows.map(placeOf));
  for (const place of chosen.keys())
    if (!there.has(place))
      throw new Error(`${trialsIn(folder)} lacks the training that is chosen for: ${place}`);
  if (rows.length > there.size)
    throw new Error(`${trialsIn(folder)} has trainings of several devices for one place`);
  const cells = Map.groupBy(rows, ({ dataset, model }) => `${dataset}, ${model}`);
  return [...cells.values()].map((list) => ({
    dataset: list[0]!.dataset,
    model: list[0]!.model,
    rows: list,
  }));
}
