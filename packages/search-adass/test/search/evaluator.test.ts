// Paths scored from kept vectors and from the tables, and the fixed sample.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Random } from "@trimtab/data";
import { deepfm, dlrm, dnn, fm, type ModelConfig, wideDeep } from "@trimtab/models";
import { adassConfigSchema, Evaluator, openStage, settingsOf } from "../../src/index.ts";
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
    // three steps of 100 rows, the last of them half full
    const kept = await Evaluator.make({ ...shared, batch: 100, cached: true });
    const direct = await Evaluator.make({ ...shared, batch: 250, cached: false });
    await kept.refresh();
    const random = new Random(3);
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const path = data.fields.map(() => Math.floor(random.uniform() * settings.candidates.length));
      const [a, b] = [await kept.logits(path), await direct.logits(path)];
      expect(a.length).toBe(250);
      a.forEach((x, row) => {
        expect(Math.abs(x - b[row]!)).toBeLessThan(1e-4 * (1 + Math.abs(x)));
      });
      expect(await kept.auc(path)).toBeCloseTo(await direct.auc(path), 3);
      answers.add(a.join());
    }
    expect(answers.size).toBe(5);
    kept.dispose();
    direct.dispose();
    stage.dispose();
  });
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
