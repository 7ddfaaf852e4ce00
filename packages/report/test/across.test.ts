// Several studies in one report: who is best, level or behind at each budget, and every sum from lines that are there.
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acrossLines, NothingToReport, readReport, reportCsv } from "../src/index.ts";
import { folderOf, studyFolder, threeSeeds } from "./rows.ts";

setDefaultTimeout(60_000);

test("a study's folder stands for the comparisons in it, by name", () => {
  const { studies } = readReport([studyFolder()]);
  expect(studies.map(({ name }) => name)).toEqual(["one-deepfm", "one-dlrm", "one-fm"]);
  const path = mkdtempSync(join(tmpdir(), "trimtab-study-"));
  try {
    writeFileSync(join(path, "study.json"), "{}");
    mkdirSync(join(path, "logs"));
    expect(() => readReport([path])).toThrow(NothingToReport);
    expect(() => readReport([path])).toThrow(/a study in which no comparison has begun/);
    // folders in between are part of the name; what is inside a run, and runs of one scheme, are none of the comparisons
    const deep = folderOf({ rows: threeSeeds() }, join(path, "planted", "fm"));
    folderOf({ rows: threeSeeds() }, join(deep, "notes", "inner"));
    const single = folderOf({ rows: threeSeeds() }, join(path, "planted", "single"));
    const config = JSON.parse(readFileSync(join(single, "config.json"), "utf8"));
    writeFileSync(join(single, "config.json"), JSON.stringify({ ...config, kind: "run" }));
    expect(readReport([path]).studies.map(({ name }) => name)).toEqual(["planted/fm"]);
    // a run that has a study.json of its own is still a run
    const run = folderOf({ rows: threeSeeds() }, join(path, "run"));
    writeFileSync(join(run, "study.json"), "{}");
    expect(readReport([run]).studies).toHaveLength(1);
  } finally {
    rmSync(path, { recursive: true });
  }
});

test("places, ranks and distances of each contest", () => {
  const { across } = readReport([studyFolder()]);
  expect(across.budgets).toEqual(["50%", "10%"]);
  // at 10% the baseline is not possible, two searchers are left
  expect(across.contests.map(({ study, budget, entries }) => [study, budget, entries.length])).toEqual([
    ["study-1", "50%", 3],
    ["study-1", "10%", 2],
    ["study-2", "50%", 3],
    ["study-2", "10%", 2],
    ["study-3", "50%", 3],
    ["study-3", "10%", 2],
  ]);
  const places = (at: number) =>
    across.contests[at]!.entries.map(({ method, rank, place }) => [method, rank, place]);
  expect(places(0)).toEqual([
    ["pep", 1, "best"],
    ["sseds", 2, "behind"],
    ["smaller-dim", 3, "behind"],
  ]);
  expect(places(4)[0]).toEqual(["sseds", 1, "best"]);
  // seeds differ by more than methods
  expect(across.contests[2]!.entries.map(({ place }) => place).sort()).toEqual(["best", "level", "level"]);
  const sseds = across.contests[4]!.entries[0]!;
  expect(sseds.besideBase).toBeCloseTo(0.01, 10);
  expect(across.contests[0]!.entries[1]!.gap).toBeCloseTo(0.77 - 0.785, 10);
});

test("tallies are sums and means of the contests", () => {
  const report = readReport([studyFolder()]);
  const { tallies, contests, methods } = report.across;
  expect(tallies).toHaveLength(3 + 2);
  for (const tally of tallies) {
    const mine = contests
      .filter(({ budget }) => budget === tally.budget)
      .flatMap(({ entries }) => entries.filter(({ method }) => method === tally.method));
    expect(tally.studies).toBe(mine.length);
    expect(tally.best + tally.level + tally.behind).toBe(mine.length);
    expect(tally.rank).toBeCloseTo(mine.reduce((n, { rank }) => n + rank, 0) / mine.length, 10);
    expect(tally.gap).toBeCloseTo(mine.reduce((n, { gap }) => n + gap, 0) / mine.length, 10);
  }
  expect(tallies.filter(({ budget }) => budget === "50%").map(({ of }) => of)).toEqual([3, 3, 3]);
  expect(methods).toHaveLength(3);
  const lines = acrossLines(report.across);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^At 50%, 3 studies: the lowest mean ranks have pep 1\.7 \(2 best, 1 behind\), sseds 1\.7 \(1 best, 1 level, 1 behind\), smaller-dim 2\.7/,
  );
  // of equal reach the lower rank is first, whatever the noise hides
  const order = tallies.filter(({ budget }) => budget === "50%").map(({ rank }) => rank);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(reportCsv(report, "across").trimEnd().split("\n")).toHaveLength(1 + 5);
});

test("a method that lacks a seed of the others is not judged by fewer; one alone has no contest", () => {
  const rows = threeSeeds().filter(({ method, seed }) => method !== "smaller-dim" || seed < 3);
  const { across } = readReport([folderOf({ rows })]);
  expect(across.contests[0]!.entries.map(({ method }) => method)).toEqual(["sseds", "pep"]);
  // one that is ahead of all others does not end their contest
  const ahead = [...threeSeeds(), { ...threeSeeds()[1]!, seed: 4 }];
  expect(readReport([folderOf({ rows: ahead })]).across.contests[0]).toMatchObject({ seeds: [1, 2, 3] });
  const alone = threeSeeds().filter(({ method }) => ["base", "pep"].includes(method));
  expect(readReport([folderOf({ rows: alone })]).across).toMatchObject({ contests: [], tallies: [] });
});
