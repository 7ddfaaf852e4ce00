// A comparison writes each row as it is known, never computes one twice, and shows what cannot be.
import { expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readResults } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";

setDefaultTimeout(120_000);

test("compare", async () => {
  const cwd = freshFolder();
  const file = join(cwd, "c", "results.jsonl");
  const compare = async (...more: string[]) => [
    ...["compare", "--data", await dataset(), ...QUICK, "--run", "c"],
    ...["--methods", "sseds,smaller-dim-projected", "--budgets", "50%,1%", "--config", "c.json", ...more],
  ];
  writeFileSync(join(cwd, "c.json"), JSON.stringify({ methods: { sseds: { minDim: 1 } } }));
  const first = await must(await compare(), { cwd });
  // four fields of dim 1 with maps cost more than 1%; the other budget is met by both
  expect(first.out).toContain("sseds at 1%: not possible, 1 dim in every field already costs");
  expect(first.out).toContain("smaller-dim-projected at 1%: not possible");
  expect(first.out).toContain("synthetic");
  expect(first.out).toMatch(
    /sseds at 50% (is ahead of the one baseline|does not beat the baselines) ?.*\(one seed, so training noise is unknown\)/,
  );
  const page = readFileSync(join(cwd, "c", "report.html"), "utf8");
  expect(page).toContain("smaller-dim-projected at 1% (seed 1)");
  expect(page.match(/class="mark warn">synthetic/g)).not.toBeNull();
  expect(first.out).toMatch(
    /sseds at 50% is (ahead of|behind|not told apart from) smaller-dim-projected.*: .*; one seed, so training noise is unknown\)/,
  );
  // in the order in which they came: two processes trained them
  const order = ["base", "sseds", "smaller-dim-projected"];
  const rows = readResults(file).rows.sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method));
  expect(rows.map((r) => [r.method, r.budget, r.seeds.run])).toEqual([
    ["base", null, 1],
    ["sseds", "50%", 1],
    ["smaller-dim-projected", "50%", 1],
  ]);
  for (const row of rows) {
    expect(row.metrics.test).not.toBeNull();
    if (row.budget) expect(row.bytes.serve).toBeLessThanOrEqual(row.bytes.uniform / 2);
  }
  expect(existsSync(join(cwd, "c", "checkpoints", "seed-1", "sseds-50%"))).toBe(false);

  // again: the same words from the same rows, nothing computed
  const before = readFileSync(file, "utf8");
  const second = await must(await compare(), { cwd });
  expect(second.out).toBe(first.out);
  expect(second.err).not.toContain("epoch");
  expect(readFileSync(file, "utf8")).toBe(before);

  // a line that a killed run left torn is said, kept, and computed anew
  const lines = before.trimEnd().split("\n");
  writeFileSync(file, `${lines[0]}\n${lines[1]}\n${lines[2]!.slice(0, 50)}`);
  const third = await must(await compare("--json"), { cwd });
  expect(third.err).toContain("ends in the middle of a row");
  const document = JSON.parse(third.out);
  expect(document.missing).toHaveLength(2);
  const metrics = (all: { metrics: unknown }[]) => all.map((row) => row.metrics);
  expect(metrics(document.rows)).toEqual(metrics(rows));

  // one seed more pays for that seed only
  const fourth = await must(await compare("--seeds", "1,2"), { cwd });
  expect(fourth.err).not.toMatch(/seed 1\) epoch/);
  expect(fourth.out).toContain("±");
  expect(fourth.out).toContain("over 2 seeds");

  const other = await trimtab([...(await compare()), "--dim", "4"], { cwd });
  expect(other.code).toBe(1);
  expect(other.err).toContain("model.dim: 8 there, 4 asked for");

  // the same folder as a page, CSV and JSON, by a verb that needs no device
  const out = ["--out", "r.html", "--csv", "r.csv", "--json-out", "r.json"];
  const report = await must(["report", "--run", "c", ...out], { cwd });
  expect(report.out).toContain("sseds at 1% (seed 1, 2): not possible, 1 dim in every field");
  expect(report.out).toContain("over 2 seeds");
  expect(readFileSync(join(cwd, "r.csv"), "utf8").trimEnd().split("\n")).toHaveLength(1 + 6);
  expect(JSON.parse(readFileSync(join(cwd, "r.json"), "utf8")).studies[0].points).toHaveLength(3);
  expect(readFileSync(join(cwd, "r.html"), "utf8")).toStartWith("<!doctype html>");
  // what fields are worth was measured for both seeds, and how often ids occur is in the dataset
  const fields = readFileSync(join(cwd, "r-fields.csv"), "utf8").trimEnd().split("\n");
  expect(fields).toHaveLength(1 + 4 * 3);
  const [titles, line] = [fields[0]!.split(","), fields[1]!.split(",")];
  for (const title of ["rows_per_id", "auc_lost_as_zeros", "auc_lost_as_zeros_sd"])
    expect(Number(line[titles.indexOf(title)] || Number.NaN)).toBeFinite();
  expect(readFileSync(join(cwd, "r-stability.csv"), "utf8")).toStartWith("study,dataset,model,method,budget");
  expect(existsSync(join(cwd, "r-across.csv"))).toBe(false);
  for (const part of ["Numbers kept for each id at 50%", "Stability over seeds", "Time of each phase"])
    expect(report.out).toContain(part);
  for (const [one, other] of [
    ["r", "./r"],
    ["r-fields.csv", "r.csv"],
  ]) {
    const twice = await trimtab(["report", "--run", "c", "--out", one!, "--csv", other!], { cwd });
    expect([twice.code, twice.err]).toEqual([2, expect.stringContaining("name one file twice")]);
  }

  // what went wrong is no "not finished"
  const broken = join(cwd, "broken");
  cpSync(join(cwd, "c"), broken, { recursive: true });
  const events = [
    { kind: "asked", methods: ["sseds", "pep"], budgets: ["50%"], seeds: [1, 2] },
    ...[1, 2].map((seed) => ({ kind: "failed", method: "pep", seed, message: "no memory\nwas left" })),
  ];
  for (const event of events) appendFileSync(join(broken, "events.jsonl"), `${JSON.stringify(event)}\n`);
  const said = await must(["report", "--run", "broken"], { cwd });
  expect(said.out).toContain("pep at 50% (seed 1, 2): failed: no memory was left\n");
  expect(said.out).not.toContain("not finished");

  // a study: comparisons in sub-folders of a folder that has a study.json
  const study = join(cwd, "study");
  mkdirSync(study);
  writeFileSync(join(study, "study.json"), "{}");
  for (const name of ["one", "two", "three"]) cpSync(join(cwd, "c"), join(study, name), { recursive: true });
  const all = await must(["report", "--run", "study", "--out", "all.html", "--csv", "all.csv"], { cwd });
  expect(all.out).toContain("3. two: small, fm d8");
  expect(all.out).toContain("At 50%, 3 studies: the lowest mean ranks have");
  expect(readFileSync(join(cwd, "all-across.csv"), "utf8").trimEnd().split("\n")).toHaveLength(1 + 2);
  expect(readFileSync(join(cwd, "all.html"), "utf8")).toContain('id="contents"');
});

