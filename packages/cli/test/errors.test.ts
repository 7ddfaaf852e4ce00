// What bad input gets: one line that names the place and the mend, no stack, exit code 1 or 2, nothing damaged.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { must, type Ran, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK, trainedRun } from "./support/data.ts";
import { hidden, withAdapter } from "./support/engines.ts";

setDefaultTimeout(60_000);

function isOneError({ code, out, err }: Ran, expected: 1 | 2, ...words: (string | RegExp)[]): void {
  expect(err.split("\n").filter((line) => line.startsWith("error: "))).toHaveLength(1);
  for (const word of words) expect(err).toMatch(word);
  expect(err).not.toMatch(/^\s+at /m);
  expect(out).toBe("");
  expect(code).toBe(expected);
}

const SCHEMA = { label: "click", fields: [{ name: "user" }, { name: "price", kind: "numeric" }] };
const GOOD = Array.from({ length: 60 }, (_, i) => `${i % 2},u${i % 7},${i}`);

/** A log of 60 rows with one line replaced. */
function log(folder: string, { schema = SCHEMA, line, text = "", empty = false }: LogOptions = {}): string {
  const rows = [...GOOD];
  if (line !== undefined) rows[line] = text;
  writeFileSync(join(folder, "clicks.csv"), empty ? "" : `click,user,price\n${rows.join("\n")}\n`);
  writeFileSync(join(folder, "schema.json"), JSON.stringify(schema));
  return join(folder, "clicks.csv");
}
interface LogOptions {
  readonly schema?: unknown;
  readonly line?: number;
  readonly text?: string;
  readonly empty?: boolean;
}

