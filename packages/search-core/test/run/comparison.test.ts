// The last row of a method, budget and seed is the one of the settings that were asked last.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { perField } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import { temporaryOf } from "@trimtab/tensor-core";
import { z } from "zod";
import {
  type ComparisonOptions,
  compare,
  defineSearcher,
  magnitude,
  RunFolder,
  recall,
  trainConfigSchema,
} from "../../src/index.ts";
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
  let epochs = 0;
  const ask = async (dim: number) => {
    using run = openComparison(path);
    await compare({
      ...askedOf(run),
      methods: [sameDim({ dim })],
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

/** A comparison in `path`, new or gone on with. */
function openComparison(path: string): RunFolder {
  const config = {
    ...{
      version: 1 as const,
      kind: "comparison" as const,
      command: "a test",
      seed: 1,
      model: MODEL,
      train: TRAIN,
    },
    data: { folder: "d", name: "tiny", hash: tiny.data.hash, synthetic: true },
  };
  return RunFolder.occupied(path) ? RunFolder.continue(path, config) : RunFolder.create(path, config);
}

const askedOf = (run: RunFolder): Omit<ComparisonOptions, "methods"> => ({
  ...{ run, data: tiny.data, device: tiny.device, model: MODEL, train: TRAIN, command: "a test" },
  ...{ seeds: [1], budgets: ["50%"], fieldWorth: false },
});

test("a training that starts otherwise is another one, even under the same mask", async () => {
  const ask = async (path: string, retrain: "initial" | "fresh") => {
    using run = openComparison(path);
    const { rows } = await compare({ ...askedOf(run), methods: [magnitude({ retrain })], keep: true });
    return rows.find(({ method }) => method === "magnitude")!.metrics;
  };
  const path = tiny.makeFolder();
  const initial = await ask(path, "initial");
  const fresh = await ask(path, "fresh");
  expect(fresh).not.toEqual(initial);
  expect(readdirSync(join(path, "checkpoints", "seed-1")).sort()).toEqual(["base", "magnitude-50%"]);
  expect(await ask(tiny.makeFolder(), "fresh")).toEqual(fresh);
});

test("how often checkpoints are written is no reason to search again", async () => {
  const path = tiny.makeFolder();
  using run = openComparison(path);
  const methods = [sameDim({ dim: 2 })];
  const { rows } = await compare({ ...askedOf(run), methods });
  const train = { ...TRAIN, checkpointSeconds: 7 };
  const again = await recall({ ...askedOf(run), methods, train });
  expect(again.left).toEqual([]);
  expect(again.rows.map(({ method }) => method)).toEqual(rows.map(({ method }) => method));
});

test("stopped amid the rows of a method that trains while it searches, it trains none of them again", async () => {
  const path = tiny.makeFolder();
  let trainings = 0;
  const trainsItself = defineSearcher({
    name: "trains-itself",
    config: z.strictObject({}),
    check: () => undefined,
    run: async (task, limits, _config, emit, name) => {
      const found = [];
      for (const [i, { text }] of limits.entries()) {
        const dims = task.fields.map(() => 2 - i);
        const scheme = perField(task.fields, dims, { base: 8, projection: "positions" });
        const trained = await task.trainUnder(scheme, {
          name: `${name}-${text}`,
          onEvent: (event) => {
            if (event.kind === "evaluation") trainings++;
            emit({ kind: "train", name: text, event });
          },
        });
        found.push({ budget: text, scheme, trained });
      }
      return { found, notes: {} };
    },
  });
  const asked = (run: RunFolder, more: Partial<ComparisonOptions> = {}): ComparisonOptions => ({
    ...{ ...askedOf(run), budgets: ["50%", "20%"], methods: [trainsItself()] },
    ...more,
  });
  const checkpoints = (run: RunFolder) => readdirSync(join(run.checkpoints, "seed-1")).sort();
  {
    using run = openComparison(path);
    const stop = new AbortController();
    const stopped = compare(
      asked(run, {
        signal: stop.signal,
        onEvent: (event) => {
          if (event.kind === "row" && event.row.budget === "50%") stop.abort();
        },
      }),
    );
    await expect(stopped).rejects.toThrow("stopped");
    expect(checkpoints(run)).toEqual(["base", "trains-itself-20%", "trains-itself-50%"]);
  }
  expect(trainings).toBe(2);
  using run = openComparison(path);
  const { rows } = await compare(asked(run));
  expect(trainings).toBe(2);
  expect(rows.map(({ budget }) => budget)).toEqual([null, "50%", "20%"]);
  expect(checkpoints(run)).toEqual(["base"]);
});

test("a search that takes the place of another is never read under the other's notes", async () => {
  const path = tiny.makeFolder();
  {
    using run = openComparison(path);
    await compare({ ...askedOf(run), methods: [sameDim({ dim: 2 })] });
  }
  using run = openComparison(path);
  expect(run.notes()).toEqual(["same-dim-seed-1"]);
  // its schemes cannot be written any more, as on a full disk
  mkdirSync(temporaryOf(join(path, "schemes", "same-dim-seed-1-50%.json")));
  await expect(compare({ ...askedOf(run), methods: [sameDim({ dim: 1 })] })).rejects.toThrow("same-dim");
  expect(run.notes()).toEqual([]);
});
