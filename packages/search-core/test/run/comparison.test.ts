// The last row of a method, budget and seed is the one of the settings that were asked last.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { perField } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import { z } from "zod";
import { compare, defineSearcher, RunFolder, trainConfigSchema } from "../../src/index.ts";
import { openTiny, type Tiny } from "../tiny-task.ts";

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny();
});
afterAll(() => tiny.close());

const MODEL = fm({ dim: 8, learningRate: 0.01 });
const TRAIN = trainConfigSchema.parse({ batch: 512, epochs: 1, scoreBatch: 512 });

/** The same dim in every field, whatever the budget. */
const sameDim = defineSearcher({
  name: "same-dim",
  config: z.strictObject({ dim: z.int() }),
  check: () => undefined,
  run: async (task, limits, { dim }) => ({
    found: limits.map(({ text }) => ({
      budget: text,
      scheme: perField(
        task.fields,
        task.fields.map(() => dim),
        { base: 8, projection: "positions" },
      ),
    })),
    seconds: 0,
    notes: {},
  }),
});

test("settings that were left come back as the last row, without training", async () => {
  const path = tiny.makeFolder();
  const { device, data } = tiny;
  let epochs = 0;
  const ask = async (dim: number) => {
    const config = {
      ...{ version: 1 as const, kind: "comparison" as const, command: "a test", seed: 1, model: MODEL },
      ...{ data: { folder: "d", name: "tiny", hash: data.hash, synthetic: true }, train: TRAIN },
    };
    using run = RunFolder.occupied(path) ? RunFolder.continue(path, config) : RunFolder.create(path, config);
    await compare({
      ...{ run, data, device, model: MODEL, train: TRAIN, seeds: [1], budgets: ["50%"], command: "a test" },
      methods: [sameDim({ dim })],
      fieldWorth: false,
      onEvent: (event) => {
        if (event.kind === "train" && event.event.kind === "evaluation") epochs++;
      },
    });
    const lines = (await Bun.file(run.resultsFile).text()).trim().split("\n");
    // the first is the base model's
    return lines.slice(1).map((line) => JSON.parse(line).config.scheme.dims[0]);
  };
  expect(await ask(2)).toEqual([2]);
  expect(await ask(1)).toEqual([2, 1]);
  const before = epochs;
  expect(await ask(2)).toEqual([2, 1, 2]);
  expect(await ask(2)).toEqual([2, 1, 2]);
  expect(epochs).toBe(before);
});

test("a row knows for how many epochs its training had the full learning rate", async () => {
  const { device, data } = tiny;
  const model = fm({ dim: 8, learningRate: 0.1 });
  const train = trainConfigSchema.parse({ batch: 512, epochs: 6, scoreBatch: 512 });
  const config = {
    ...{ version: 1 as const, kind: "comparison" as const, command: "a test", seed: 1, model, train },
    data: { folder: "d", name: "tiny", hash: data.hash, synthetic: true },
  };
  using run = RunFolder.create(tiny.makeFolder(), config);
  const scales: number[] = [];
  const { rows } = await compare({
    ...{ run, data, device, model, train, seeds: [1], budgets: [], methods: [], command: "a test" },
    onEvent: (event) => {
      if (event.kind === "train" && event.event.kind === "evaluation")
        scales.push(event.event.learningRateScale);
    },
  });
  const full = scales.filter((scale) => scale === 1).length;
  expect(full).toBeGreaterThan(0);
  expect(full).toBeLessThan(scales.length);
  expect(rows[0]!.config).toMatchObject({ epochs: scales.length, fullRateEpochs: full });
});