describe("a log", () => {
  const cases: [string, LogOptions, 1 | 2, (string | RegExp)[]][] = [
    ["that is empty", { empty: true }, 1, ["clicks.csv"]],
    ["with a broken row", { line: 3, text: "1,u1,3,9,9" }, 1, ["clicks.csv", "line 5"]],
    ["with a label that is not 0 or 1", { line: 4, text: "2,u1,3" }, 1, ["line 6", '"click"', '"2"']],
    ["with a NaN", { line: 5, text: "1,u1,NaN" }, 1, ["line 7", '"price"', "NaN"]],
    ["with an unknown field", { schema: { label: "click", fields: [{ name: "usr" }] } }, 2, ["usr"]],
    ["with an unknown key", { schema: { ...SCHEMA, lable: "x" } }, 2, ['unknown key "lable"']],
  ];
  test.each(cases)("%s is refused with its place", async (_, options, code, words) => {
    const cwd = freshFolder();
    const source = log(cwd, options);
    const before = readdirSync(cwd).sort();
    isOneError(await trimtab(["prepare", source, "--out", "d.trimtab"], { cwd }), code, ...words);
    expect(readdirSync(cwd).sort()).toEqual(before);
  });

  test("that is missing is refused", async () => {
    const cwd = freshFolder();
    isOneError(
      await trimtab(["prepare", "nowhere.csv", "--out", "d"], { cwd }),
      1,
      "nowhere.csv",
      "no such file",
    );
    isOneError(
      await trimtab(["train", "--data", "nowhere.csv", ...QUICK, "--run", "r"], { cwd }),
      1,
      "nowhere.csv",
    );
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("does not replace what is at the output", async () => {
    const cwd = freshFolder();
    const source = log(cwd);
    mkdirSync(join(cwd, "mine"));
    writeFileSync(join(cwd, "mine", "precious.txt"), "keep");
    isOneError(await trimtab(["prepare", source, "--out", "mine"], { cwd }), 1, "already there");
    isOneError(
      await trimtab(["prepare", source, "--out", "mine", "--force"], { cwd }),
      1,
      "not ours to replace",
    );
    expect(readFileSync(join(cwd, "mine", "precious.txt"), "utf8")).toBe("keep");
  });
});

describe("a dataset folder", () => {
  test("that was cut short is refused", async () => {
    const cwd = freshFolder();
    cpSync(await dataset(), join(cwd, "d.trimtab"), { recursive: true });
    truncateSync(join(cwd, "d.trimtab", "train.parquet"), 100);
    const ran = await trimtab(["train", "--data", "d.trimtab", ...QUICK, "--run", "r"], { cwd });
    isOneError(ran, 1, "train.parquet", "has 100 bytes", "prepare the dataset again");
    expect(existsSync(join(cwd, "r"))).toBe(false);
  });
});

describe("settings", () => {
  const config = (value: unknown) => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "c.json"), typeof value === "string" ? value : JSON.stringify(value));
    return cwd;
  };
  const train = async (cwd: string, ...more: string[]) =>
    trimtab(["train", "--data", await dataset(), ...more, "--run", "r"], { cwd });

  test.each([
    ["in the file", { model: { kind: "fm" }, trian: {} }, ["c.json", "trian"]],
    ["in its model", { model: { kind: "fm", dims: 3 } }, ["c.json", "dims"]],
    ["in its training", { model: { kind: "fm" }, train: { epoch: 3 } }, ["c.json", "epoch"]],
    ["that is not JSON", "{", ["c.json", "not JSON"]],
    ["of a wrong type", { model: { kind: "fm" }, train: { batch: "big" } }, ["batch"]],
  ])("an unknown key %s is named", async (_, value, words) => {
    const cwd = config(value);
    isOneError(await train(cwd, "--config", "c.json"), 2, ...words);
    expect(existsSync(join(cwd, "r"))).toBe(false);
  });

  test("that the model does not have are named", async () => {
    isOneError(await train(freshFolder(), "--model", "fm", "--dropout", "0.2"), 2, "fm", "dropout");
  });

  test("without a model are refused", async () => {
    isOneError(await train(freshFolder()), 2, "--model");
  });

  test("of a method are checked before anything is trained", async () => {
    const cwd = freshFolder();
    const search = ["search", "--data", await dataset(), ...QUICK, "--run", "r", "--budget", "10%"];
    isOneError(await trimtab([...search, "--set", "batchs=3"], { cwd }), 2, "sseds", "batchs");
    isOneError(await trimtab([...search, "--method", "magic"], { cwd }), 2, "magic", "smaller-dim");
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("a run folder", () => {
  test("that is not ours is refused, with --force too", async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "thesis.txt"), "keep");
    for (const more of [[], ["--force"], ["--resume"]]) {
      const ran = await trimtab(["train", "--data", await dataset(), ...QUICK, "--run", ".", ...more], {
        cwd,
      });
      isOneError(ran, 1, "thesis.txt", "not a run folder");
    }
    expect(readdirSync(cwd)).toEqual(["thesis.txt"]);
  });

  test("that is half written is refused", async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, "r"));
    writeFileSync(join(cwd, "r", "config.json"), '{"version": 1, "ki');
    isOneError(await trimtab(["train", "--run", "r", "--resume"], { cwd }), 1, "config.json", "half written");
    writeFileSync(join(cwd, "r", "config.json"), '{"version": 9}');
    isOneError(await trimtab(["evaluate", "--run", "r"], { cwd }), 1, "config.json", "version");
  });

  test("whose checkpoint was cut short is refused, with the way to go on", async () => {
    const cwd = freshFolder();
    cpSync(await trainedRun(), join(cwd, "r"), { recursive: true });
    truncateSync(join(cwd, "r", "checkpoints", "base", "latest.safetensors"), 1000);
    const ran = await trimtab(["train", "--run", "r", "--resume"], { cwd });
    isOneError(ran, 1, "latest.safetensors", "damaged", "--force", /remove .*checkpoints\/base/);
  });

  test("that is not there is refused by verbs that read it", async () => {
    const cwd = freshFolder();
    isOneError(await trimtab(["evaluate", "--run", "r"], { cwd }), 1, "no run here");
    isOneError(await trimtab(["retrain", "--run", "r", "--budget", "10%"], { cwd }), 1, "no run here");
    isOneError(await trimtab(["retrain", "--run", "r"], { cwd }), 2, "--budget", "--scheme");
  });

  test("that another process works in is refused", async () => {
    const cwd = freshFolder();
    cpSync(await trainedRun(), join(cwd, "r"), { recursive: true });
    writeFileSync(join(cwd, "r", "lock.json"), JSON.stringify({ pid: process.pid, host: hostname() }));
    isOneError(
      await trimtab(["train", "--run", "r", "--resume"], { cwd, alone: true }),
      1,
      `in use by process ${process.pid}`,
    );
  });

  test("of another run is not overwritten", async () => {
    const run = await trainedRun();
    const cwd = freshFolder();
    const before = readFileSync(join(run, "checkpoints", "base", "best.safetensors"));
    const train = ["train", "--data", await dataset(), ...QUICK, "--run", run];
    isOneError(await trimtab(train, { cwd }), 1, "already holds a run", "--resume", "--force");
    isOneError(
      await trimtab([...train, "--resume", "--seed", "9"], { cwd }),
      1,
      "seed: 1 there, 9 asked for",
    );
    isOneError(await trimtab([...train, "--resume", "--force"], { cwd }), 2, "exclude each other");
    expect(readFileSync(join(run, "checkpoints", "base", "best.safetensors"))).toEqual(before);
  });
});

