// A label is what the method behind it is: a baseline under another name is still what searchers are judged beside.
import { expect, test } from "bun:test";
import { perField, uniform } from "@trimtab/embeddings";
import { judge, verdictLines } from "../src/index.ts";
import { DIM, FIELDS, rowOf } from "./rows.ts";

const scheme = perField(FIELDS, [2, 2, 2], { base: DIM, projection: "positions" });
const rows = [1, 2, 3].flatMap((seed) => [
  rowOf({ method: "base", budget: null, seed, auc: 0.75, scheme: uniform(FIELDS, DIM) }),
  rowOf({ method: "pep-faithful", budget: "25%", seed, auc: 0.74, scheme, search: { use: "pep" } }),
  rowOf({ method: "modulo", budget: "25%", seed, auc: 0.72, scheme, search: { use: "hashed-rows" } }),
  rowOf({ method: "smaller-dim", budget: "25%", seed, auc: 0.71, scheme, search: {} }),
]);

test("labels of searchers are judged beside labels of baselines", () => {
  const [one, ...others] = judge(rows);
  expect(others).toEqual([]);
  expect(one!.method).toBe("pep-faithful");
  expect([...one!.better, ...one!.level, ...one!.worse].map(({ other }) => other).sort()).toEqual([
    "modulo",
    "smaller-dim",
  ]);
  const { pairs } = verdictLines(rows);
  expect(pairs.length).toBe(3);
  expect(pairs.every((line) => line.startsWith("pep-faithful at 25%"))).toBe(true);
});
