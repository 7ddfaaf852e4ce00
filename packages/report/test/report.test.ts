// What a report says is what the rows say: groups, shapes, stability, verdicts, what is missing.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { generateDataset, openDataset } from "@trimtab/data";
import { optionsOf } from "../src/asked.ts";
import {
  NothingToReport,
  readFrequencies,
  readReport,
  reportCsv,
  reportJson,
  together,
} from "../src/index.ts";
import { folderOf, freshFolder, threeSeeds } from "./rows.ts";

setDefaultTimeout(60_000);
const SALIENCY = [
  [1, 1],
  [2, 2],
  [1, 1],
];
const whole = () => readReport([folderOf({ rows: threeSeeds(), saliency: SALIENCY })]);

test("points are means over seeds, methods know what they are, budgets fall", () => {
  const [study, ...others] = whole().studies;
  expect(others).toEqual([]);
  expect(study!.methods).toEqual([
    { name: "base", kind: "base" },
    { name: "sseds", kind: "searcher" },
    { name: "pep", kind: "searcher" },
    { name: "smaller-dim", kind: "baseline" },
  ]);
  expect(study!.budgets).toEqual(["50%", "10%"]);
  expect(study!.points).toHaveLength(6);
  const point = study!.points.find((p) => p.method === "sseds" && p.budget === "50%")!;
  expect(point.seeds).toEqual([1, 2, 3]);
  expect(point.auc!.mean).toBeCloseTo(0.7702, 10);
  expect(point.auc!.sd!).toBeCloseTo(0.0001, 10);
  expect(point.seconds).toEqual({ search: 2, base: 5, train: 3, evaluate: 0.5 });
  expect(study!.rows).toHaveLength(18);
  expect(study!.rows.slice(2, 5).map(({ config }) => config.scheme)).toEqual([
    "uniform",
    "per-field",
    "per-field",
  ]);
});

test("shapes: dims of fields, numbers kept by popularity, dropped fields with what they cost", () => {
  const [study] = whole().studies;
  const shape = (method: string, budget: string) =>
    study!.points.find((p) => p.method === method && p.budget === budget)!.shape;
  expect(shape("sseds", "50%").kept).toEqual([4, 4, 2]);
  expect(shape("sseds", "10%").dropped).toEqual([3, 0, 0]);
  // 100 ids of "user" after id 0: 1..9 keep 3 numbers, id 10 and the rest none
  const [commonest, ...rarer] = shape("pep", "10%").popularity.fields.user!;
  expect(commonest).toBeCloseTo(2.7, 10);
  expect(rarer).toEqual(Array(9).fill(0));
  expect(shape("pep", "10%").kept[0]).toBeCloseTo((10 * 3) / 101, 10);
  expect(shape("sseds", "50%").popularity.fields.item).toEqual(Array(10).fill(4));
  const user = study!.fields[0]!;
  expect(user).toMatchObject({
    name: "user",
    ids: 101,
    bytes: 101 * 8 * 4,
    saliency: 0.25,
    importance: null,
  });
  expect(user.droppedBy).toEqual([
    { method: "sseds", budget: "10%", seeds: 3, of: 3, besideBase: expect.closeTo(0.7498 - 0.7602, 10) },
  ]);
});

test("what a field costs to go without, where it was measured", () => {
  const folder = folderOf({ rows: threeSeeds(), without: [0.75, 0.76, 0.7625] });
  const [study] = readReport([folder]).studies;
  expect(study!.fields.map(({ dropCost }) => dropCost!.n)).toEqual([1, 1, 1]);
  expect(study!.fields.map(({ dropCost }) => Math.round(dropCost!.mean * 1e6))).toEqual([10_000, 0, -2500]);
  expect(whole().studies[0]!.fields[0]!.dropCost).toBeNull();
  // two folders of one study measured the same seed
  const without = [0.75, 0.76, 0.7625];
  const folders = [true, false].map((pep) => {
    const rows = threeSeeds().filter(({ method }) => method === "base" || (method === "pep") === pep);
    return folderOf({ rows, without });
  });
  const both = readReport(folders).studies;
  expect(both).toHaveLength(1);
  expect(both[0]!.fields.map(({ dropCost }) => dropCost!.n)).toEqual([1, 1, 1]);
});

