// Searchers from outside and labels, through the real command: registered without a change to ours.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readResults } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";
import { writeSearcher } from "./support/searchers.ts";

setDefaultTimeout(120_000);

test("a comparison holds two configurations of one method, and labels of baselines are baselines", async () => {
  const cwd = freshFolder();
  mkdirSync(join(cwd, "settings"));
  writeSearcher(join(cwd, "settings"), "mine.ts", "mine");
  const methods = {
    mine: { note: "plain" },
    "mine-too": { use: "mine", note: "labelled" },
    modulo: { use: "hashed-rows", rule: "modulo", floor: 8 },
  };
  // paths in the file are seen from the file
  writeFileSync(join(cwd, "settings", "c.json"), JSON.stringify({ searchers: ["./mine.ts"], methods }));
  const compare = [
    "compare",
    "--data",
    await dataset(),
    ...QUICK,
    "--run",
    "c",
    "--config",
    "settings/c.json",
  ];
  const { out } = await must([...compare, "--methods", "mine,mine-too,modulo", "--budgets", "50%"], { cwd });
  // methods are trained side by side, and whichever is done first has the first row
  const order = ["base", "mine", "mine-too", "modulo"];
  const rows = readResults(join(cwd, "c", "results.jsonl")).rows.sort(
    (a, b) => order.indexOf(a.method) - order.indexOf(b.method),
  );
  expect(rows.map(({ method, config }) => [method, config.search])).toEqual([
    ["base", undefined],
    ["mine", { note: "plain" }],
    ["mine-too", { use: "mine", note: "labelled" }],
    ["modulo", { use: "hashed-rows", rule: "modulo", floor: 8 }],
  ]);
  // the same scheme from the same start is the same training
  expect(rows[2]!.metrics).toEqual(rows[1]!.metrics);
  for (const name of ["mine", "mine-too"]) {
    const notes = JSON.parse(readFileSync(join(cwd, "c", "notes", `${name}-seed-1.json`), "utf8"));
    expect(notes).toMatchObject({ method: name, notes: { note: methods[name as "mine"].note } });
    expect(out).toMatch(new RegExp(`${name} at 50% (beats the one baseline|does not beat the baselines)`));
  }
  expect(out).not.toMatch(/modulo at 50% (beats|does not beat|: no baseline)/);
  expect(readFileSync(join(cwd, "c", "report.html"), "utf8")).toContain("mine-too");
});

test("search and retrain take a searcher of one's own, and a label that is typed", async () => {
  const cwd = freshFolder();
  writeSearcher(cwd, "mine.ts", "mine");
  const search = ["search", "--data", await dataset(), ...QUICK, "--run", "r", "--budget", "40%"];
  const own = ["--searcher", "mine.ts", "--method", "mine"];
  const found = JSON.parse((await must([...search, ...own, "--set", "note=x", "--json"], { cwd })).out);
  expect(found).toMatchObject({ method: "mine", notes: { note: "x" }, found: [{ budget: "40%" }] });
  await must([...search, "--method", "modulo", "--set", "use=hashed-rows", "--set", "rule=modulo"], { cwd });
  const retrain = ["retrain", "--run", "r", "--budget", "40%", "--json"];
  const row = JSON.parse((await must([...retrain, "--method", "modulo"], { cwd })).out);
  expect(row).toMatchObject({ method: "modulo", config: { search: { use: "hashed-rows", rule: "modulo" } } });
  const mine = JSON.parse((await must([...retrain, ...own], { cwd })).out);
  expect(mine).toMatchObject({ method: "mine", budget: "40%" });
});

test("a module that is not there is wrong use, before anything is opened", async () => {
  const cwd = freshFolder();
  const args = ["compare", "--data", "none", "--model", "fm", "--run", "c"];
  const { code, err } = await trimtab([...args, "--searcher", "./mine.ts"], { cwd });
  expect(code).toBe(2);
  expect(err).toStartWith(
    "error: searcher module ./mine.ts: there is no such file, and no package of that name",
  );
  const unknown = await trimtab([...args, "--methods", "mine"], { cwd });
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining("comes with --searcher")]);
});
