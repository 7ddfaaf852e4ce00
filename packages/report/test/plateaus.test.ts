// A training whose learning rate fell long before the base model's is named, with its seed.
import { expect, test } from "bun:test";
import type { ResultRow } from "@trimtab/eval";
import { inOrder, plateauRemark } from "../src/index.ts";
import { rowOf, threeSeeds } from "./rows.ts";

/** `threeSeeds` with the epochs that each had its full rate. */
const rowsWith = (epochs: (row: ResultRow) => number | undefined): ResultRow[] =>
  inOrder(threeSeeds().map(rowOf), (row) => row).map((row) => ({
    ...row,
    config: { ...row.config, fullRateEpochs: epochs(row) ?? null },
  }));

test("fewer than half the base model's epochs at the full rate, by method, budget and seed", () => {
  const epochs = ({ method, budget, seeds }: ResultRow) => {
    if (method === "base") return [11, 12, 13][seeds.run! - 1]!;
    if (method === "pep" && budget === "10%") return seeds.run === 2 ? 6 : 5;
    return method === "sseds" && budget === "50%" && seeds.run === 2 ? 1 : 12;
  };
  const remark = plateauRemark(rowsWith(epochs))!;
  expect(remark).toContain("half the 12 epochs");
  expect(remark).toContain(": sseds at 50% (seed 2); pep at 10% (seed 1, 3). ");
  expect(remark).toContain("--min-epochs 12 ");
});

test("nothing is said where no training is early, the base's own rate falls at once, or rows do not know", () => {
  expect(plateauRemark(rowsWith(({ method }) => (method === "base" ? 12 : 6)))).toBeUndefined();
  expect(plateauRemark(rowsWith(({ method }) => (method === "base" ? 3 : 1)))).toBeUndefined();
  expect(plateauRemark(rowsWith(() => undefined))).toBeUndefined();
  expect(plateauRemark(rowsWith(({ method }) => (method === "base" ? undefined : 1)))).toBeUndefined();
  expect(plateauRemark([])).toBeUndefined();
});
