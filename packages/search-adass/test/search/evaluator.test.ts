// Paths scored from kept vectors and from the tables, and the fixed sample.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type FieldInfo, Random } from "@trimtab/data";
import { uniform } from "@trimtab/embeddings";
import { deepfm, dlrm, dnn, fm, type ModelConfig, wideDeep } from "@trimtab/models";
import { fieldSpecs } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { adassConfigSchema, Evaluator, openStage, settingsOf } from "../../src/index.ts";
import { firstLayerOf } from "../../src/search/kept.ts";
import { sampleOf } from "../../src/search/sample.ts";
import { openTiny, type Tiny } from "../tiny.ts";

setDefaultTimeout(60_000);

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny(3000);
});
afterAll(() => tiny.close());

const options = { dim: 8, std: 0.3 };
const MODELS: ModelConfig[] = [
  fm(options),
  dnn({ ...options, hidden: [8] }),
  wideDeep({ ...options, hidden: [8] }),
  deepfm({ ...options, hidden: [8], batchNorm: true }),
  dlrm({ ...options, hidden: [8], bottom: [4], dense: ["hour"] }),
];

describe.each(MODELS)("$kind", (model) => {
  test.each([
    { candidates: [0, 2, 4, 8] },
    { candidates: [2, 8], batchNorm: true },
    { candidates: [0, 4], tables: "prefix", map: "positions" },
  ] as const)("kept vectors give the logits of the tables: %j", async (config) => {
    const task = tiny.makeTask({ seed: 2, model });
    const settings = settingsOf(adassConfigSchema.parse(config), task, 8);
    const stage = await openStage(tiny.device, task, settings);
    const data = await task.splits();
    const sample = sampleOf(data.valid, data.fields, 250, 1);
    const shared = {
      device: tiny.device,
      stage,
      candidates: settings.candidates,
      fields: data.fields,
      sample,
    };
    const products = firstLayerOf(stage.model)?.shape[1] ?? 0;
    expect(products).toBe(["dnn", "wideDeep", "deepfm"].includes(model.kind) ? 8 : 0);
    // three steps of 100 rows, the last of them half full
    const kept = await Evaluator.make({ ...shared, batch: 100, keep: { vectors: 8, products } });
    const vectors = await Evaluator.make({ ...shared, batch: 250, keep: { vectors: 8, products: 0 } });
    const direct = await Evaluator.make({ ...shared, batch: 250 });
    await kept.refresh();
    await vectors.refresh();
    const random = new Random(3);
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const path = data.fields.map(() => Math.floor(random.uniform() * settings.candidates.length));
      const b = await direct.logits(path);
      const a = await kept.logits(path);
      for (const own of [a, await vectors.logits(path)]) {
        expect(own.length).toBe(250);
        own.forEach((x, row) => {
          expect(Math.abs(x - b[row]!)).toBeLessThan(1e-4 * (1 + Math.abs(x)));
        });
      }
      expect(await kept.auc(path)).toBeCloseTo(await direct.auc(path), 3);
      answers.add(a.join());
    }
    expect(answers.size).toBe(5);
    kept.dispose();
    vectors.dispose();
    direct.dispose();
    stage.dispose();
  });
});

test.each(MODELS)("$kind: what a table that is split over buffers holds is scored from it", async (model) => {
  // the largest field is a buffer of its own, the others share one
  const largest = Math.max(...tiny.data.fields.map(({ rows }) => rows));
  using device = await openDevice({ engine: "cpu", maxBindingBytes: largest * 8 * 4 });
  const task = tiny.makeTask({ seed: 2, model, device });
  const settings = settingsOf(adassConfigSchema.parse({ candidates: [0, 2, 4, 8] }), task, 8);
  const stage = await openStage(device, task, settings);
  expect(stage.model.tables.parts.length).toBeGreaterThan(1);
  const { valid, fields } = await task.splits();
  const products = firstLayerOf(stage.model)?.shape[1] ?? 0;
  const sample = sampleOf(valid, fields, 250, 1);
  const shared = { device, stage, candidates: settings.candidates, fields, sample, batch: 125 };
  const path = fields.map((_, f) => 1 + (f % 3));
  const answers: Float32Array[] = [];
  for (const keep of [{ vectors: 8, products }, undefined]) {
    const evaluator = await Evaluator.make({ ...shared, keep });
    await evaluator.refresh();
    answers.push(await evaluator.logits(path));
    evaluator.dispose();
  }
  expect(answers[0]).toEqual(answers[1]!);
  expect(new Set(answers[0]).size).toBeGreaterThan(50);
  stage.dispose();
});

test("kept rows of multi-valued fields give the logits of the tables", async () => {
  const fields: FieldInfo[] = [
    { name: "user", kind: "categorical", rows: 30, slots: 1 },
    { name: "genres", kind: "multi", rows: 12, slots: 3 },
  ];
  const rows = 70;
  const random = new Random(4);
  const draw = (n: number) => Math.floor(random.uniform() * n);
  const genres = Uint32Array.from({ length: rows }, () => draw(4)).reduce<number[]>((all, used) => {
    for (let s = 0; s < 3; s++) all.push(s < used ? (draw(4) * 3 + s) % 12 : 0xffffffff);
    return all;
  }, []);
  const sample = {
    rows,
    labels: Float32Array.from({ length: rows }, (_, i) => i % 2),
    ids: [Uint32Array.from({ length: rows }, () => draw(30)), Uint32Array.from(genres)],
  };
  const candidates = [0, 2, 4];
  const uniformScheme = uniform(fieldSpecs(fields), 4);
  for (const model of [fm({ dim: 4, std: 0.3 }), deepfm({ dim: 4, std: 0.3, hidden: [5] })]) {
    for (const batchNorm of [false, true]) {
      const config = adassConfigSchema.parse({ candidates, batchNorm });
      const settings = settingsOf(config, { train: { batch: 8 } }, 4);
      const stage = await openStage(tiny.device, { model, uniform: uniformScheme, seed: 1 }, settings);
      const shared = { device: tiny.device, stage, candidates, fields, sample, batch: 32 };
      const products = firstLayerOf(stage.model)?.shape[1] ?? 0;
      const kept = await Evaluator.make({ ...shared, keep: { vectors: 4, products } });
      const direct = await Evaluator.make(shared);
      await kept.refresh();
      for (const path of [
        [2, 2],
        [1, 2],
        [2, 1],
        [0, 1],
        [1, 0],
      ]) {
        const wanted = await direct.logits(path);
        (await kept.logits(path)).forEach((x, row) => {
          expect(Math.abs(x - wanted[row]!)).toBeLessThan(1e-5 * (1 + Math.abs(x)));
        });
      }
      kept.dispose();
      direct.dispose();
      stage.dispose();
    }
  }
});

test("a sample is the same rows every time, each with its own ids and label", async () => {
  const { valid, fields } = await tiny.makeTask({ seed: 1 }).splits();
  const sample = sampleOf(valid, fields, 50, 9);
  expect(sampleOf(valid, fields, 50, 9).ids).toEqual(sample.ids);
  expect(sample.rows).toBe(50);
  const rowOf = (c: typeof valid, row: number) => [c.labels[row]!, ...c.ids.map((ids) => ids[row]!)].join();
  const all = Array.from({ length: valid.rows }, (_, row) => rowOf(valid, row));
  let from = 0;
  for (let row = 0; row < 50; row++) {
    // in the order of the data
    from = all.indexOf(rowOf(sample, row), from) + 1;
    expect(from).toBeGreaterThan(0);
  }
  expect(sampleOf(valid, fields, valid.rows, 9)).toBe(valid);
});
