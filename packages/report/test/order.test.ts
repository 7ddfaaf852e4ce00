// Trainings that ran in parallel end in any order; a report has one.
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { inOrder } from "../src/index.ts";
import { rowOf, threeSeeds } from "./rows.ts";

const all = threeSeeds().map(rowOf);

test("base first, budgets from the largest, seeds from the lowest, whatever the order they came in", () => {
  law(
    fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (rows) => {
      const sorted = inOrder(rows, (row) => row);
      expect(new Set(sorted)).toEqual(new Set(rows));
      const methods = [...new Set(rows.map(({ method }) => method))].filter((name) => name !== "base");
      const wanted = [
        { method: "base", budget: null },
        ...methods.flatMap((method) => ["50%", "10%"].map((budget) => ({ method, budget }))),
      ].flatMap((place) =>
        [1, 2, 3].flatMap(
          (seed) =>
            rows.find(
              (row) => row.method === place.method && row.budget === place.budget && row.seeds.run === seed,
            ) ?? [],
        ),
      );
      expect(sorted).toEqual(wanted);
    }),
  );
});