describe("budgets", () => {
  test("that cannot be read are wrong use", async () => {
    const run = await trainedRun();
    const search = ["search", "--run", run, "--budget"];
    isOneError(await trimtab([...search, "ten"], { cwd: run }), 2, '"ten"', '"64MiB"');
    isOneError(await trimtab([...search, "120%"], { cwd: run }), 2, "at most 100%");
    const compare = ["compare", "--data", await dataset(), ...QUICK, "--run", "r", "--budgets", "0%"];
    isOneError(await trimtab(compare, { cwd: freshFolder() }), 2, "above zero");
  });

  test("that no scheme can meet say why", async () => {
    const run = await trainedRun();
    const ran = await trimtab(["search", "--run", run, "--budget", "8B", "--method", "smaller-dim"], {
      cwd: run,
    });
    isOneError(ran, 1, "8B", /dim 1 already costs \d+ bytes/);
  });

  test("that were never searched are named, with those that were", async () => {
    const run = await trainedRun();
    isOneError(
      await trimtab(["retrain", "--run", run, "--budget", "3%"], { cwd: run }),
      1,
      "3%",
      "trimtab search",
    );
  });
});

describe("the machine", () => {
  test("a batch larger than the data is refused", async () => {
    const cwd = freshFolder();
    const ran = await trimtab(
      ["train", "--data", await dataset(), "--model", "fm", "--batch", "5000", "--run", "r"],
      { cwd },
    );
    isOneError(ran, 1, "5000", "2000");
    expect(readdirSync(cwd)).toEqual([]);
  });

  withAdapter("a table over the adapter's limit is refused with the limit", async () => {
    const cwd = freshFolder();
    await must(["generate", "--rows", "3000", "--out", "log"], { cwd });
    // 128 MiB a binding, which every adapter can do, so that the test is the same on all of them
    const bun = ["--preload", join(import.meta.dirname, "support", "default-limits.ts")];
    const train = [
      "train",
      "--data",
      "log",
      "--model",
      "fm",
      "--dim",
      "65520",
      "--run",
      "r",
      "--engine",
      "webgpu",
    ];
    isOneError(await trimtab(train, { cwd, bun }), 1, "134217728 bytes", "higher minimum count");
  });

  test("without a driver everything works; --engine webgpu is one sentence that says what to install", async () => {
    const cwd = freshFolder();
    if (process.platform !== "linux") {
      console.log("not run: only on Linux can a driver be hidden from a process");
      return;
    }
    const train = ["train", "--data", await dataset(), ...QUICK, "--run", "r"];
    isOneError(await trimtab([...train, "--engine", "webgpu"], { cwd, env: hidden }), 1, "install a driver");
    expect(readdirSync(cwd)).toEqual([]);
    const { err } = await must(train, { cwd, env: hidden });
    expect(err).not.toMatch(/warning|driver/i);
    expect(existsSync(join(cwd, "r", "result.json"))).toBe(true);
  });

  withAdapter("a lost device ends in one error that says how to go on", async () => {
    const cwd = freshFolder();
    const lose = join(import.meta.dirname, "support", "lose-device.ts");
    const train = [
      "train",
      "--data",
      await dataset(),
      ...QUICK,
      "--engine",
      "webgpu",
      "--epochs",
      "5000",
      "--patience",
      "5000",
      "--run",
      "r",
    ];
    isOneError(
      await trimtab(train, { cwd, bun: ["--preload", lose] }),
      1,
      "lost",
      "trimtab train --run r --resume",
    );
  });
});

test("--debug shows the stack, --json gives the error as a document", async () => {
  const cwd = freshFolder();
  const args = ["prepare", "nowhere.csv", "--out", "d"];
  const debug = await trimtab([...args, "--debug"], { cwd });
  expect(debug.err).toMatch(/^\s+at /m);
  const json = await trimtab([...args, "--json"], { cwd });
  expect(JSON.parse(json.out)).toMatchObject({ error: { name: "MissingFileError" } });
  expect(json.code).toBe(1);
});
