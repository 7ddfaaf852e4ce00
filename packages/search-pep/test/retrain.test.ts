// Retraining under a mask: it starts from the very first values of the search, or from others; and it learns.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import type { ElementScheme } from "@trimtab/embeddings";
import { buildModel, fm } from "@trimtab/models";
import { Scorer, Task } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { openStage, pep, pepConfigSchema, settingsOf } from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
let data: Dataset;
const root = mkdtempSync(join(tmpdir(), "trimtab-pep-retrain-"));
const MODEL = fm({ dim: 4, learningRate: 0.02, tableOptimizer: "rowAdam", std: 0.1 });
const SEARCH = { steps: 40, countEvery: 5 } as const;
const DIM = 4;

beforeAll(async () => {
  await generateDataset({ rows: 6000, seed: 5, out: join(root, "log.trimtab") });
  data = await openDataset(join(root, "log.trimtab"));
  device = await openDevice();
});
afterAll(() => {
  device.dispose();
  rmSync(root, { recursive: true, force: true });
});

async function found(retrain: "initial" | "fresh") {
  const task = new Task({ data, model: MODEL, device, seed: 9, train: { batch: 512, scoreBatch: 512 } });
  const result = await pep({ ...SEARCH, retrain }).search(task, { budgets: ["20%"] });
  return { task, one: result.found[0]!, scheme: result.found[0]!.scheme as ElementScheme };
}

/** Logits of a model under the mask, as retraining starts, and of the search's own first values with the rest at zero. */
async function beginnings(retrain: "initial" | "fresh") {
  const { task, one, scheme } = await found(retrain);
  const { valid, fields } = await task.splits();
  using small = await buildModel(device, MODEL, scheme, { seed: task.seed });
  await one.prepare?.(small);
  const settings = settingsOf(pepConfigSchema.parse(SEARCH), task);
  const stage = await openStage(device, task, { ...settings, batch: 64 });
  const [table] = stage.model.tables.tableVariables;
  const masked = (await table!.read()) as Float32Array;
  let row = 0;
  scheme.fields.forEach((field, f) => {
    for (let r = 0; r < field.rows; r++, row++) {
      for (let j = 0; j < DIM; j++) if (!scheme.has(f, r, j)) masked[row * DIM + j] = 0;
    }
  });
  table!.write(masked);
  const logits: Float32Array[] = [];
  for (const model of [small, stage.model]) {
    const scorer = await Scorer.make(device, model, fields, 512);
    logits.push(await scorer.logits(valid));
    await scorer.close();
  }
  stage.dispose();
  await task.dispose();
  return { small: logits[0]!, masked: logits[1]! };
}

const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

test("initial: a retraining starts as the search did, pruned numbers at zero", async () => {
  const { small, masked } = await beginnings("initial");
  expect(apart(small, masked)).toBeLessThan(1e-5);
  expect(Math.max(...masked.map(Math.abs))).toBeGreaterThan(1e-2);
});

test("fresh: it starts elsewhere", async () => {
  const { small, masked } = await beginnings("fresh");
  expect(apart(small, masked)).toBeGreaterThan(1e-2);
});

test("the model under the mask learns, and holds no number that was pruned", async () => {
  const { task, one, scheme } = await found("initial");
  const before = device.memory();
  const trained = await task.trainUnder(scheme, { name: "retrained", prepare: one.prepare });
  expect(trained.valid.auc).toBeGreaterThan(0.55);
  expect(trained.model.tables.bytes).toBe(scheme.serveBytes());
  await trained.dispose();
  const { variables, variableBytes, programs } = device.memory();
  expect({ variables, variableBytes, programs }).toEqual({
    variables: before.variables,
    variableBytes: before.variableBytes,
    programs: before.programs,
  });
  await task.dispose();
});
