// Trainings that ran in parallel end in any order; a report has one.
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { coreBaselines, inOrder, methodsIn, readReport } from "../src/index.ts";
import { folderOf, rowOf, threeSeeds } from "./rows.ts";

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

test("searchers before baselines; of each those that were asked for in that order, then the others as they came", () => {
  const names = (asked?: readonly string[]) => methodsIn(all, coreBaselines, asked).map(({ name }) => name);
  expect(names()).toEqual(["base", "sseds", "pep", "smaller-dim"]);
  expect(names(["smaller-dim", "pep", "not-there"])).toEqual(["base", "pep", "sseds", "smaller-dim"]);
  law(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (rows) => {
      const order = methodsIn(rows, coreBaselines, ["smaller-dim", "pep", "sseds"]).map(({ name }) => name);
      expect(order).toEqual(["base", "pep", "sseds", "smaller-dim"]);
      const sorted = inOrder(rows, (row) => row, order);
      expect([...new Set(sorted.map(({ method }) => method))]).toEqual(order);
    }),
  );
});

test("every study of a page has the order of the last command, whatever ended first", () => {
  const asked = (methods: readonly string[]) => ({
    ...{ kind: "asked", budgets: ["50%", "10%"], seeds: [1, 2, 3] },
    methods,
  });
  const events = [asked(["sseds", "pep", "smaller-dim"]), asked(["smaller-dim", "pep", "sseds"])];
  const [one, two] = [threeSeeds(), threeSeeds().reverse()];
  const folders = [
    folderOf({ rows: one, events }),
    folderOf({ rows: two, events, model: { kind: "fm", dim: 16 } }),
    // an old folder that does not know what it was asked for
    folderOf({
      rows: two,
      events: [{ kind: "started", command: "trimtab compare --run c" }],
      model: { kind: "lr" },
    }),
  ];
  const order = ["pep", "sseds", "smaller-dim"];
  const { studies } = readReport(folders);
  expect(studies).toHaveLength(3);
  for (const { methods, points, rows, judgements, stability } of studies) {
    expect(methods.map(({ name }) => name)).toEqual(["base", ...order]);
    for (const lines of [points, rows]) {
      expect([...new Set(lines.map(({ method }) => method))]).toEqual(["base", ...order]);
    }
    expect([...new Set(judgements.map(({ method }) => method))]).toEqual(["pep", "sseds"]);
    expect([...new Set(stability.map(({ method }) => method))]).toEqual(order);
  }
});
