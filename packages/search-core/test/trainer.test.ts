import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fm } from "@trimtab/models";
import { loadTensors, saveTensors, temporaryOf } from "@trimtab/tensor-core";
import {
  ConfigError,
  Interrupted,
  RunFolderError,
  type TrainEvent,
  TrainingDiverged,
  train,
} from "../src/index.ts";
import { openTiny, type Tiny } from "./tiny-task.ts";

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny(6000);
});
afterAll(() => tiny.close());

const MODEL = fm({ dim: 4, learningRate: 0.01 });

async function options(extra: Partial<Parameters<typeof train>[0]> = {}) {
  const task = tiny.makeTask({ seed: 3, model: MODEL });
  return {
    device: tiny.device,
    data: await task.splits(),
    model: MODEL,
    scheme: task.uniform,
    seed: 3,
    config: { batch: 500, epochs: 3, scoreBatch: 400 },
    ...extra,
  };
}

const bits = (path: string) =>
  [...loadTensors(path).tensors].map(([name, t]) => [name, Buffer.from(t.data.buffer).toString("base64")]);

describe("training", () => {
  test("learns, keeps the best weights, and leaves nothing on the device", async () => {
    const before = tiny.device.memory();
    const seen: TrainEvent[] = [];
    const config = { batch: 500, epochs: 10, scoreBatch: 400, patience: 10, learningRateDrop: 1 };
    const trained = await train(await options({ onEvent: (e) => seen.push(e), config }));
    expect(trained.valid.auc).toBeGreaterThan(0.55);
    expect(trained.valid.auc).toBe(Math.max(...trained.history.map((h) => h.auc)));
    expect(trained.history).toHaveLength(10);
    expect(seen.filter((e) => e.kind === "evaluation")).toHaveLength(10);
    await trained.dispose();
    expect(tiny.device.memory()).toEqual(before);
  });

  test("before minEpochs an epoch without gain neither stops the training nor lowers its rate", async () => {
    // after the first evaluation none is ever better
    const config = { batch: 500, epochs: 8, scoreBatch: 400, patience: 2, minGain: 1 };
    const rates = async (more: object) => {
      const trained = await train(await options({ config: { ...config, ...more } }));
      await trained.dispose();
      expect(trained.bestEpoch).toBe(0);
      return trained.history.map(({ learningRateScale }) => learningRateScale);
    };
    expect(await rates({})).toEqual([1, 1, 0.1]);
    expect(await rates({ minEpochs: 1 })).toEqual([1, 1, 0.1]);
    expect(await rates({ minEpochs: 4 })).toEqual([1, 1, 1, 1, 0.1]);
    expect(await rates({ minEpochs: 20 })).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("after any number of drops there is a rate, so that a checkpoint can be read", async () => {
    const config = {
      batch: 500,
      epochs: 20,
      scoreBatch: 400,
      patience: 30,
      minGain: 1,
      learningRateDrop: 1e-20,
    };
    const folder = tiny.makeFolder();
    const trained = await train(await options({ folder, config }));
    await trained.dispose();
    expect(Math.min(...trained.history.map(({ learningRateScale }) => learningRateScale))).toBeGreaterThan(0);
    const again = await train(await options({ folder, resume: true, config }));
    await again.dispose();
    expect(again.steps).toBe(trained.steps);
  });

  test("the same seed gives the same bits, another seed others", async () => {
    const folders = [tiny.makeFolder(), tiny.makeFolder(), tiny.makeFolder()];
    for (const [i, seed] of [3, 3, 4].entries()) {
      const trained = await train(await options({ folder: folders[i], seed }));
      await trained.dispose();
    }
    const [a, b, c] = folders.map((f) => JSON.stringify(bits(join(f, "best.safetensors"))));
    expect(a).toBe(b!);
    expect(a).not.toBe(c!);
  });

  test("interrupted in the middle of an epoch and resumed, ends with the bits of an uninterrupted run", async () => {
    const straight = tiny.makeFolder();
    await (await train(await options({ folder: straight }))).dispose();
    const broken = tiny.makeFolder();
    let interrupts = 0;
    for (const stopAt of [4, 13, 21]) {
      const stop = new AbortController();
      // a config without effect on the bits: checkpoints between any two steps
      const config = { batch: 500, epochs: 3, scoreBatch: 400, checkpointSeconds: 0.000001 };
      const onEvent = (e: TrainEvent) => {
        if (e.kind === "checkpoint" && e.step >= stopAt) stop.abort();
      };
      const run = train(
        await options({ folder: broken, resume: true, signal: stop.signal, config, onEvent }),
      );
      await run.then(
        (t) => t.dispose(),
        (reason) => {
          expect(reason).toBeInstanceOf(Interrupted);
          interrupts++;
        },
      );
    }
    expect(interrupts).toBe(3);
    await (await train(await options({ folder: broken, resume: true }))).dispose();
    for (const file of ["best.safetensors", "latest.safetensors"]) {
      expect(bits(join(broken, file))).toEqual(bits(join(straight, file)));
    }
  });

  test("stopped in its last step, it ends with the bits of an uninterrupted run", async () => {
    const config = { batch: 500, epochs: 3, scoreBatch: 400, maxSteps: 9, checkpointSeconds: 0.000001 };
    const straight = tiny.makeFolder();
    await (await train(await options({ folder: straight, config }))).dispose();
    const broken = tiny.makeFolder();
    const stop = new AbortController();
    const onEvent = (e: TrainEvent) => {
      if (e.kind === "checkpoint" && e.step === 8) stop.abort();
    };
    const run = train(await options({ folder: broken, signal: stop.signal, config, onEvent }));
    await run.then(
      (trained) => trained.dispose(),
      (reason) => expect(reason).toBeInstanceOf(Interrupted),
    );
    await (await train(await options({ folder: broken, resume: true, config }))).dispose();
    for (const file of ["best.safetensors", "latest.safetensors"]) {
      expect(bits(join(broken, file))).toEqual(bits(join(straight, file)));
    }
  });

  test("a checkpoint that started otherwise is of another run", async () => {
    const folder = tiny.makeFolder();
    await (await train(await options({ folder }))).dispose();
    const other = train(await options({ folder, resume: true, start: "inherited" }));
    await expect(other).rejects.toThrow("is of another run");
  });

  test("what another process is writing stays, what one left that is gone does not", async () => {
    const folder = tiny.makeFolder();
    mkdirSync(folder);
    const own = basename(temporaryOf("best.safetensors"));
    const [living, gone] = [process.ppid, 2 ** 22 + 1].map((pid) =>
      own.replace(`-${process.pid}-`, `-${pid}-`),
    );
    for (const name of [living!, gone!]) writeFileSync(join(folder, name), "");
    await (await train(await options({ folder }))).dispose();
    expect(existsSync(join(folder, living!))).toBe(true);
    expect(existsSync(join(folder, gone!))).toBe(false);
  });

  test("resumed on another device, it says so", async () => {
    const folder = tiny.makeFolder();
    const stop = new AbortController();
    const config = { batch: 500, epochs: 3, scoreBatch: 400, checkpointSeconds: 0.000001 };
    const onEvent = (e: TrainEvent) => {
      if (e.kind === "checkpoint") stop.abort();
    };
    const run = train(await options({ folder, signal: stop.signal, config, onEvent }));
    expect(await run.catch((reason: unknown) => reason)).toBeInstanceOf(Interrupted);
    const path = join(folder, "latest.safetensors");
    const file = loadTensors(path);
    const position = { ...JSON.parse(file.metadata.position!), device: "webgpu: another one" };
    saveTensors(path, { ...file, metadata: { position: JSON.stringify(position) } });
    const moves: TrainEvent[] = [];
    const trained = await train(
      await options({ folder, resume: true, config, onEvent: (e) => e.kind === "moved" && moves.push(e) }),
    );
    await trained.dispose();
    const { engine, adapter } = tiny.device.info;
    const to = engine === "cpu" ? "cpu" : `${engine}: ${adapter}`;
    expect(moves).toEqual([{ kind: "moved", from: "webgpu: another one", to }]);
  });

  test("a finished run resumed trains no more and scores the same", async () => {
    const folder = tiny.makeFolder();
    const first = await train(await options({ folder }));
    let steps = 0;
    const again = await train(
      await options({ folder, resume: true, onEvent: (e) => (steps += e.kind === "step" ? 1 : 0) }),
    );
    expect(steps).toBe(0);
    expect(again.valid).toEqual(first.valid);
    await first.dispose();
    await again.dispose();
  });

  test("refuses a checkpoint of another run, a torn one, and leaves them as they were", async () => {
    const folder = tiny.makeFolder();
    await (await train(await options({ folder }))).dispose();
    const path = join(folder, "latest.safetensors");
    const whole = readFileSync(path);
    await expect(train(await options({ folder, resume: true, seed: 99 }))).rejects.toThrow(RunFolderError);
    expect(readFileSync(path).equals(whole)).toBe(true);
    writeFileSync(path, whole.subarray(0, whole.length >> 1));
    await expect(train(await options({ folder, resume: true }))).rejects.toThrow("latest.safetensors");
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(path, "");
    await expect(train(await options({ folder, resume: true }))).rejects.toThrow("latest.safetensors");
  });

  test("refuses an unknown key by name and a batch larger than the data", async () => {
    await expect(train(await options({ config: { bach: 3 } as never }))).rejects.toThrow(ConfigError);
    await expect(train(await options({ config: { bach: 3 } as never }))).rejects.toThrow("bach");
    const before = tiny.device.memory();
    await expect(train(await options({ config: { batch: 1_000_000 } }))).rejects.toThrow("1000000");
    expect(tiny.device.memory()).toEqual(before);
  });

  test("a loss that leaves the numbers ends in one error", async () => {
    const model = fm({ dim: 4, learningRate: 1e30, tableOptimizer: "sgd", optimizer: "sgd" });
    await expect(train(await options({ model }))).rejects.toThrow(TrainingDiverged);
  });

  test("whichever step it left them in", async () => {
    // after some epochs, and short ones, in which few losses are asked for
    const model = fm({ dim: 4, learningRate: 3, tableOptimizer: "sgd", optimizer: "sgd", std: 1 });
    const config = { batch: 100, epochs: 30, scoreBatch: 400, patience: 30, learningRateDrop: 1 };
    for (const learningRate of [40, 100, 1000]) {
      const diverging = train(await options({ model: { ...model, learningRate }, config }));
      await expect(diverging).rejects.toThrow(TrainingDiverged);
    }
  });

  test("seconds of an epoch that is cut off by a kill are counted", async () => {
    const folder = tiny.makeFolder();
    const stop = new Error("killed");
    const config = { batch: 500, epochs: 3, scoreBatch: 400, checkpointSeconds: 0.000001 };
    const onEvent = (e: TrainEvent) => {
      if (e.kind === "checkpoint" && e.step === 7) throw stop;
    };
    await expect(train(await options({ folder, config, onEvent }))).rejects.toThrow(stop);
    const { position } = loadTensors(join(folder, "latest.safetensors")).metadata;
    const { epoch, step, seconds } = JSON.parse(position!);
    expect([epoch, step]).toEqual([0, 7]);
    expect(seconds.train).toBeGreaterThan(0);
  });
});