test("numbers kept by how often ids occur, where the dataset is there", () => {
  // of "user", id 1 occurs in 200 rows, id 2 in 100, ... id 101 in none; of "item" all in 3; "hour" was not counted
  const user = Uint32Array.from({ length: 101 }, (_, id) => (id === 0 ? 500 : Math.floor(200 / id)));
  const counts = [user, new Uint32Array(51).fill(3), new Uint32Array(24)];
  const frequencies = new Map([["ab".repeat(32), counts]]);
  const [study] = readReport([folderOf({ rows: threeSeeds() })], { frequencies }).studies;
  const shape = study!.points.find((p) => p.method === "pep" && p.budget === "10%")!.shape;
  // ids 1 to 9 keep 3 numbers: 200 to 22 occurrences; 2^4 to 2^5 - 1 are ids 7 (28) to 12 (16), three of which keep 3
  const curve = shape.frequency!.fields.user!;
  expect(curve.slice(4)).toEqual([expect.closeTo((3 * 3) / 6, 10), 3, 3, 3]);
  expect(curve.slice(1, 4)).toEqual([0, 0, 0]);
  expect(curve[0]).toBeNull();
  expect(shape.frequency!.fields.hour).toEqual(Array(8).fill(null));
  expect(study!.fields[1]!.occurrences).toBe(3);
  // counts of other fields say nothing
  const other = new Map([["ab".repeat(32), counts.slice(1)]]);
  const [unknown] = readReport([folderOf({ rows: threeSeeds() })], { frequencies: other }).studies;
  expect(unknown!.points[0]!.shape.frequency).toBeNull();
  expect(unknown!.fields[0]!.occurrences).toBeNull();
});

test("frequencies come from the dataset that the run names, if it is that one", async () => {
  const data = join(freshFolder(), "log.trimtab");
  await generateDataset({ rows: 600, seed: 3, out: data });
  const { hash, fields, manifest } = await openDataset(data);
  const folder = folderOf({ rows: threeSeeds(), data: { folder: data, hash } });
  const counts = (await readFrequencies([folder])).get(hash)!;
  expect(counts.map(({ length }) => length)).toEqual(fields.map(({ rows }) => rows));
  // a single-valued field has an id in every training row
  const single = fields.findIndex(({ slots }) => slots === 1);
  expect(counts[single]!.reduce((a, b) => a + b, 0)).toBe(manifest.splits.train.rows);
  const moved = folderOf({ rows: threeSeeds(), data: { folder: `${data}.gone`, hash } });
  expect((await readFrequencies([moved])).size).toBe(0);
  const other = folderOf({ rows: threeSeeds(), data: { folder: data, hash: "cd".repeat(32) } });
  expect((await readFrequencies([other])).size).toBe(0);
});

test("stability: dims where fields have one, shared numbers where rows differ", () => {
  const line = (method: string, budget: string) =>
    whole().studies[0]!.stability.find((l) => l.method === method && l.budget === budget)!;
  // hour has dim 1, 2, 3 in the three seeds: never equal, the other two fields always
  expect(line("sseds", "50%").agreement).toBeCloseTo(2 / 3, 10);
  expect(line("sseds", "50%").meanAbsLog2Ratio).toBeCloseTo((1 + Math.log2(3) + Math.log2(1.5)) / 9, 10);
  expect(line("sseds", "50%").shared).toBeNull();
  expect(line("pep", "50%")).toMatchObject({ agreement: null, meanAbsLog2Ratio: null, shared: 1, runs: 3 });
});

test("verdicts: plain where a searcher does not beat the baselines", () => {
  const lines = whole().studies[0]!.judgements.map(({ method, budget, verdict }) => [
    method,
    budget,
    verdict,
  ]);
  expect(lines).toEqual([
    ["sseds", "50%", "beats"],
    ["sseds", "10%", "no baseline"],
    ["pep", "50%", "does not beat"],
    ["pep", "10%", "no baseline"],
  ]);
  const texts = whole().studies[0]!.judgements.map(({ headline }) => headline);
  expect(texts[0]).toBe("sseds at 50% beats the one baseline there is: smaller-dim.");
  expect(texts[2]).toBe("pep at 50% does not beat the baselines: it is worse than smaller-dim.");
});

