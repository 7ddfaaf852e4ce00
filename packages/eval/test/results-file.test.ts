import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  appendResult,
  BadResultRowError,
  parseResultRow,
  ResultsFileError,
  readResults,
} from "@trimtab/eval";
import { resultRow } from "@trimtab/test-support";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trimtab-eval-"));
  path = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the schema", () => {
  test("an unknown key, at any depth, is an error that names it", () => {
    expect(() => parseResultRow({ ...resultRow(), sedes: {} })).toThrow(/sedes/);
    const row = resultRow();
    expect(() => parseResultRow({ ...row, bytes: { ...row.bytes, serv: 1 } })).toThrow(/bytes.*serv/);
  });

  test.each([
    ["parameters", { parameters: 1.5 }],
    ["parameters", { parameters: -1 }],
    ["date", { date: "yesterday" }],
    ["seconds.train", { seconds: { train: Number.NaN } }],
    ["command", { command: "" }],
    ["version", { version: 2 }],
  ])("a wrong %s is named", (key, change) => {
    expect(() => parseResultRow({ ...resultRow(), ...change }, "row 3")).toThrow(BadResultRowError);
    expect(() => parseResultRow({ ...resultRow(), ...change }, "row 3")).toThrow(
      new RegExp(`row 3 .*${key}`),
    );
  });

  test("all wrong keys are named together", () => {
    expect(() => parseResultRow({ ...resultRow(), model: 1, method: 2 })).toThrow(/model: .*method: /);
  });
});

describe("results files", () => {
  test("what was appended is read back", () => {
    const rows = [resultRow(), resultRow({ budget: null, method: "base\nnew line" })];
    for (const row of rows) appendResult(path, row);
    expect(readResults(path)).toEqual({ rows, problems: [] });
    expect(readFileSync(path, "utf8").split("\n").length).toBe(3);
  });

  test("law: cut anywhere, whole rows are read, the torn one is reported, and appending still works", () => {
    const rows = [resultRow({ parameters: 1 }), resultRow({ parameters: 2, adapter: "Größe µ" })];
    for (const row of rows) appendResult(path, row);
    const whole = readFileSync(path);
    const firstEnd = whole.indexOf("\n") + 1;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length }), (length) => {
        writeFileSync(path, whole);
        truncateSync(path, length);
        const complete = (length >= firstEnd - 1 ? 1 : 0) + (length >= whole.length - 1 ? 1 : 0);
        const torn =
          length > 0 && length !== firstEnd && length < whole.length - 1 && length !== firstEnd - 1;
        const read = readResults(path);
        expect(read.rows).toEqual(rows.slice(0, complete));
        expect(read.problems.map((p) => p.kind)).toEqual(torn ? ["torn"] : []);

        const next = resultRow({ parameters: 3 });
        appendResult(path, next);
        const after = readResults(path);
        expect(after.rows).toEqual([...rows.slice(0, complete), next]);
        expect(after.problems.map((p) => p.kind)).toEqual(torn ? ["broken"] : []);
        if (torn) expect(readFileSync(path).subarray(0, length)).toEqual(whole.subarray(0, length));
      }),
      settings,
    );
  });

  test("a broken line is reported with its number, the rest is read", () => {
    appendResult(path, resultRow());
    appendFileSync(path, 'not json\n{"version":1}\n\n');
    appendResult(path, resultRow({ parameters: 5 }));
    const { rows, problems } = readResults(path);
    expect(rows.map((row) => row.parameters)).toEqual([1000, 5]);
    expect(problems.map(({ line, kind }) => [line, kind])).toEqual([
      [2, "broken"],
      [3, "broken"],
    ]);
    expect(problems[0]!.message).toContain("line 2 of");
    expect(problems[1]!.message).toContain("command");
  });

  test("a row that does not fit is refused before the file is touched", () => {
    expect(() => appendResult(path, { ...resultRow(), parameters: Number.NaN })).toThrow(BadResultRowError);
    expect(existsSync(path)).toBe(false);
  });

  test("a missing file and a folder in its place are named errors", () => {
    expect(() => readResults(path)).toThrow(ResultsFileError);
    expect(() => readResults(path)).toThrow(/results\.jsonl.*ENOENT/);
    expect(() => appendResult(folder, resultRow())).toThrow(/EISDIR/);
  });
});
