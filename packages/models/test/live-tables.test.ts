// Models over live tables (a chunk store): with nothing pruned they train and score as over dense tables.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ChunkStoreError, ChunkStoreTables, type LookupBatch, uniform } from "@trimtab/embeddings";
import { type Device, Optimizer, openDevice } from "@trimtab/tensor-core";
import { feedsOf, needed, Random, randomValues } from "@trimtab/test-support";
import {
  buildModel,
  deepfm,
  dlrm,
  dnn,
  fm,
  type Model,
  type ModelConfig,
  scoreStep,
  tableRule,
  trainStep,
  wideDeep,
} from "../src/index.ts";
import { fields } from "./setting.ts";

setDefaultTimeout(120_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const BATCH = 12;
const common = { dim: 4, std: 0.3, learningRate: 0.02, tableOptimizer: "rowAdam" as const };
const configs: ModelConfig[] = [
  fm(common),
  dnn({ ...common, hidden: [5] }),
  wideDeep({ ...common, hidden: [5], lookupL2: 0.01 }),
  deepfm({ ...common, hidden: [5], batchNorm: true, dropout: 0.2 }),
  dlrm({ ...common, hidden: [5], dense: ["hour"], bottom: [6] }),
];

async function overStore(config: ModelConfig): Promise<Model> {
  const tables = await ChunkStoreTables.make(device, {
    fields,
    dim: 4,
    chunks: 2,
    rule: tableRule(config),
    seed: 3,
    std: config.std,
    capacity: 8,
  });
  return buildModel(device, config, uniform(fields, 4), { seed: 3, tables });
}

/** Losses of some steps, then logits. */
async function run(model: Model, clip?: number): Promise<number[]> {
  const { live } = model.tables;
  const optimizer = new Optimizer(device, model.groups());
  const random = new Random(6);
  const losses: number[] = [];
  let compiled = live?.generation;
  let train = await device.compile(trainStep(model, optimizer, BATCH, { clip }));
  const feedsFor = () => {
    const values = randomValues(fields, BATCH, random);
    const labels = Float32Array.from(values, () => random.below(2));
    const feeds = Object.assign(
      { labels, "rng.seed": 1 },
      ...model.layouts.map((l) => feedsOf(l, fields, values)),
    );
    const part = (name: string) => feeds[`all.${name}`] as Uint32Array;
    const plan = {
      rows: part("rows"),
      count: feeds["all.count"],
      sorted: part("sorted"),
      offsets: part("offsets"),
    };
    const batch: LookupBatch = { tables: [{ name: "all", ids: part("ids"), plan }] };
    return { feeds, batch };
  };
  for (let step = 1; step <= 6; step++) {
    const { feeds, batch } = feedsFor();
    await live?.prepare(batch);
    if (live?.generation !== compiled) {
      train.dispose();
      train = await device.compile(trainStep(model, optimizer, BATCH, { clip }));
      compiled = live?.generation;
    }
    const own = live?.feeds(batch, true);
    const next = optimizer.next(new Set(train.inputs));
    const { loss } = await train.fetch(needed(train, { ...feeds, "rng.step": step, ...own, ...next }));
    losses.push(loss[0]!);
  }
  using score = await device.compile(scoreStep(model, BATCH));
  const { feeds, batch } = feedsFor();
  const { logits } = await score.fetch(needed(score, { ...feeds, ...live?.feeds(batch, false) }));
  train.dispose();
  optimizer.dispose();
  return [...losses, ...logits];
}

describe.each(configs.map((config) => [config.kind, config] as const))("%s", (_, config) => {
  test.each([[undefined], [0.05]])("trains as over dense tables, clipped at %p", async (clip) => {
    const before = device.memory();
    const dense = await buildModel(device, config, uniform(fields, 4), { seed: 3 });
    const chunked = await overStore(config);
    const wanted = await run(dense, clip);
    const read = await run(chunked, clip);
    expect(read.length).toBe(wanted.length);
    // the same sums; where several parts of a model read a vector, kernels fuse otherwise and round otherwise
    read.forEach((x, i) => {
      expect(Math.abs(x - wanted[i]!)).toBeLessThan(2e-6 + 2e-6 * Math.abs(wanted[i]!));
    });
    expect((chunked.tables as ChunkStoreTables).generation).toBeGreaterThan(0);
    dense.dispose();
    chunked.dispose();
    expect(device.memory()).toEqual(before);
  });
});

test("a store made for another optimizer is refused", async () => {
  using model = await overStore(fm(common));
  const other = fm({ ...common, tableOptimizer: "rowSgd" });
  const tables = await ChunkStoreTables.make(device, {
    fields,
    dim: 4,
    chunks: 2,
    rule: tableRule(fm(common)),
    seed: 3,
  });
  using wrong = await buildModel(device, other, uniform(fields, 4), { seed: 3, tables });
  expect(model.groups()[0]!.name).toBe("tables");
  expect(() => wrong.groups()).toThrow(ChunkStoreError);
  expect(() => wrong.groups()).toThrow("trains tables by rowSgd, the store was made for rowAdam");
});
