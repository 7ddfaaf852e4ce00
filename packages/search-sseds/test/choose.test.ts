// Which way of weighing saliency against cost is taken, and what it is judged by.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import { deepfm, dlrm, fm, hasEnough, inheritModel, type Model } from "@trimtab/models";
import { Interrupted, limitOf, meets, parseBudget, Task, type TaskOptions } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import type { AllocationOptions, Kept } from "../src/allocate.ts";
import { choose } from "../src/choose.ts";
import { schemeOf } from "../src/layout.ts";
import { sseds } from "../src/sseds.ts";
import { Worth } from "../src/worth.ts";

const root = mkdtempSync(join(tmpdir(), "trimtab-choose-"));
const DIM = 4;
const LAYOUT = { projection: "positions" } as const;
let device: Device;
let data: Dataset;
beforeAll(async () => {
  await generateDataset({ rows: 3000, seed: 5, out: join(root, "log.trimtab") });
  data = await openDataset(join(root, "log.trimtab"));
  device = await openDevice();
});
afterAll(() => {
  device.dispose();
  rmSync(root, { recursive: true, force: true });
});
const train = { batch: 512, epochs: 1, scoreBatch: 512 };
const makeTask = (more: Partial<TaskOptions> = {}) =>
  new Task({ data, model: fm({ dim: DIM }), device, train, seed: 2, ...more });

const WAYS: AllocationOptions[] = (["auto", 0] as const).flatMap((minDim) =>
  [0, 0.5, 1].map((costPower) => ({ costPower, minDim })),
);

describe("choose", () => {
  const saliencies = () =>
    fc.array(fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: DIM, maxLength: DIM }), {
      minLength: data.fields.length,
      maxLength: data.fields.length,
    });
  const budgets = fc.uniqueArray(fc.integer({ min: 2, max: 90 }), { minLength: 1, maxLength: 4 });

  test("law: the first of the ways worth most is taken, budgets are met and nested", async () => {
    const task = makeTask();
    await asyncLaw(
      fc.asyncProperty(saliencies(), budgets, fc.nat(), async (saliency, shares, salt) => {
        const limits = shares.map((share) => limitOf(parseBudget(`${share}%`), task.uniform));
        // any worth will do, ties too, and some that cannot be judged
        const worthOf = (kept: Kept) => {
          const n = (JSON.stringify(kept).length * 7 + salt) % 5;
          return n === 0 ? undefined : n;
        };
        const worth = async (kept: Kept) => worthOf(kept);
        const choices = await choose({ task, limits, saliency, layout: LAYOUT, ways: WAYS, worth });
        choices.forEach(({ kept, way, tried }, i) => {
          expect(meets(schemeOf(task, kept, LAYOUT), limits[i]!)).toBe(true);
          expect(tried!.map(({ costPower, minDim }) => ({ costPower, minDim }))).toEqual(WAYS);
          const most = Math.max(...tried!.map((one) => one.auc ?? -1));
          expect(tried!.find((one) => (one.auc ?? -1) === most)).toEqual({
            ...way,
            auc: most < 0 ? null : most,
          });
          expect(worthOf(kept) ?? -1).toBe(most);
          choices.forEach((other, j) => {
            if (shares[j]! < shares[i]!)
              other.kept.forEach((dims, f) => {
                for (const d of dims) expect(kept[f]).toContain(d);
              });
          });
        });
      }),
      30,
    );
    await task.dispose();
  });

  test("law: however small a budget that is not refused, a model can be built", async () => {
    const largest = Math.max(...data.fields.map((f) => f.rows)) * 4;
    const models = [
      deepfm({ dim: DIM }),
      dlrm({ dim: DIM }),
      dlrm({ dim: DIM, dense: [data.fields[0]!.name] }),
    ];
    await asyncLaw(
      fc.asyncProperty(
        saliencies(),
        fc.constantFrom(...models),
        fc.uniqueArray(fc.integer({ min: 4, max: 2 * largest }), { minLength: 1, maxLength: 3 }),
        async (saliency, model, sizes) => {
          const task = makeTask({ model });
          const budgets = sizes.filter((bytes) => sseds().cannot(task, `${bytes}b`) === undefined);
          const limits = budgets.map((bytes) => limitOf(parseBudget(`${bytes}b`), task.uniform));
          const worth = async (kept: Kept) => kept.flat().length;
          const choices = await choose({ task, limits, saliency, layout: LAYOUT, ways: WAYS, worth });
          choices.forEach(({ kept }, i) => {
            expect(meets(schemeOf(task, kept, LAYOUT), limits[i]!)).toBe(true);
            const dims = kept.map((own) => own.length);
            expect(hasEnough(model, task.fields, dims)).toBe(true);
          });
          await task.dispose();
        },
      ),
      60,
    );
  });

  test("where there is one way, nothing is scored", async () => {
    const task = makeTask();
    const saliency = data.fields.map(() => new Array<number>(DIM).fill(0.1));
    const worth = () => Promise.reject(new Error("asked"));
    const limits = [limitOf(parseBudget("20%"), task.uniform)];
    const [choice] = await choose({ task, limits, saliency, layout: LAYOUT, ways: WAYS.slice(1, 2), worth });
    expect(choice!.way).toEqual(WAYS[1]!);
    expect(choice!.tried).toBeUndefined();
    await task.dispose();
  });
});