describe("what is missing", () => {
  test("a half done comparison says what is to come, and what cannot be", () => {
    const rows = threeSeeds().filter(({ seed, method }) => seed === 1 || (seed === 2 && method !== "pep"));
    const [study] = readReport([folderOf({ rows })]).studies;
    expect(study!.unfinished).toEqual([
      { method: "base", budget: null, seeds: [3] },
      { method: "sseds", budget: "50%", seeds: [3] },
      { method: "sseds", budget: "10%", seeds: [3] },
      { method: "pep", budget: "50%", seeds: [2, 3] },
      { method: "pep", budget: "10%", seeds: [2, 3] },
      { method: "smaller-dim", budget: "50%", seeds: [3] },
    ]);
    expect(study!.impossible).toEqual([
      {
        ...{ method: "smaller-dim", budget: "10%", seeds: [1, 2, 3] },
        reason: "dim 1 already costs 704 bytes, the budget is 563",
      },
    ]);
  });

  describe("what went wrong", () => {
    const asked = {
      ...{ kind: "asked", methods: ["sseds", "pep", "smaller-dim"], budgets: ["50%", "10%"] },
      seeds: [1, 2, 3],
    };
    const failed = (method: string, seed: number, message = "out of memory") => ({
      ...{ kind: "failed", method, seed, message },
    });
    const row = (method: string, budget: string | null, seed: number, known = false) => ({
      ...{ kind: "row", method, budget, seed, known },
    });
    const rows = threeSeeds().filter(({ method, seed }) => seed < 3 && !(method === "pep" && seed === 2));
    const studyOf = (...events: readonly Record<string, unknown>[]) =>
      readReport([folderOf({ rows, events: [asked, ...events] })]).studies[0]!;

    test("is told apart from what is to come, with its message", () => {
      const {
        failed: lines,
        unfinished,
        progress,
      } = studyOf(failed("pep", 2), failed("base", 3, "no\ndisk\n"));
      expect(lines).toEqual([
        { method: "base", budget: null, seeds: [3], message: "no\ndisk" },
        { method: "pep", budget: "50%", seeds: [2], message: "out of memory" },
        { method: "pep", budget: "10%", seeds: [2], message: "out of memory" },
      ]);
      expect(together(lines).map(({ method, budgets }) => [method, budgets])).toEqual([
        ["base", []],
        ["pep", ["50%", "10%"]],
      ]);
      expect(unfinished).toContainEqual({ method: "pep", budget: "50%", seeds: [3] });
      expect(unfinished.some(({ method }) => method === "base")).toBe(false);
      // three seeds of a base model, two searchers and a baseline at two budgets
      expect(progress).toEqual({ done: rows.length, asked: 3 * (1 + 2 * 3) });
    });

    test("is over with a row that was made after it, not with one that was there before", () => {
      const seeds = (study: ReturnType<typeof studyOf>) => study.failed.flatMap(({ seeds }) => seeds);
      expect(seeds(studyOf(failed("pep", 2), row("pep", "50%", 2)))).toEqual([]);
      expect(seeds(studyOf(failed("pep", 2), row("pep", "50%", 2, true)))).toEqual([2, 2]);
      expect(seeds(studyOf(failed("pep", 2), row("pep", "50%", 1), row("sseds", "50%", 2)))).toEqual([2, 2]);
      expect(seeds(studyOf(row("pep", "50%", 2), failed("pep", 2)))).toEqual([2, 2]);
      // the last message counts, and what has its rows did not fail
      const again = studyOf(failed("pep", 2), failed("pep", 2, "again"), failed("sseds", 1));
      expect(again.failed.map(({ method, message }) => `${method} ${message}`)).toEqual([
        "pep again",
        "pep again",
      ]);
    });

    test("is said of a folder in which nothing else is there", () => {
      const empty = folderOf({ rows: [], events: [asked, failed("base", 1, "no disk")] });
      expect(() => readReport([empty])).toThrow(/nothing to report.* base \(seed 1\) failed: no disk/);
      const [study] = readReport([empty, folderOf({ rows: threeSeeds() })]).studies;
      expect(study!.remarks.join("\n")).toMatch(
        /no training is finished there yet\. base \(seed 1\) failed: no disk/,
      );
    });
  });

  test("a folder without the event tells by its command", () => {
    const rows = threeSeeds().filter(({ seed }) => seed === 1);
    const [study] = readReport([folderOf({ rows, events: [] })]).studies;
    expect(study!.unfinished).toContainEqual({ method: "smaller-dim", budget: "10%", seeds: [1, 2, 3] });
    expect(study!.unfinished).toContainEqual({ method: "base", budget: null, seeds: [2, 3] });
    expect(optionsOf("trimtab compare --methods 'a b,c' --seeds=3,4 --run r")).toEqual({
      ...{ methods: ["a b", "c"], budgets: undefined },
      seeds: [3, 4],
    });
  });

  test("a torn line is a remark, and of rows of the same training the last one counts, however old its training", () => {
    const left = { ...threeSeeds()[1]!, auc: 0.5, date: "2027-11-20T00:00:00.000Z" };
    const folder = folderOf({ rows: [left, ...threeSeeds()] });
    appendFileSync(join(folder, "results.jsonl"), '{"version":1,');
    const [study] = readReport([folder]).studies;
    expect(study!.rows).toHaveLength(18);
    expect(study!.points[1]!.auc!.min).toBeGreaterThan(0.7);
    expect(study!.remarks.join("\n")).toMatch(/ends in the middle of a row[\s\S]*1 row was left out/);
  });

  test("a folder in which nothing is finished is an error that says what to do", () => {
    const folder = folderOf({ rows: [] });
    expect(() => readReport([folder])).toThrow(NothingToReport);
    expect(() => readReport([folder])).toThrow(/no training is finished.*run the comparison on/);
    const [study] = readReport([folder, folderOf({ rows: threeSeeds() })]).studies;
    expect(study!.remarks.join("\n")).toContain("no training is finished there yet");
  });
});

