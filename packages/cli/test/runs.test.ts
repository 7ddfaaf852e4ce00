// The verbs one after another on one run folder, as a person would type them.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseResultRow } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK, trainedRun } from "./support/data.ts";

setDefaultTimeout(120_000);
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

test("train leaves a whole run folder, and finds it finished when it is asked again", async () => {
  const run = await trainedRun();
  const { rows } = read(run, "result.json");
  const row = parseResultRow(rows.base);
  expect(row).toMatchObject({ method: "base", budget: null, synthetic: true, seeds: { run: 1 } });
  expect(row.metrics.test).toBeNull();
  const config = read(run, "config.json");
  expect(config).toMatchObject({
    kind: "run",
    seed: 1,
    model: { kind: "fm", dim: 8 },
    train: { batch: 500 },
  });
  expect(config.train.patience).toBe(2);
  const again = await must(["train", "--run", run, "--resume", "--json"], { cwd: run });
  expect(again.err).toBe("");
  expect(parseResultRow(JSON.parse(again.out)).metrics.valid).toEqual(row.metrics.valid);
  const kinds = readFileSync(join(run, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).kind);
  expect(kinds.filter((kind) => kind === "evaluation")).toHaveLength(3);
  expect(kinds).toContain("resumed");
});

test("search, retrain and evaluate go on from it", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  const search = await must(["search", "--run", run, "--budget", "60%", "--budget", "30%"], { cwd });
  expect(search.out).toContain("dim at 30%");
  expect(search.err).not.toContain("base epoch"); // the base model was there
  for (const budget of ["60%", "30%"])
    expect(existsSync(join(run, "schemes", `sseds-${budget}.json`))).toBe(true);

  // a later search adds to the earlier one
  const more = await must(["search", "--run", run, "--budget", "80%", "--json"], { cwd });
  expect(JSON.parse(more.out).found.map((f: { budget: string }) => f.budget)).toEqual(["80%"]);
  const retrain = await must(["retrain", "--run", run, "--budget", "30%", "--json"], { cwd });
  const row = parseResultRow(JSON.parse(retrain.out));
  expect(Object.keys(row.seconds).sort()).toEqual(["base", "evaluate", "search", "train"]);
  expect(row).toMatchObject({ method: "sseds", budget: "30%" });
  expect(row.bytes.serve).toBeLessThanOrEqual(0.3 * row.bytes.uniform);

  const evaluate = await must(["evaluate", "--run", run, "--baseline", "--json"], { cwd });
  const { models, split, synthetic } = JSON.parse(evaluate.out);
  expect({ split, synthetic }).toEqual({ split: "test", synthetic: true });
  expect(models.map((m: { name: string }) => m.name)).toEqual(["base", "sseds-30%"]);
  expect(read(run, "result.json").rows["sseds-30%"].metrics.test).toEqual(models[1].metrics);
  // the best weights came back: validation says what training said
  const valid = await must(["evaluate", "--run", run, "--name", "sseds-30%", "--split", "valid", "--json"], {
    cwd,
  });
  expect(JSON.parse(valid.out).models[0].metrics).toEqual(row.metrics.valid);
});

test("a scheme file can be retrained by itself, but not on other fields", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  await must(["search", "--run", run, "--method", "smaller-dim", "--budget", "50%"], { cwd });
  const file = join(run, "schemes", "smaller-dim-50%.json");
  const retrain = await must(["retrain", "--run", run, "--scheme", file], { cwd });
  expect(retrain.out).toContain("(2.00x smaller)");
  const scheme = read(file);
  scheme.fields[0].rows++;
  writeFileSync(join(cwd, "other.json"), JSON.stringify(scheme));
  const other = await trimtab(["retrain", "--run", run, "--scheme", "other.json"], { cwd });
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/is for fields user \(\d+\)/);
});

test("another model under a name has nothing of what was found for the one before", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  const steps = async (scheme: string) => {
    await must(["search", "--run", run, "--budget", "25%", "--set", `score=${scheme}`], { cwd });
    const again = await must(["retrain", "--run", run, "--budget", "25%", "--force", "--json"], { cwd });
    return parseResultRow(JSON.parse(again.out)).metrics.test;
  };
  expect(await steps("saliency")).toBeNull();
  await must(["evaluate", "--run", run, "--name", "sseds-25%"], { cwd });
  const found = read(run, "result.json").rows["sseds-25%"].metrics.test;
  expect(found).not.toBeNull();
  // the same model again is still that model
  expect(await steps("saliency")).toEqual(found);
  expect(await steps("saliency-per-cost")).toBeNull();
});

