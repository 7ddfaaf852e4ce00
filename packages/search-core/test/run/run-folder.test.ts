import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryOf } from "@trimtab/tensor-core";
import {
  EventLog,
  fileName,
  type RunConfig,
  RunFolder,
  RunFolderError,
  trainConfigSchema,
} from "../../src/index.ts";

const root = mkdtempSync(join(tmpdir(), "trimtab-run-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(root, String(count++));

const config: RunConfig = {
  version: 1,
  kind: "run",
  command: "trimtab train",
  data: { folder: "d", name: "d", hash: "aa", synthetic: true },
  model: { kind: "fm", dim: 8 },
  train: trainConfigSchema.parse({}),
  seed: 1,
};

describe("RunFolder", () => {
  test("is made once, opened again, and given back", () => {
    const path = fresh();
    RunFolder.create(path, config).close();
    expect(RunFolder.occupied(path)).toBe(true);
    expect(() => RunFolder.create(path, config)).toThrow("already holds a run");
    using run = RunFolder.open(path);
    expect(run.config).toEqual(config);
    run.close();
    expect(existsSync(join(path, "lock.json"))).toBe(false);
  });

  test("goes on only with the same settings, and names those that differ", () => {
    const path = fresh();
    RunFolder.create(path, config).close();
    const train = { ...config.train, checkpointSeconds: 1 };
    RunFolder.continue(path, { ...config, command: "other", train }).close();
    const other = { ...config, seed: 2, model: { kind: "fm", dim: 4 } };
    expect(() => RunFolder.continue(path, other)).toThrow(
      "model.dim: 8 there, 4 asked for; seed: 1 there, 2 asked for",
    );
    // the seeds of a comparison may grow
    const comparison: RunConfig = { ...config, kind: "comparison" };
    RunFolder.replace(path, comparison).close();
    RunFolder.continue(path, { ...comparison, seed: 5 }).close();
  });

  test("is nobody else's while it is open, but a process that is gone does not keep it", () => {
    const path = fresh();
    RunFolder.create(path, config).close();
    const lock = (pid: number) =>
      writeFileSync(join(path, "lock.json"), JSON.stringify({ pid, host: hostname() }));
    lock(process.ppid);
    expect(() => RunFolder.open(path)).toThrow(`in use by process ${process.ppid}`);
    const gone = Bun.spawnSync(["true"]).pid;
    lock(gone);
    RunFolder.open(path).close();
    writeFileSync(join(path, "lock.json"), "{");
    RunFolder.open(path).close();
  });

  test("is given back by the end of a process that did not close it, and only by its owner's", () => {
    const [mine, taken] = [fresh(), fresh()];
    for (const path of [mine, taken]) RunFolder.create(path, config).close();
    const index = JSON.stringify(join(import.meta.dirname, "..", "..", "src", "index.ts"));
    const lock = JSON.stringify(join(taken, "lock.json"));
    const script = `
      const { existsSync, writeFileSync } = require("node:fs");
      const { hostname } = require("node:os");
      const { RunFolder } = await import(${index});
      for (const path of ${JSON.stringify([mine, taken])}) RunFolder.open(path);
      if (!existsSync(${lock})) process.exit(1);
      writeFileSync(${lock}, JSON.stringify({ pid: process.ppid, host: hostname() }));
      process.exit(130);
    `;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    expect([exitCode, stderr.toString()]).toEqual([130, ""]);
    expect(existsSync(join(mine, "lock.json"))).toBe(false);
    expect(existsSync(join(taken, "lock.json"))).toBe(true);
  });

  test("does not take a folder that is something else", () => {
    const path = fresh();
    mkdirSync(path);
    writeFileSync(temporaryOf(join(path, "config.json")), "{");
    expect(RunFolder.occupied(path)).toBe(false); // a start that was killed at once
    writeFileSync(join(path, "a.txt"), "");
    for (const open of [RunFolder.open, RunFolder.occupied]) expect(() => open(path)).toThrow(RunFolderError);
    expect(() => RunFolder.replace(path, config)).toThrow("a.txt");
    expect(() => RunFolder.open(join(path, "a.txt"))).toThrow("is a file");
  });

  test("a start that came to nothing leaves nothing, one that trained leaves all", () => {
    const empty = fresh();
    const start = RunFolder.create(empty, config);
    start.events.append({ kind: "started" });
    start.abandon();
    expect(existsSync(empty)).toBe(false);

    const asked = fresh();
    const failed = RunFolder.create(asked, config);
    for (const name of ["asked.json", "report.html"]) writeFileSync(join(asked, name), "{}");
    failed.abandon();
    expect(existsSync(asked)).toBe(false);

    const mine = fresh();
    mkdirSync(mine);
    RunFolder.create(mine, config).abandon();
    expect(readdirSync(mine)).toEqual([]);

    const trained = fresh();
    const run = RunFolder.create(trained, config);
    mkdirSync(join(run.checkpoints, "base"), { recursive: true });
    writeFileSync(join(run.checkpoints, "base", "latest.safetensors"), "x");
    run.abandon();
    expect(readdirSync(trained).sort()).toEqual(["checkpoints", "config.json"]);
    RunFolder.open(trained).abandon();
    expect(RunFolder.occupied(trained)).toBe(true);
  });

  test("refuses a damaged result.json by name", () => {
    const path = fresh();
    using run = RunFolder.create(path, config);
    expect(run.rows()).toEqual({});
    writeFileSync(join(path, "result.json"), '{"version": 1, "rows": {"base": {}}}');
    expect(() => run.rows()).toThrow(/result\.json: rows\.base/);
  });
});

test("an event log closes off the line that a killed run left torn", () => {
  const path = join(root, "events.jsonl");
  const first = new EventLog(path);
  first.append({ kind: "one" });
  first.close();
  appendFileSync(path, '{"kind": "to');
  const second = new EventLog(path);
  second.append({ kind: "three" });
  second.close();
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[1]).toBe('{"kind": "to');
  expect([lines[0], lines[2]].map((line) => JSON.parse(line!).kind)).toEqual(["one", "three"]);
});

test("budgets make file names", () => {
  expect(["10%", "500k parameters", "64MiB", "../x"].map(fileName)).toEqual([
    "10%",
    "500k-parameters",
    "64MiB",
    "..-x",
  ]);
});