test("a folder that is named alone goes on with what it was asked for, configurations and all", async () => {
  const cwd = freshFolder();
  writeFileSync(
    join(cwd, "c.json"),
    JSON.stringify({ methods: { wide: { use: "sseds", minDim: 1 } }, seed: 7 }),
  );
  const asked = ["--methods", "wide,smaller-dim", "--budgets", "50%", "--config", "c.json"];
  await must(["compare", "--data", await dataset(), ...QUICK, "--run", "c", ...asked], { cwd });
  const rows = () => readResults(join(cwd, "c", "results.jsonl")).rows;
  const places = rows().map(({ method, budget, seeds }) => [method, budget, seeds.run]);
  expect(places.toSorted()).toEqual([
    ["base", null, 7],
    ["smaller-dim", "50%", 7],
    ["wide", "50%", 7],
  ]);
  await must(["compare", "--run", "c"], { cwd });
  expect(rows()).toHaveLength(3);
  await must(["compare", "--run", "c", "--budgets", "50%,25%"], { cwd });
  expect(rows()).toHaveLength(5);
  expect(
    rows()
      .filter(({ method }) => method === "wide")
      .map(({ config }) => config.search),
  ).toMatchObject([{ minDim: 1 }, { minDim: 1 }]);
});

test("compare needs embeddings, report needs a run", async () => {
  const cwd = freshFolder();
  const lr = ["compare", "--data", await dataset(), "--model", "lr", "--run", "lr"];
  const refused = await trimtab(lr, { cwd });
  expect(refused.code).toBe(2);
  expect(refused.err).toBe(
    'error: model "lr" has no embeddings to size, so there is nothing to compare; use fm, dnn, widedeep, deepfm or dlrm.',
  );
  expect(existsSync(join(cwd, "lr"))).toBe(false);
  const none = await trimtab(["report", "--run", "nowhere", "--out", "r.html"], { cwd });
  expect(none.code).toBe(1);
  expect(none.err).toContain("nowhere: there is no run here");
  expect(existsSync(join(cwd, "r.html"))).toBe(false);
});

test("a first start that fails leaves nothing that stands in the way of the next", async () => {
  const cwd = freshFolder();
  const compare = async (...more: string[]) =>
    trimtab(
      [
        ...["compare", "--data", await dataset(), ...QUICK, "--run", "c", "--jobs", "1"],
        ...["--methods", "smaller-dim", "--budgets", "50%", ...more],
      ],
      { cwd },
    );
  const failed = await compare("--engine", "webgpu", "--threads", "2");
  expect(failed.code).not.toBe(0);
  expect(existsSync(join(cwd, "c"))).toBe(false);
  // numbers that leave the range of floats in the first epoch
  const diverged = await compare("--lr", "1e30");
  expect(diverged.code).toBe(1);
  expect(diverged.err).toContain("lower the learning rate");
  const last = await compare();
  expect([last.code, last.err]).toEqual([0, expect.anything()]);
});