test("a budget that several methods met asks which; inherited weights are found again", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  await must(["search", "--run", run, "--method", "dims-by-size", "--budget", "40%"], { cwd });
  await must(["search", "--run", run, "--budget", "40%", "--set", "retrain=inherit"], { cwd });
  const both = await trimtab(["retrain", "--run", run, "--budget", "40%"], { cwd });
  expect(both.code).toBe(2);
  expect(both.err).toContain("--method (one of dims-by-size, sseds)");
  const retrain = await must(["retrain", "--run", run, "--budget", "40%", "--method", "sseds", "--json"], {
    cwd,
  });
  const { epochs } = parseResultRow(JSON.parse(retrain.out)).config as { epochs: number };
  expect(epochs).toBeGreaterThan(0);
});

test.each([
  ["pep", ["--set", "steps=40", "--set", "countEvery=5"]],
  ["magnitude", []],
])("%s finds masks of single numbers, which are kept, told and retrained", async (method, sets) => {
  const run = await trainedRun();
  const cwd = freshFolder();
  const budgets = ["--budget", "45%", "--budget", "22%"];
  const search = await must(["search", "--run", run, "--method", method, ...budgets, ...sets, "--json"], {
    cwd,
  });
  const shown = JSON.parse(search.out);
  expect(shown.method).toBe(method);
  const scheme = read(join(run, "schemes", `${method}-22%.json`));
  expect(scheme.kind).toBe("elements");
  const retrain = await must(["retrain", "--run", run, "--method", method, "--budget", "22%", "--json"], {
    cwd,
  });
  const row = parseResultRow(JSON.parse(retrain.out));
  expect(row.metrics.valid!.auc).toBeGreaterThan(0.5);
  expect(row.bytes.serve).toBe(shown.found[1].bytes);
  // what the search told before it started is in the run's log
  if (method !== "pep") return;
  expect(readFileSync(join(run, "events.jsonl"), "utf8")).toContain('"kind":"note","method":"pep"');
});

test("adass searches dims by the command, tells its memory, and its schemes are retrained", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  const sets = ["candidates=[0,2,4]", "epochs=2", "iterations=5", "paths=4"].flatMap((s) => ["--set", s]);
  const budgets = ["--budget", "40%", "--budget", "20%"];
  const search = await must(["search", "--run", run, "--method", "adass", ...budgets, ...sets, "--json"], {
    cwd,
  });
  const shown = JSON.parse(search.out);
  expect(shown.method).toBe("adass");
  expect(shown.found).toHaveLength(2);
  const scheme = read(join(run, "schemes", "adass-20%.json"));
  for (const dim of scheme.dims) expect([0, 2, 4, 8]).toContain(dim);
  expect(readFileSync(join(run, "events.jsonl"), "utf8")).toContain('"kind":"note","method":"adass"');
  const retrain = await must(["retrain", "--run", run, "--method", "adass", "--budget", "20%", "--json"], {
    cwd,
  });
  const row = parseResultRow(JSON.parse(retrain.out));
  expect(row.bytes.serve).toBeLessThanOrEqual(0.2 * row.bytes.uniform);
});

describe("--force", () => {
  test("replaces the run and nothing else in the folder", async () => {
    const cwd = freshFolder();
    const train = ["train", "--data", await dataset(), ...QUICK, "--run", "r"];
    await must([...train, "--max-steps", "2"], { cwd });
    writeFileSync(join(cwd, "r", "thoughts.txt"), "keep");
    const before = readFileSync(join(cwd, "r", "checkpoints", "base", "best.safetensors"));
    await must([...train, "--max-steps", "3", "--force"], { cwd });
    expect(readFileSync(join(cwd, "r", "checkpoints", "base", "best.safetensors"))).not.toEqual(before);
    expect(readFileSync(join(cwd, "r", "thoughts.txt"), "utf8")).toBe("keep");
  });
});

test("a raw log is prepared once, beside the runs", async () => {
  const cwd = freshFolder();
  await must(["generate", "--rows", "1000", "--out", "log"], { cwd });
  // preparing comes before the device: with a name that is no engine this is quick
  const env = { TRIMTAB_ENGINE: "none" };
  const train = (run: string) =>
    trimtab(["train", "--data", "log", ...QUICK, "--run", join("runs", run)], { cwd, env });
  expect((await train("a")).err).toContain("was prepared once into runs/prepared/log-");
  expect((await train("b")).err).toContain("was prepared before");
  writeFileSync(
    join(cwd, "log", "schema.json"),
    readFileSync(join(cwd, "log", "schema.json"), "utf8").trimEnd(),
  );
  expect((await train("c")).err).toContain("was prepared once");
});