describe("several folders", () => {
  const only = (methods: readonly string[]) => threeSeeds().filter(({ method }) => methods.includes(method));
  test("with the same setting and other methods become one study", () => {
    const folders = [
      folderOf({ rows: only(["base", "sseds"]) }),
      folderOf({ rows: only(["base", "pep", "smaller-dim"]) }),
    ];
    const { studies } = readReport(folders);
    expect(studies).toHaveLength(1);
    expect(studies[0]!.points).toHaveLength(6);
    expect(studies[0]!.unfinished).toEqual([]);
  });

  test("with another model, or the same trainings twice, stay apart", () => {
    const rows = threeSeeds();
    const other = folderOf({ rows, model: { kind: "fm", dim: DIM_OTHER } });
    expect(readReport([folderOf({ rows }), other]).studies).toHaveLength(2);
    expect(readReport([folderOf({ rows }), folderOf({ rows })]).studies).toHaveLength(2);
  });
  const DIM_OTHER = 16;
});

test("CSV has a line a row, quotes what must be, and starts no formula", () => {
  const report = readReport([folderOf({ rows: threeSeeds({ dataset: '=a,"b"', method: "mine" }) })]);
  const lines = reportCsv(report).trimEnd().split("\n");
  expect(lines).toHaveLength(19);
  expect(lines[0]).toStartWith("dataset,dataset_hash,synthetic,model,method,kind,budget,seed,test_auc");
  expect(lines[0]).toContain(",best_epoch,epochs,");
  // the command named the others
  const mine = lines.find((line) => line.includes(",mine,"));
  expect(mine).toContain(",2,3,");
  expect(mine).toStartWith(`"'=a,""b""",${"ab".repeat(32)},true,fm d8,mine,searcher,50%,1,0.7701`);
});

test("CSV of fields and stability", () => {
  const report = readReport([folderOf({ rows: threeSeeds(), without: [0.75, 0.76, 0.7625] })]);
  const fields = reportCsv(report, "fields").trimEnd().split("\n");
  expect(fields).toHaveLength(1 + 3 * 6);
  expect(fields[0]).toContain("field,ids,rows_per_id,uniform_bytes,share,auc_lost_as_zeros");
  expect(fields[3]).toMatch(/^c,planted,fm d8,user,101,,3232,0\.57\d+,0\.01\d*,,,,sseds,10%,3,0,3$/);
  expect(reportCsv(report, "stability").trimEnd().split("\n")).toHaveLength(
    1 + report.studies[0]!.stability.length,
  );
});

test("JSON is the whole report", () => {
  const report = whole();
  expect(JSON.parse(reportJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
});
