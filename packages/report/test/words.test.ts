// What is said of one seed must not sound like what several tell.
import { expect, test } from "bun:test";
import { advantages } from "@trimtab/search-core";
import { judge, readReport, reportHtml, sentence, verdictLines } from "../src/index.ts";
import { underMark } from "../src/words.ts";
import { dims, folderOf, type RowFacts, rowOf, threeSeeds } from "./rows.ts";

const scheme = dims(1, 1, 1);
const row = (method: string, auc: number, seed = 1) => rowOf({ method, budget: "10%", seed, auc, scheme });
const one = [
  rowOf({ method: "base", budget: null, seed: 1, auc: 0.79, scheme }),
  ...[row("pep", 0.75), row("smaller-dim", 0.7), row("random-dims", 0.751), row("magnitude", 0.8)],
];

test("one seed: ahead and behind, never beats or worse, in headline, under a mark and in pairs", () => {
  const [told] = judge(one);
  expect(told!.headline).toBe(
    "pep at 10% does not beat the baselines (one seed, so training noise is unknown): it is ahead of smaller-dim; is not told apart from random-dims; is behind magnitude.",
  );
  expect(underMark(told!)).toBe(
    "pep at 10% is ahead of smaller-dim; is not told apart from random-dims; is behind magnitude (one seed, so training noise is unknown).",
  );
  expect(judge(one.slice(0, 3))[0]!.headline).toBe(
    "pep at 10% is ahead of the one baseline there is: smaller-dim (one seed, so training noise is unknown).",
  );
  const { pairs, headlines, oneSeed } = verdictLines(one);
  expect(oneSeed).toBe(true);
  expect(pairs.map((line) => line.split(" (the")[0]!)).toEqual([
    "pep at 10% is behind the uniform base model by more than the sampling error of one AUC: -0.0400 test AUC",
    "pep at 10% is ahead of smaller-dim by more than the sampling error of one AUC: +0.0500 test AUC",
    "pep at 10% is not told apart from random-dims: -0.0010 test AUC",
    "pep at 10% is behind magnitude by more than the sampling error of one AUC: -0.0500 test AUC",
  ]);
  expect(pairs[0]).toMatch(
    /\(the test rows alone give ±0\.01\d\d; one seed, so training noise is unknown\)$/,
  );
  expect([...headlines, ...pairs].join("\n")).not.toMatch(/beats|worse/);
});

test("several seeds: as short as can be", () => {
  const rows = [1, 2].flatMap((seed) => [row("pep", 0.75, seed), row("smaller-dim", 0.7, seed)]);
  expect(judge(rows)[0]!.headline).toBe("pep at 10% beats the one baseline there is: smaller-dim.");
  expect(sentence(advantages(rows, "pep")[0]!)).toBe(
    "pep at 10% beats smaller-dim: +0.0500 test AUC (95% interval ±0.0000 over 2 seeds)",
  );
  expect(verdictLines(rows).oneSeed).toBe(false);
});

test("where some pairs have one seed, those are named", () => {
  const rows = [
    ...[1, 2].flatMap((seed) => [row("pep", 0.75, seed), row("smaller-dim", 0.7, seed)]),
    ...[row("random-dims", 0.71), row("magnitude", 0.76, 2)],
  ];
  expect(judge(rows)[0]!.headline).toBe(
    "pep at 10% does not beat the baselines (random-dims, magnitude: one seed, so training noise is unknown): it beats smaller-dim; is ahead of random-dims; is not told apart from magnitude.",
  );
});

test("the page of one seed says the same", async () => {
  const facts = (rows: readonly RowFacts[]) => rows.filter(({ seed }) => seed === 1);
  const worse = threeSeeds().map((row) => ({ ...row, auc: row.method === "smaller-dim" ? 0.7 : row.auc }));
  const report = readReport([
    folderOf({ rows: facts(worse) }),
    folderOf({ rows: facts(threeSeeds()), model: { kind: "lr" } }),
  ]);
  const page = (await reportHtml(report)).replace(/<script[\s\S]*/, "");
  expect(page).toContain(
    'place-level">ahead of the baselines</span> sseds at 50% is ahead of smaller-dim (one seed',
  );
  expect(page).toContain("ahead and behind mean by more than the sampling error of one test AUC");
  expect(page).toContain("ahead of every baseline");
  expect(page).toContain("sseds at 50% (one seed)");
  expect(page).toMatch(/the uniform base model \(\+0\.0100; the test rows alone give ±0\.0\d+\)\./);
  const text = page.replace(/<[^>]*>/g, " ");
  expect(text.match(/.{0,40}(beats|is worse than|95% interval or not)/g)).toBeNull();
});