describe("worth", () => {
  const worthOf = (task: Task, base: Model, steps: number) =>
    new Worth({ task, base, layout: LAYOUT, steps });

  test("of all slots is near the base model's, of none below it, and the same again", async () => {
    const task = makeTask();
    const base = await task.base();
    const before = device.memory();
    const worth = worthOf(task, base.model, 1);
    const all = data.fields.map(() => [0, 1, 2, 3]);
    const whole = await worth.of(all);
    expect(Math.abs(whole! - base.valid.auc)).toBeLessThan(0.02);
    const none = data.fields.map(() => []);
    expect(await worth.of(none)).toBeLessThan(whole!);
    expect(await worth.of(all)).toBe(whole);
    const { variables, variableBytes, programs, bytes } = device.memory();
    expect({ variables, variableBytes, programs }).toEqual({
      variables: before.variables,
      variableBytes: before.variableBytes,
      programs: before.programs,
    });
    // a GPU may meanwhile have given back what the base model's last scores were read through
    expect(bytes).toBeLessThanOrEqual(before.bytes);
    await task.dispose();
  });

  test("is that of a model that starts as the base model and trains so many steps", async () => {
    const task = makeTask();
    const base = await task.base();
    const kept = data.fields.map((_, f) => [[], [1], [0, 3]][f % 3]!);
    const same = new Task({ data, model: task.model, device, seed: 2, train: { ...train, maxSteps: 2 } });
    const trained = await same.trainUnder(schemeOf(task, kept, LAYOUT), {
      name: "same",
      prepare: (model) => inheritModel(base.model, model),
    });
    expect(await worthOf(task, base.model, 2).of(kept)).toBe(trained.valid.auc);
    expect(await worthOf(task, base.model, 3).of(kept)).not.toBe(trained.valid.auc);
    await trained.dispose();
    await task.dispose();
  });

  test("is kept in the task's folder, for the same base model alone", async () => {
    const folder = join(root, "tried");
    const kept = data.fields.map(() => [0]);
    const file = join(folder, "sseds-trials.json");
    const first = makeTask({ folder });
    const worth = await worthOf(first, (await first.base()).model, 2).of(kept);
    await first.dispose();
    // a value that no trial gives shows whether it was read
    const written = readFileSync(file, "utf8");
    expect(written).toContain(String(worth));
    const again = async (text: string, changes: Partial<TaskOptions>) => {
      writeFileSync(file, text);
      const task = makeTask({ folder, ...changes });
      const value = await worthOf(task, (await task.base()).model, 2).of(kept);
      await task.dispose();
      return value;
    };
    const marked = written.replace(String(worth), "0.125");
    expect(await again(marked, { resume: true })).toBe(0.125);
    expect(await again(marked.slice(0, 40), { resume: true })).toBe(worth);
    expect(await again(marked.replace(/"base": "../, '"base": "zz'), { resume: true })).toBe(worth);
    expect(await again(marked, { resume: false })).toBe(worth);
  });

  test("is not known of a DLRM that loses its dense fields, and of an interrupt it says what is kept", async () => {
    const dense = data.fields.slice(0, 1).map(({ name }) => name);
    const model = dlrm({ dim: DIM, dense, bottom: [4], hidden: [4] });
    const task = new Task({ data, model, device, train, seed: 2 });
    const base = await task.base();
    const worth = worthOf(task, base.model, 1);
    expect(await worth.of(data.fields.map((_, f) => (f === 0 ? [] : [0])))).toBeUndefined();
    expect(await worth.of(data.fields.map(() => [0]))).toBeNumber();
    await task.dispose();

    const stop = new AbortController();
    const folder = join(root, "stopped");
    const stopped = makeTask({ folder, signal: stop.signal });
    const half = worthOf(stopped, (await stopped.base()).model, 2);
    await half.of(data.fields.map(() => [0]));
    stop.abort();
    const reason = await half.of(data.fields.map(() => [1])).catch((e: unknown) => e);
    expect(reason).toBeInstanceOf(Interrupted);
    expect(String(reason)).toMatch(/the 1 that were tried are in .*sseds-trials\.json/);
    await stopped.dispose();
  });

  test("seconds of trials that an earlier start made are told", async () => {
    const folder = join(root, "seconds");
    const kept = data.fields.map(() => [0]);
    for (const resume of [false, true]) {
      const task = makeTask({ folder, resume });
      const worth = worthOf(task, (await task.base()).model, 2);
      await worth.of(kept);
      await worth.of(kept);
      const { trials } = JSON.parse(readFileSync(join(folder, "sseds-trials.json"), "utf8"));
      const [trial] = Object.values(trials) as [{ seconds: number }];
      expect(trial.seconds).toBeGreaterThan(0);
      expect(worth.recalledSeconds).toBe(resume ? trial.seconds : 0);
      await task.dispose();
    }
  });
});
