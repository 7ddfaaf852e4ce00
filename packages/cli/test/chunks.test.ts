// Chunks that come and go while the model trains, from search to evaluation, and beside other methods.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadScheme } from "@trimtab/embeddings";
import { readResults } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";

setDefaultTimeout(120_000);

test.each([
  ["fiited", []],
  // a label: checkpoints of the trained model are called after it too
  ["cold-rows", ["--set", "use=row-pruning"]],
])("%s is searched, its trained model kept and evaluated", async (name, use) => {
  const cwd = freshFolder();
  await must(["train", "--data", await dataset(), ...QUICK, "--run", "r"], { cwd });
  const search = ["search", "--run", "r", "--method", name, ...use, "--budget", "40%"];
  const found = await must([...search, "--set", "period=3"], { cwd });
  expect(found.out).toMatch(/chunks as \S+: 4 fields, \d+ parameters, .*(39|40)\.\d% of uniform dim 8/);
  const scheme = loadScheme(join(cwd, "r", "schemes", `${name}-40%.json`));
  expect(scheme.kind).toBe("chunks");
  const notes = JSON.parse(readFileSync(join(cwd, "r", "notes", `${name}.json`), "utf8")).notes;
  const retrained = await must(["retrain", "--run", "r", "--budget", "40%", "--json"], { cwd });
  const row = JSON.parse(retrained.out);
  expect(row.bytes.serve).toBe(scheme.serveBytes());
  // the model that the search trained, not another one: its bytes in training were measured
  expect(row.bytes.train).toBe(notes.runs["40%"].peak.total);
  const { out } = await must(["evaluate", "--run", "r", "--json"], { cwd });
  expect(out).toContain(`${name}-40%`);
  const wrong = await trimtab([...search, "--set", "gamma=2"], { cwd });
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toContain("gamma");
});

test("compared, bytes in training stand beside served bytes, and a comparison that is done trains nothing again", async () => {
  const cwd = freshFolder();
  const methods = ["--methods", "fiited,row-pruning,hashed-rows,smaller-dim", "--budgets", "50%,30%"];
  const args = ["compare", "--data", await dataset(), ...QUICK, ...methods, "--run", "c"];
  const first = await must(args, { cwd });
  expect(first.out).toContain("in training");
  const { rows } = readResults(join(cwd, "c", "results.jsonl"));
  expect(rows).toHaveLength(9);
  for (const row of rows) {
    if (row.method === "base") continue;
    expect(row.bytes.serve).toBeLessThanOrEqual((Number.parseFloat(row.budget!) / 100) * row.bytes.uniform);
  }
  const events = () =>
    readFileSync(join(cwd, "c", "events.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const again = await must(args, { cwd });
  expect(again.out).toBe(first.out);
  const since = () => events().slice(events().findLastIndex(({ kind }) => kind === "resumed"));
  expect(since().map(({ kind }) => kind)).toEqual(["resumed", "asked"]);

  // a budget more: what trains while it searches pays that one
  await must([...args, "--methods", "fiited", "--budgets", "50%,40%,30%"], { cwd });
  const trained = since().flatMap(({ kind, name }) => (kind === "evaluation" ? name : []));
  expect(new Set(trained).size).toBe(1);
  expect(trained[0]).toContain("40%");
});
