// A label renames what a searcher finds and changes nothing else; name and configuration still tell what ran.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  BudgetImpossible,
  type ConformanceSubject,
  conformanceChecks,
  defineSearcher,
  hashedRows,
  labelled,
  ownName,
  smallerDim,
} from "../src/index.ts";
import { openTiny, type Tiny } from "./tiny-task.ts";

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny();
});
afterAll(() => tiny.close());

describe("conformance under a label", () => {
  let subject: ConformanceSubject;
  beforeAll(() => {
    const searcher = (config?: never) => labelled(hashedRows(config), "hashed-modulo");
    subject = { ...tiny, searcher, config: { rule: "modulo" } };
  });
  for (const check of conformanceChecks) test(check.name, () => check.run(subject));
});

test("finds what the searcher finds, under the label", async () => {
  const task = tiny.makeTask({ seed: 1 });
  const plain = hashedRows({ rule: "modulo" });
  const renamed = labelled(plain, "hashed-modulo");
  const [a, b] = await Promise.all([plain, renamed].map((s) => s.search(task, { budgets: ["30%"] })));
  expect(a!.searcher).toBe("hashed-rows");
  expect(b!.searcher).toBe("hashed-modulo");
  expect(b!.found[0]!.scheme.toJSON()).toEqual(a!.found[0]!.scheme.toJSON());
  expect(renamed.config).toEqual({ use: "hashed-rows", floor: 64, rule: "modulo" });
  expect(renamed.cannot(task, "1 B")).toBe(plain.cannot(task, "1 B")!);
  const refused = renamed.search(task, { budgets: ["1 B"] });
  expect(await refused.catch((reason) => reason)).toBeInstanceOf(BudgetImpossible);
  await task.dispose();
});

test("a searcher is told what its results are called, the last label first", async () => {
  const names: string[] = [];
  const told = defineSearcher({
    name: "told",
    config: z.strictObject({}),
    check: () => undefined,
    run: async (task, limits, _config, _emit, name) => {
      names.push(name);
      return smallerDim().search(task, { budgets: limits.map(({ text }) => text) });
    },
  });
  const task = tiny.makeTask({ seed: 1 });
  for (const searcher of [told(), labelled(told(), "a"), labelled(labelled(told(), "a"), "b")]) {
    const { searcher: called } = await searcher.search(task, { budgets: ["50%"] });
    expect(called).toBe(searcher.name);
    expect(ownName(searcher.name, searcher.config)).toBe("told");
  }
  expect(names).toEqual(["told", "a", "b"]);
  await task.dispose();
});

test("without a label a name is its own", () => {
  expect(ownName("pep", { mode: "faithful" })).toBe("pep");
  expect(ownName("pep", undefined)).toBe("pep");
  expect(ownName("pep", { use: 3 })).toBe("pep");
});
