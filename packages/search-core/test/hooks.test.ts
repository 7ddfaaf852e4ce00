// What a method adds to the trainer: tables of its own, work between steps, which weights may be the best, what a checkpoint keeps.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { ChunkStoreTables } from "@trimtab/embeddings";
import { fm, tableRule } from "@trimtab/models";
import { loadTensors } from "@trimtab/tensor-core";
import { Interrupted, type TrainEvent, type TrainHooks, train } from "../src/index.ts";
import { openTiny, type Tiny } from "./tiny-task.ts";

setDefaultTimeout(60_000);

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny(3000);
});
afterAll(() => tiny.close());

const MODEL = fm({ dim: 4, learningRate: 0.05, tableOptimizer: "rowAdam", std: 0.01 });
const CONFIG = { batch: 500, epochs: 4, scoreBatch: 400 };

async function options(extra: Partial<Parameters<typeof train>[0]> = {}) {
  const task = tiny.makeTask({ seed: 3, model: MODEL });
  const data = await task.splits();
  return { device: tiny.device, data, model: MODEL, scheme: task.uniform, seed: 3, config: CONFIG, ...extra };
}

/** Tables in which nothing is pruned, unless `prune` says so. */
function chunked(more: Partial<TrainHooks> = {}): TrainHooks {
  return {
    identity: "chunked",
    tables: () =>
      ChunkStoreTables.make(tiny.device, {
        fields: tiny.makeTask({ seed: 3, model: MODEL }).fields,
        dim: 4,
        chunks: 2,
        rule: tableRule(MODEL),
        seed: 3,
        std: 0.01,
        capacity: 16,
      }),
    ...more,
  };
}

const bits = (path: string) =>
  [...loadTensors(path).tensors].map(([name, t]) => [
    name,
    Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString("base64"),
  ]);

describe("hooks of a training", () => {
  test("tables of a store that grows while it trains learn what dense tables learn", async () => {
    const before = tiny.device.memory();
    const config = { ...CONFIG, maxSteps: 9 };
    const [one, two] = [tiny.makeFolder(), tiny.makeFolder()];
    const dense = await train(await options({ folder: one, config }));
    const live = await train(await options({ folder: two, config, hooks: chunked() }));
    // not the scores: rows that training never sees keep their first values in a dense table and are zero in a store
    const shared = (folder: string) =>
      bits(join(folder, "latest.safetensors")).filter(([name]) => /^(linear|bias)/.test(name!));
    expect(shared(one).length).toBeGreaterThan(2);
    expect(shared(two)).toEqual(shared(one));
    await dense.dispose();
    await live.dispose();
    expect(tiny.device.memory()).toEqual(before);
  });

  test("weights that may not be the best are told, but neither win nor count against patience", async () => {
    const config = { ...CONFIG, epochs: 6, patience: 1, learningRateDrop: 0.1 };
    const seen: TrainEvent[] = [];
    const hooks: TrainHooks = { identity: "late", eligible: ({ epoch }) => epoch >= 4 };
    const trained = await train(await options({ config, hooks, onEvent: (e) => seen.push(e) }));
    const told = seen.filter((e) => e.kind === "evaluation");
    expect(told.slice(0, 4).map((e) => e.best)).toEqual([false, false, false, false]);
    expect(told.slice(0, 5).every((e) => e.learningRateScale === 1)).toBe(true);
    expect(told[4]!.best).toBe(true);
    expect(trained.bestEpoch).toBeGreaterThanOrEqual(4);
    expect(trained.history.length).toBeGreaterThanOrEqual(5);
    await trained.dispose();
  });

  test("each step is told once, and a resumed run goes on with what was captured, tables and all", async () => {
    const counting = () => {
      let sum = 0;
      const steps: number[] = [];
      const hooks = chunked({
        start: (_, captured) => {
          sum = (captured as number | undefined) ?? 0;
        },
        stepped: ({ step }) => {
          steps.push(step);
          sum += step;
        },
        capture: () => sum,
      });
      return { hooks, steps, sum: () => sum };
    };
    const straight = tiny.makeFolder();
    const whole = counting();
    const first = await train(await options({ folder: straight, hooks: whole.hooks }));
    expect(whole.steps).toEqual(Array.from({ length: first.steps }, (_, i) => i + 1));
    await first.dispose();
    const broken = tiny.makeFolder();
    for (const stopAt of [2, 7]) {
      const stop = new AbortController();
      const config = { ...CONFIG, checkpointSeconds: 1e-6 };
      const onEvent = (e: TrainEvent) => {
        if (e.kind === "checkpoint" && e.step >= stopAt) stop.abort();
      };
      const { hooks } = counting();
      const more = { folder: broken, resume: true, signal: stop.signal, config, onEvent, hooks };
      const reason = await train(await options(more)).catch((e: unknown) => e);
      expect(reason).toBeInstanceOf(Interrupted);
    }
    const rest = counting();
    const last = await train(await options({ folder: broken, resume: true, hooks: rest.hooks }));
    expect(rest.steps[0]).toBeGreaterThan(7);
    expect(rest.sum()).toBe(whole.sum());
    await last.dispose();
    for (const file of ["best.safetensors", "latest.safetensors"])
      expect(bits(join(broken, file))).toEqual(bits(join(straight, file)));
  });

  test("the model that `finish` gives is handed over and scored, and an error in it leaves nothing behind", async () => {
    const before = tiny.device.memory();
    const hooks = chunked({ finish: () => Promise.reject(new Error("no end")), tableBytes: () => 123_456 });
    const reason = await train(await options({ hooks })).catch((e: unknown) => e);
    expect((reason as Error).message).toBe("no end");
    expect(tiny.device.memory()).toEqual(before);
    const same = chunked({ finish: (model) => Promise.resolve(model), tableBytes: () => 123_456 });
    const trained = await train(await options({ hooks: same }));
    expect(trained.tableBytes).toBe(123_456);
    expect(trained.trainBytes).toBeGreaterThan(123_456);
    await trained.dispose();
    expect(tiny.device.memory()).toEqual(before);
  });
});
