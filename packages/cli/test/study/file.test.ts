// Study files are read strictly: what is wrong is named, with the file.
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fm } from "@trimtab/models";
import { trainConfigSchema } from "@trimtab/search-core";
import { type Cell, keepStudy } from "../../src/study/cells.ts";
import { isStudyFile, readStudyFile, settingsOf } from "../../src/study/file.ts";
import { freshFolder } from "../support/data.ts";

const folder = freshFolder();

function written(content: unknown, name = "study.json"): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const LEAST = { data: { small: "small.trimtab" }, models: { fm: { kind: "fm" } } };

test("paths are relative to the file", () => {
  mkdirSync(join(folder, "deep"));
  const path = written({ ...LEAST, searchers: ["./mine.ts", "a-package"] }, "deep/study.json");
  const file = readStudyFile(path);
  expect(file.data).toEqual({ small: join(folder, "deep", "small.trimtab") });
  expect(file.searchers).toEqual([join(folder, "deep", "mine.ts"), "a-package"]);
  expect(file.cells).toEqual({});
});

test("settings of a cell go over those of all, the later over the earlier", () => {
  const path = written({
    data: { a: "a", b: "b" },
    models: { fm: { kind: "fm", dim: 16 }, deepfm: { kind: "deepfm" } },
    train: { epochs: 9 },
    cells: { "a/*": { model: { dim: 4 }, train: { batch: 8 } }, "*/fm": { model: { dim: 2 } } },
  });
  const file = readStudyFile(path);
  expect(settingsOf(file, "a/fm")).toEqual({ model: { kind: "fm", dim: 2 }, train: { epochs: 9, batch: 8 } });
  expect(settingsOf(file, "a/deepfm").model).toEqual({ kind: "deepfm", dim: 4 });
  expect(settingsOf(file, "b/deepfm")).toEqual({ model: { kind: "deepfm" }, train: { epochs: 9 } });
});

test("a study that is kept has what was typed, whatever patterns stand behind a cell", () => {
  const study = readStudyFile(
    written({ ...LEAST, cells: { "small/fm": { model: { dim: 2 } }, "*/fm": { train: { epochs: 10 } } } }),
  );
  const [model, train] = [fm({ dim: 2 }), trainConfigSchema.parse({ epochs: 5 })];
  const run = join(folder, "kept");
  mkdirSync(run);
  // of an opened cell nothing else is looked at
  keepStudy(run, study, [{ name: "small-fm", label: "small/fm", open: { model, train } } as Cell]);
  expect(settingsOf(readStudyFile(join(run, "study.json")), "small/fm")).toEqual({ model, train });
});

test("a file of settings is not a study", () => {
  expect(isStudyFile(written({ model: { kind: "fm" }, methods: {} }))).toBe(false);
  expect(isStudyFile(written(LEAST))).toBe(true);
});

test.each([
  [{ ...LEAST, cells: { "small/dnn": {} } }, 'cells: "small/dnn" is no dataset and model of the study'],
  [{ ...LEAST, cells: { small: {} } }, 'cells: "small" is no dataset and model'],
  [{ ...LEAST, data: {} }, "name one dataset or more"],
  [{ ...LEAST, models: {} }, "name one model or more"],
  [{ ...LEAST, models: { "f m": { kind: "fm" } } }, "letters, digits"],
  [{ ...LEAST, models: { fm: { dim: 8 } } }, "kind"],
  [{ ...LEAST, budgets: "10%" }, "budgets"],
  [{ ...LEAST, seed: 1 }, "seed"],
])("%j is refused", (content, words) => {
  const path = written(content);
  expect(() => readStudyFile(path)).toThrow(words);
  expect(() => readStudyFile(path)).toThrow(path);
});

test("no file, no JSON", () => {
  expect(() => isStudyFile(join(folder, "nowhere.json"))).toThrow("there is no such file");
  expect(() => isStudyFile(written("{"))).toThrow("is not JSON");
});
