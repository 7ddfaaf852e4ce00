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
    expect(out).toMatch(
      new RegExp(`${name} at 50% (is ahead of the one baseline|does not beat the baselines)`),
    );
  }
  expect(out).not.toMatch(/modulo at 50% (is ahead|does not beat|: no baseline)/);
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

test("what is kept of a searcher of one's own is of its code: after a change it searches again, after a comment it does not", async () => {
  const cwd = freshFolder();
  const path = writeSearcher(cwd, "mine.ts", "mine");
  writeFileSync(join(cwd, "floor.ts"), "export const share = 1;\n");
  const made = readFileSync(path, "utf8").replace("limits.map((l) => l.text)", "limits.map(tighter)");
  writeFileSync(
    path,
    // not written as an import is: those of this file are checked
    `import { share } from ${JSON.stringify("./floor.ts")};
const tighter = (l: { value: number }) => \`\${Math.floor(l.value * share)} B\`;
${made.replace("return { found,", "return { found: found.map((f, i) => ({ ...f, budget: limits[i].text })),")}`,
  );
  const data = await dataset();
  const compare = async (run: string, ...more: string[]) => {
    const args = ["compare", "--data", data, ...QUICK, "--searcher", "mine.ts", "--budgets", "50%"];
    await must([...args, "--methods", "mine", "--run", run, "--no-field-worth", ...more], { cwd });
    const rows = readResults(join(cwd, run, "results.jsonl")).rows.filter(({ method }) => method === "mine");
    const { seconds } = JSON.parse(readFileSync(join(cwd, run, "notes", "mine-seed-1.json"), "utf8"));
    return { bytes: rows.map(({ bytes }) => bytes.serve), searchSeconds: seconds };
  };
  const first = await compare("a");
  // nothing that runs has changed: the run, and another one beside it, have the search as it was
  writeFileSync(path, `// of the middle\n${readFileSync(path, "utf8")}`);
  expect(await compare("a", "--resume")).toEqual(first);
  expect(await compare("b")).toEqual(first);
  // a module that it imports has
  writeFileSync(join(cwd, "floor.ts"), "export const share = 0.5;\n");
  const second = await compare("a", "--resume");
  expect(second.bytes).toEqual([first.bytes[0]!, expect.any(Number)]);
  expect(second.bytes[1]!).toBeLessThan(first.bytes[0]! * 0.7);
  expect((await compare("c")).bytes).toEqual([second.bytes[1]!]);
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
