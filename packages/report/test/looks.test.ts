// A method looks the same on every page, whatever else is there; two on one page never look alike.
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { shippedLooks } from "../src/index.ts";
import { looksOf } from "../src/looks.ts";
import type { Study } from "../src/model.ts";
import { dims, rowOf } from "./rows.ts";

/** A study with these methods; a label is written "label=method". */
function studyOf(names: readonly string[]): Pick<Study, "methods" | "rows"> {
  const parts = names.map((name) => name.split("="));
  const scheme = dims(1, 1, 1);
  return {
    methods: parts.map(([name]) => ({ name: name!, kind: "searcher" })),
    rows: parts.map(([name, use]) =>
      rowOf({ method: name!, budget: "10%", seed: 1, auc: 0.7, scheme, search: use ? { use } : {} }),
    ),
  };
}

const shipped = Object.keys(shippedLooks);
const others = ["mine", "pep-a=pep", "pep-b=pep", "sseds-a=sseds", "constructor", "x1", "x2", "x3", "x4"];

test("no two methods of Trimtab share a colour, and the base model has its own", () => {
  expect(new Set(Object.values(shippedLooks).map(({ color }) => color)).size).toBe(shipped.length);
});

test("law: names of ours are fixed, all are told apart, in one study or in several", () => {
  law(
    fc.property(fc.shuffledSubarray([...shipped, ...others]), fc.nat(), (names, cut) => {
      const at = cut % (names.length + 1);
      const looks = looksOf([studyOf(names.slice(0, at)), studyOf(names.slice(at))]);
      for (const [name, look] of Object.entries(shippedLooks)) {
        if (names.includes(name)) expect(looks[name]).toEqual(look);
      }
      const drawn = Object.values(looks).map(({ color, symbol }) => `${color} ${symbol}`);
      expect(drawn).toHaveLength(names.length);
      expect(new Set(drawn).size).toBe(names.length);
    }),
  );
});

test("colours are shared only where none is left", () => {
  const colors = (names: readonly string[]) =>
    Object.values(looksOf([studyOf(names)])).map(({ color }) => color);
  expect(new Set(colors([...shipped, "mine"])).size).toBe(shipped.length + 1);
  expect(looksOf([studyOf([...shipped, "mine"])]).mine!.color).toBe("m4");
  const few = ["sseds", "x1", "x2", "x3"];
  expect(new Set(colors(few)).size).toBe(few.length);
});

test("a label looks like its method where that is not there too", () => {
  expect(looksOf([studyOf(["pep-a=pep", "sseds"])])["pep-a"]).toEqual(shippedLooks.pep!);
  const both = looksOf([studyOf(["pep-a=pep", "pep"])]);
  expect(both.pep).toEqual(shippedLooks.pep!);
  expect(both["pep-a"]).not.toEqual(shippedLooks.pep!);
});
