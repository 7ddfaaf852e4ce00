// A comparison keeps schemes, not models: the guide says how the model of a row is made again, and this holds it to that.
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { readResults } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";

setDefaultTimeout(120_000);

// masks, and dims that depend on the other budgets asked for
test.each(["sseds", "pep"])("%s: a row's model, from its scheme and seed, to the bit", async (method) => {
  const cwd = freshFolder();
  const data = ["--data", await dataset(), ...QUICK];
  const asked = ["--methods", method, "--budgets", "60%,40%", "--seeds", "2", "--jobs", "1"];
  await must(["compare", ...data, ...asked, "--no-field-worth", "--run", "c"], { cwd });
  const wanted = (of: string, budget: string | null) =>
    readResults(join(cwd, "c", "results.jsonl")).rows.find(
      (row) => row.method === of && row.budget === budget && row.seeds.run === 2,
    )!.metrics.test;

  const refused = await trimtab(["evaluate", "--run", "c"], { cwd });
  expect(refused.err).toContain("retrain --scheme");

  await must(["train", ...data, "--seed", "2", "--run", "m"], { cwd });
  const scheme = `c/schemes/${method}-seed-2-40%.json`;
  await must(["retrain", "--run", "m", "--scheme", scheme], { cwd });
  const { out } = await must(["evaluate", "--run", "m", "--baseline", "--json"], { cwd });
  const [base, small] = (JSON.parse(out) as { models: { metrics: unknown }[] }).models;
  expect(base!.metrics).toEqual(wanted("base", null));
  expect(small!.metrics).toEqual(wanted(method, "40%"));
});
