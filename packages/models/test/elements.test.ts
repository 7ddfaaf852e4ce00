// Models under an element mask score, and train, as the uniform model whose other numbers are zero.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ELEMENT_LAYOUTS, type ElementLayout, elements, type VectorTransform } from "@trimtab/embeddings";
import { cast, type Device, type EngineName, gather, mul, Optimizer, openDevice } from "@trimtab/tensor-core";
import { type Feeds, feedsOf, needed, Random, randomValues } from "@trimtab/test-support";
import {
  buildModel,
  deepfm,
  dlrm,
  dnn,
  fm,
  inheritModel,
  type Model,
  type ModelConfig,
  scoreStep,
  trainCost,
  trainStep,
  wideDeep,
} from "../src/index.ts";
import { fields, givenModel, schemes } from "./setting.ts";

// a software device takes seconds to compile a training step
setDefaultTimeout(120_000);

const dim = 4;
const batch = 6;
const rows = fields.reduce((n, f) => n + f.rows, 0);

/** Half of the numbers of the fields but the last, which has none; some rows have none either. */
const kept = Uint32Array.from({ length: rows * dim }, (_, p) =>
  p < (rows - 4) * dim && (p * 7 + (p >>> 3)) % 5 < 3 && (p >>> 2) % 4 !== 1 ? 1 : 0,
);

function scheme(layout: ElementLayout) {
  let base = 0;
  const masks = fields.map((field) => {
    const mask = new Uint32Array(Math.ceil((field.rows * dim) / 32));
    for (let p = 0; p < field.rows * dim; p++) mask[p >>> 5]! |= kept[base + p]! << (p & 31);
    base += field.rows * dim;
    return mask;
  });
  return elements(fields, { dim, masks, layout });
}

const configs: Record<string, ModelConfig> = {
  fm: fm({ dim, tableOptimizer: "adam", tableL2: 0.01, learningRate: 0.01 }),
  dnn: dnn({ dim, hidden: [5, 3], tableOptimizer: "rowAdam", lookupL2: 0.01, learningRate: 0.01 }),
  wideDeep: wideDeep({ dim, hidden: [5], tableOptimizer: "adagrad", learningRate: 0.01 }),
  deepfm: deepfm({ dim, hidden: [5, 3], tableOptimizer: "rowAdagrad", learningRate: 0.01 }),
  dlrm: dlrm({ dim, dense: ["user"], bottom: [4], hidden: [5], tableOptimizer: "adam", learningRate: 0.01 }),
};

const noAdapter = await openDevice({ engine: "webgpu" }).then(
  (device) => device.dispose(),
  (error: Error) => error.message,
);
if (noAdapter && /^(1|true)$/i.test(process.env.CI ?? ""))
  throw new Error(`webgpu must be tested in CI: ${noAdapter}`);
if (noAdapter) console.log(`not run: webgpu. ${noAdapter}`);
const engines: EngineName[] = noAdapter ? ["cpu"] : ["cpu", "webgpu"];

describe.each(engines)("%s", (engine) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ engine });
  });
  afterAll(() => device.dispose());

  /** A uniform model whose other numbers are zero, and one that has only those that exist. */
  async function pair(config: ModelConfig, layout: ElementLayout) {
    const { model: dense } = await givenModel(device, config, schemes.uniform!, { batch, seed: 31 });
    const table = dense.tables.parts[0]!.table;
    table.write((await table.read()).map((v, p) => v * kept[p]!) as Float32Array);
    const compact = await buildModel(device, config, scheme(layout), { seed: 1 });
    await inheritModel(dense, compact);
    return { dense, compact };
  }

  function feedsFor(model: Model, seed: number): Feeds {
    const random = new Random(seed);
    const values = randomValues(fields, batch, random);
    const labels = Float32Array.from(values, () => random.below(2));
    return Object.assign({ labels }, ...model.layouts.map((l) => feedsOf(l, fields, values)));
  }

  async function score(model: Model): Promise<ArrayLike<number>> {
    using program = await device.compile(scoreStep(model, batch));
    return (await program.fetch(needed(program, feedsFor(model, 9)))).logits;
  }

  async function train(model: Model, transform?: VectorTransform, clip?: number): Promise<void> {
    const optimizer = new Optimizer(device, model.groups());
    using program = await device.compile(trainStep(model, optimizer, batch, { transform, clip }));
    const needs = new Set(program.inputs);
    for (const seed of [1, 2, 3]) {
      program.run({ ...needed(program, feedsFor(model, seed)), ...optimizer.next(needs) });
    }
    await device.idle();
    optimizer.dispose();
  }

  function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
    expect(found.length).toBe(expected.length);
    Array.from(expected).forEach((e, b) => {
      expect(Math.abs(found[b]! - e)).toBeLessThan(bound * Math.max(1, Math.abs(e)));
    });
  }

  // the graph is the same on every engine
  test.if(engine === "cpu")("gradients of a mask may be clipped, under a rule of rows too", async () => {
    const config = configs.dnn!;
    const { dense, compact } = await pair(config, "row-bitmask");
    using mask = device.variable("mask", [rows, dim], { dtype: "u32", data: kept });
    await train(dense, (vectors, { ids }) => mul(vectors, cast(gather(mask.value, ids), "f32")), 0.05);
    await train(compact, undefined, 0.05);
    expectClose(await score(compact), await score(dense), 2e-5);
    dense.dispose();
    compact.dispose();
  });

  test("a mask without numbers leaves FM its first-order part and a tower nothing", async () => {
    const masks = fields.map((field) => new Uint32Array(Math.ceil((field.rows * dim) / 32)));
    const none = elements(fields, { dim, masks });
    const before = device.memory();
    const model = await buildModel(device, fm({ dim }), none, { seed: 1 });
    expect(model.parameters).toBe(rows + 1);
    model.dispose();
    await expect(buildModel(device, deepfm({ dim }), none, { seed: 1 })).rejects.toThrow("nothing to read");
    expect(device.memory()).toEqual(before);
  });

  describe.each(Object.keys(configs))("%s", (kind) => {
    const config = configs[kind]!;

    test("scores from every compact layout as the masked dense table does", async () => {
      for (const layout of ELEMENT_LAYOUTS) {
        const before = device.memory();
        const { dense, compact } = await pair(config, layout);
        expect(compact.tables.bytes).toBe(compact.scheme.serveBytes());
        expectClose(await score(compact), await score(dense), 1e-6);
        dense.dispose();
        compact.dispose();
        expect(device.memory()).toEqual(before);
      }
    });

    test("trains as the masked dense table does, without holding what it holds", async () => {
      const { dense, compact } = await pair(config, "row-bitmask");
      using mask = device.variable("mask", [rows, dim], { dtype: "u32", data: kept });
      await train(dense, (vectors, { ids }) => mul(vectors, cast(gather(mask.value, ids), "f32")));
      const fresh = await score(compact);
      await train(compact);
      const after = await score(compact);
      expect(Array.from(after).some((x, b) => Math.abs(x - fresh[b]!) > 1e-3)).toBe(true);
      expectClose(after, await score(dense), 2e-5);
      const { slots } = trainCost(config);
      const state = compact.tables.tableVariables[0]!.size * slots * 4;
      expect(compact.tables.bytes + compact.trainingBytes + state).toBe(compact.scheme.trainBytes({ slots }));
      dense.dispose();
      compact.dispose();
    });
  });
});
