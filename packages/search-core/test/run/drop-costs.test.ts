// What a field is worth to the base model: the AUC of a model whose table says nothing of the field, and nothing stays changed.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DenseTables } from "@trimtab/embeddings";
import { auc, readResults } from "@trimtab/eval";
import { fm } from "@trimtab/models";
import {
  compare,
  dropCosts,
  RunFolder,
  recallDropCosts,
  runConfigSchema,
  smallerDim,
  trainConfigSchema,
} from "../../src/index.ts";
import { openTiny, type Tiny } from "../tiny-task.ts";

setDefaultTimeout(120_000);
let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny(3000, fm({ dim: 4, learningRate: 0.05 }));
});
afterAll(() => tiny.close());

test("each field's AUC is that of the model with its rows at zero; the model is as before", async () => {
  const task = tiny.makeTask({ seed: 5 });
  const base = await task.base();
  const { valid } = await task.splits();
  const { device, data } = tiny;
  const tables = base.model.tables as DenseTables;
  expect(tables).toBeInstanceOf(DenseTables);
  const before = await tables.tableVariables[0]!.read();
  const scores = await base.score(valid);
  const seen: number[] = [];
  const costs = await dropCosts({
    ...{ device, model: base.model, fields: data.fields, valid, scoreBatch: 100 },
    onField: (done) => seen.push(done),
  });
  expect(costs.rows).toBe(valid.rows);
  expect(costs.auc).toBe(auc(scores, valid.labels));
  expect(costs.fields.map(({ name }) => name)).toEqual(data.fields.map(({ name }) => name));
  expect(seen).toEqual(data.fields.map((_, f) => f + 1));
  expect(await tables.tableVariables[0]!.read()).toEqual(before);
  expect(await base.score(valid)).toEqual(scores);

  // by another way: FM's pairwise part over what the other fields say, in Float64
  const dim = 4;
  const linear = base.model.state.get("linear.weight")!;
  const weights = await linear.read();
  const [bias] = await base.model.state.get("linear.bias")!.read();
  for (const [left, { auc: told }] of costs.fields.entries()) {
    const logits = Float64Array.from({ length: valid.rows }, (_, row) => {
      let logit = bias!;
      const sum = new Float64Array(dim);
      let squares = 0;
      for (const [f, { slots }] of data.fields.entries()) {
        const from = tables.placeOf(f)!.base;
        const ids = [...valid.ids[f]!.subarray(row * slots, (row + 1) * slots)].filter(
          (id) => id !== 0xffffffff,
        );
        const mean = new Float64Array(dim);
        for (const id of ids) {
          logit += weights[from + id]! / ids.length;
          for (let j = 0; j < dim; j++) mean[j]! += before[(from + id) * dim + j]! / ids.length;
        }
        if (f === left) continue;
        for (let j = 0; j < dim; j++) {
          sum[j]! += mean[j]!;
          squares += mean[j]! ** 2;
        }
      }
      return logit + (sum.reduce((s, v) => s + v * v, 0) - squares) / 2;
    });
    expect(auc(logits, valid.labels)).toBeCloseTo(told, 4);
  }
  // the fields are not all worth the same
  expect(new Set(costs.fields.map((field) => field.auc)).size).toBeGreaterThan(1);
  await task.dispose();
});

test("a comparison measures them once a seed, and not where it is told not to", async () => {
  const { data, device } = tiny;
  const path = tiny.makeFolder();
  const train = trainConfigSchema.parse({ batch: 512, epochs: 1 });
  const model = fm({ dim: 4, learningRate: 0.05 });
  const config = runConfigSchema.parse({
    ...{ version: 1, kind: "comparison", command: "test", seed: 1, train, model },
    data: { folder: data.folder, name: data.name, hash: data.hash, synthetic: true },
  });
  using run = RunFolder.create(path, config);
  let measured = 0;
  const work = (more: { readonly fieldWorth?: boolean } = {}) =>
    compare({
      ...{
        run,
        data,
        device,
        model,
        train,
        seeds: [1],
        budgets: ["50%"],
        methods: [smallerDim()],
        command: "test",
      },
      onEvent: ({ kind }) => {
        if (kind === "fields") measured++;
      },
      ...more,
    });
  await work({ fieldWorth: false });
  expect(recallDropCosts(path, 1)).toBeUndefined();
  await work();
  expect(measured).toBe(data.fields.length);
  const costs = recallDropCosts(path, 1)!;
  expect(costs.fields).toHaveLength(data.fields.length);
  await work();
  expect(measured).toBe(data.fields.length);
  // a damaged file is measured again, and no row is computed twice
  writeFileSync(join(path, "fields", "seed-1.json"), "{");
  await work();
  expect(recallDropCosts(path, 1)).toEqual(costs);
  expect(readResults(run.resultsFile).rows).toHaveLength(2);
});
