import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Columns, type Dataset, generateDataset, openDataset } from "@trimtab/data";
import { fm } from "@trimtab/models";
import { type ConformanceSubject, conformanceChecks, Task, type TaskOptions } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { computeSaliency, saliencyTable, sseds } from "../src/index.ts";

let device: Device;
let data: Dataset;
let folders = 0;
const root = mkdtempSync(join(tmpdir(), "trimtab-sseds-"));
const MODEL = fm({ dim: 6, learningRate: 0.02 });
const makeTask = (o: Partial<TaskOptions> & { seed: number }) =>
  new Task({ data, model: MODEL, device, train: { batch: 512, epochs: 3, scoreBatch: 512 }, ...o });

beforeAll(async () => {
  await generateDataset({ rows: 6000, seed: 5, out: join(root, "log.trimtab") });
  data = await openDataset(join(root, "log.trimtab"));
  device = await openDevice();
});
afterAll(() => {
  device.dispose();
  rmSync(root, { recursive: true, force: true });
});

describe("conformance", () => {
  let subject: ConformanceSubject;
  beforeAll(() => {
    const makeFolder = () => join(root, `run-${folders++}`);
    const config = { batches: 4, batch: 512, trySteps: 5 };
    subject = { searcher: sseds as never, config, device, makeTask, makeFolder };
  });
  for (const check of conformanceChecks) test(check.name, () => check.run(subject));
});

describe("saliency", () => {
  test("is the change of the loss when a slot is scaled (central differences)", async () => {
    const task = makeTask({ seed: 2 });
    const base = await task.base();
    const { train, fields } = await task.splits();
    const rows = 512;
    const columns: Columns = {
      rows,
      labels: train.labels.slice(0, rows),
      ids: train.ids.map((ids, f) => ids.slice(0, rows * fields[f]!.slots)),
    };
    const { values } = await computeSaliency({
      device,
      model: base.model,
      columns,
      fields,
      batch: rows,
      batches: 1,
      average: "mean-abs",
      seed: 1,
    });
    // scale one dim of one field's rows in the table itself and look at the mean loss
    const [table] = base.model.tableVariables;
    const original = (await table!.read()) as Float32Array;
    const loss = async () => {
      const logits = await base.score(columns);
      let total = 0;
      logits.forEach((x, i) => {
        total += Math.max(x, 0) - x * columns.labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
      });
      return total / rows;
    };
    const dim = 6;
    const bases = fields.map((_, f) => fields.slice(0, f).reduce((n, x) => n + x.rows, 0));
    const slope = async (f: number, j: number) => {
      const at = async (scale: number) => {
        const moved = original.slice();
        for (let r = bases[f]!; r < bases[f]! + fields[f]!.rows; r++) moved[r * dim + j]! *= scale;
        table!.write(moved);
        return loss();
      };
      const h = 0.05;
      return ((await at(1 + h)) - (await at(1 - h))) / (2 * h);
    };
    const slopes: number[][] = [];
    for (let f = 0; f < fields.length; f++) {
      const row: number[] = [];
      for (let j = 0; j < dim; j++) row.push(Math.abs(await slope(f, j)));
      slopes.push(row);
    }
    table!.write(original);
    const total = slopes.flat().reduce((a, b) => a + b, 0);
    slopes.forEach((row, f) => {
      row.forEach((s, j) => {
        expect(values[f]![j]!).toBeCloseTo(s / total, 3);
      });
    });
    expect(values.flat().reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    await task.dispose();
  });

  test("prints a table a person can read", () => {
    const fields = [
      { name: "user", rows: 1200 },
      { name: "hour", rows: 24 },
    ];
    const text = saliencyTable(
      fields,
      [
        [0.1, 0.2],
        [0.3, 0.4],
      ],
      [{ budget: "10%", kept: [[], [0, 1]] }],
    );
    expect(text).toContain("hour");
    expect(text.indexOf("hour")).toBeLessThan(text.indexOf("user"));
    expect(text).toContain("1,200");
    expect(text).toContain("70");
    expect(text).toContain("dim at 10%");
  });
});

describe("choices", () => {
  test("several budgets come from one gradient pass, and their slots are nested", async () => {
    const task = makeTask({ seed: 2 });
    let passes = 0;
    const { found, notes } = await sseds({ batches: 2, batch: 512, trySteps: 5 }).search(task, {
      budgets: ["60%", "30%", "10%", "3%"],
      onEvent: (e) => {
        if (e.kind === "progress" && e.what === "gradient batches" && e.done === 1) passes++;
      },
    });
    expect(passes).toBe(1);
    expect(found).toHaveLength(4);
    // five powers of cost, each with one dim in every field and without
    const ways = notes.ways as Record<
      string,
      { tried: { costPower: number; minDim: unknown; auc: number }[] }
    >;
    for (const { tried } of Object.values(ways)) {
      const asked = tried.map(({ costPower, minDim }) => `${costPower} ${minDim}`).sort();
      expect(asked).toEqual([0, 0.25, 0.5, 0.75, 1].flatMap((p) => [`${p} 0`, `${p} auto`]).sort());
    }
    const kept = notes.kept as Record<string, number[][]>;
    for (const [large, small] of [
      ["60%", "30%"],
      ["30%", "10%"],
      ["10%", "3%"],
    ] as const) {
      kept[small]!.forEach((dims, f) => {
        for (const j of dims) expect(kept[large]![f]).toContain(j);
      });
    }
    await task.dispose();
  });

  test("an inherited model starts as the base model without the dropped slots", async () => {
    const task = makeTask({ seed: 2 });
    const { found } = await sseds({ batches: 2, batch: 512, trySteps: 5, retrain: "inherit" }).search(task, {
      budgets: ["40%"],
    });
    const one = found[0]!;
    // after one step the inherited model is near the base, the fresh one knows nothing
    const early = makeTask({ seed: 2, train: { batch: 512, scoreBatch: 512, maxSteps: 1 } });
    const scratch = await early.trainUnder(one.scheme, { name: "scratch" });
    const inherited = await early.trainUnder(one.scheme, { name: "inherit", prepare: one.prepare });
    expect(inherited.valid.logloss).toBeLessThan(scratch.valid.logloss);
    await scratch.dispose();
    await inherited.dispose();
    await task.dispose();
  });
});
