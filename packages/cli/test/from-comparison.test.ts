// A comparison keeps schemes, not models: the guide says how the model of a row is made again, and this holds it to that.
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { readResults } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";

setDefaultTimeout(120_000);

// dims and masks that depend on the other budgets asked for
const METHODS = ["sseds", "pep"];

test("a row's model, from its scheme and seed, to the bit", async () => {
  const cwd = freshFolder();
  const data = ["--data", await dataset(), ...QUICK];
  const asked = ["--methods", METHODS.join(), "--budgets", "60%,40%", "--seeds", "2", "--jobs", "1"];
  await must(["compare", ...data, ...asked, "--no-field-worth", "--run", "c"], { cwd });
  const { rows } = readResults(join(cwd, "c", "results.jsonl"));
  const found = (of: string, budget: string | null) =>
    rows.find((row) => row.method === of && row.budget === budget)!.metrics.test;

  const refused = await trimtab(["evaluate", "--run", "c"], { cwd });
  expect(refused.err).toContain("retrain --scheme");

  await must(["train", ...data, "--seed", "2", "--run", "m"], { cwd });
  for (const method of METHODS)
    await must(["retrain", "--run", "m", "--scheme", `c/schemes/${method}-seed-2-40%.json`], { cwd });
  const { out } = await must(["evaluate", "--run", "m", "--baseline", "--json"], { cwd });
  const { models } = JSON.parse(out) as { models: { name: string; metrics: unknown }[] };
  const again = new Map(models.map(({ name, metrics }) => [name, metrics]));
  expect(again.get("base")).toEqual(found("base", null));
  for (const method of METHODS)
    expect(again.get(`scheme-${method}-seed-2-40%`)).toEqual(found(method, "40%"));
});
