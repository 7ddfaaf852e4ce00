// Training learns: a planted factorisation machine, fresh rows each step, its AUC measured on rows never trained on.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { perField, uniform } from "@trimtab/embeddings";
import { type Device, Optimizer, openDevice } from "@trimtab/tensor-core";
import { feedsOf, needed, Random, randomValues } from "@trimtab/test-support";
import { buildModel, deepfm, dlrm, fm, type ModelConfig, scoreStep, trainStep } from "../src/index.ts";

// a software device takes seconds to compile a training step
setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const fields = [
  { name: "user", rows: 12, slots: 1 },
  { name: "item", rows: 15, slots: 1 },
  { name: "hour", rows: 5, slots: 1 },
];

/** Rows whose clicks follow from the sign-like product of planted user and item vectors; hours mean nothing. */
function rows(count: number, random: Random) {
  const values = randomValues(fields, count, random);
  const logit = ([user, item]: number[][]) =>
    4 * Math.cos((2 * Math.PI * user![0]!) / 12 - (2 * Math.PI * item![0]!) / 15);
  const labels = Float32Array.from(values, (row) =>
    random.next() < 1 / (1 + Math.exp(-logit(row))) ? 1 : 0,
  );
  return { values, labels };
}

/** Share of (click, non-click) pairs in the right order. */
function aucOf(logits: ArrayLike<number>, labels: ArrayLike<number>): number {
  let right = 0;
  let pairs = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let j = 0; j < labels.length; j++) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      if (logits[i]! > logits[j]!) right += 1;
      else if (logits[i] === logits[j]) right += 0.5;
    }
  }
  return right / pairs;
}

const batch = 128;

async function learn(config: ModelConfig, scheme = uniform(fields, 4)) {
  const random = new Random(5);
  const model = await buildModel(device, config, scheme, { seed: 3 });
  const optimizer = new Optimizer(device, model.groups());
  using train = await device.compile(trainStep(model, optimizer, batch));
  using score = await device.compile(scoreStep(model, batch));
  const held = rows(batch, new Random(99));
  const feedsFor = ({ values, labels }: ReturnType<typeof rows>) =>
    Object.assign({ labels, "rng.seed": 3 }, ...model.layouts.map((l) => feedsOf(l, fields, values)));
  const auc = async () => aucOf((await score.fetch(needed(score, feedsFor(held)))).logits, held.labels);
  const before = await auc();
  const losses: number[] = [];
  for (let step = 1; step <= 150; step++) {
    const feeds = needed(train, { ...feedsFor(rows(batch, random)), "rng.step": step });
    losses.push((await train.fetch({ ...feeds, ...optimizer.next(new Set(train.inputs)) })).loss[0]!);
  }
  const after = await auc();
  const summed = (await model.lossSum.read())[0]!;
  optimizer.dispose();
  model.dispose();
  const mean = (part: readonly number[]) => part.reduce((n, x) => n + x, 0) / part.length;
  return { before, after, first: losses[0]!, last: mean(losses.slice(-10)), losses, summed };
}

describe.each(["adam", "rowAdam", "adagrad", "rowAdagrad"] as const)("FM with %s", (tableOptimizer) => {
  test("the loss falls and held-out AUC rises", async () => {
    const learningRate = tableOptimizer.toLowerCase().endsWith("adagrad") ? 0.2 : 0.03;
    const found = await learn(fm({ dim: 4, learningRate, tableOptimizer, std: 0.1 }));
    expect(found.first).toBeGreaterThan(0.6);
    expect(found.last).toBeLessThan(0.45);
    expect(found.before).toBeLessThan(0.7);
    expect(found.after).toBeGreaterThan(0.85);
  });
});

test("DeepFM with batch norm and dropout under per-field dims learns too, and adds its losses up", async () => {
  const config = deepfm({
    dim: 4,
    hidden: [16, 8],
    batchNorm: true,
    dropout: 0.1,
    learningRate: 0.02,
    std: 0.1,
  });
  const scheme = perField(fields, [4, 3, 0], { base: 4, projection: "linear" });
  const found = await learn(config, scheme);
  expect(found.last).toBeLessThan(0.5);
  expect(found.after).toBeGreaterThan(0.83);
  expect(found.summed / found.losses.reduce((n, x) => n + x, 0)).toBeCloseTo(1, 4);
});

test("DLRM with a bottom tower, batch norm and dropout learns the product too", async () => {
  const config = dlrm({
    dim: 4,
    dense: ["hour"],
    bottom: [8],
    hidden: [16, 8],
    batchNorm: true,
    dropout: 0.1,
    learningRate: 0.03,
    std: 0.3,
  });
  const found = await learn(config);
  expect(found.before).toBeLessThan(0.7);
  expect(found.last).toBeLessThan(0.5);
  expect(found.after).toBeGreaterThan(0.83);
});
