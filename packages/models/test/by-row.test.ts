// A first layer by touched rows is the first layer by positions: the same loss, gradients and steps but for rounding.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { elements, hashed, perField, type Scheme, uniform } from "@trimtab/embeddings";
import {
  bceWithLogits,
  type Device,
  grad,
  mean,
  Optimizer,
  openDevice,
  RowGradient,
} from "@trimtab/tensor-core";
import { asyncLaw, type Feeds, feedsOf, needed, Random, randomValues } from "@trimtab/test-support";
import fc from "fast-check";
import { buildModel, deepfm, dnn, type Model, type ModelConfig, trainStep, wideDeep } from "../src/index.ts";

setDefaultTimeout(120_000);

// the touched rows are few beside the positions only where ids come again
const fields = [
  { name: "user", rows: 60, slots: 1 },
  { name: "genres", rows: 5, slots: 3 },
  { name: "item", rows: 9, slots: 1 },
  { name: "hour", rows: 4, slots: 1 },
];
const batch = 150;
const dim = 16;

const masks = fields.map(({ rows }) =>
  Uint32Array.from({ length: Math.ceil((rows * dim) / 32) }, (_, w) => 0x5bd1_e995 * (w + 1)),
);
for (const [f, { rows }] of fields.entries()) {
  const rest = (rows * dim) % 32;
  if (rest > 0) masks[f]![masks[f]!.length - 1]! &= (1 << rest) - 1;
}
const schemes: Record<string, Scheme> = {
  uniform: uniform(fields, dim),
  "dims of fields, put back": perField(fields, [16, 8, 16, 0], {
    base: dim,
    projection: "positions",
    columns: [whole(16), whole(8), whole(16), []],
  }),
  "an element mask": elements(fields, { dim, masks }),
  "fewer rows, hashed": hashed(fields, { dim, rows: [20, 5, 4, 4] }),
};
const tower = { hidden: [24, 7], tableOptimizer: "adam" as const, tableL2: 1e-3, learningRate: 1e-2 };
const configs: Record<string, ModelConfig> = {
  dnn: dnn({ dim, ...tower, batchNorm: true }),
  wideDeep: wideDeep({ dim, ...tower }),
  deepfm: deepfm({ dim, ...tower }),
};

function whole(n: number): number[] {
  return Array.from({ length: n }, (_, j) => j);
}

let device: Device;
beforeAll(async () => {
  device = await openDevice({ engine: "cpu", threads: 2 });
});
afterAll(() => device.dispose());

async function given(
  config: ModelConfig,
  scheme: Scheme,
  seed: number,
): Promise<{ model: Model; feeds: Feeds }> {
  const random = new Random(seed);
  const model = await buildModel(device, config, scheme, { seed });
  for (const v of model.state.values()) {
    const low = v.name.endsWith(".variance") ? 0.5 : -0.3;
    v.write(Float32Array.from({ length: v.size }, () => low + 0.6 * random.next()));
  }
  const values = randomValues(fields, batch, random);
  const labels = Float32Array.from(values, () => random.below(2));
  const layouts = model.layouts.map((l) => feedsOf(l, fields, hashedValues(l, values)));
  return { model, feeds: Object.assign({ labels, "rng.seed": 1, "rng.step": 1 }, ...layouts) };
}

/** Ids of hashed fields as the rows that share them; which rule does not matter here. */
function hashedValues(
  layout: {
    readonly fields: readonly { readonly field: number; readonly hash?: { readonly rows: number } }[];
  },
  values: number[][][],
): number[][][] {
  return values.map((row) =>
    row.map((ids, f) => {
      const hash = layout.fields.find(({ field }) => field === f)?.hash;
      return hash ? ids.map((id) => id % hash.rows) : ids;
    }),
  );
}

/** Loss and gradients; of tables the counted rows. */
async function gradientsOf(model: Model, feeds: Feeds, byRow: boolean) {
  const { logits, labels } = model.forward({ batch, training: true, byRow });
  const loss = mean(bceWithLogits(logits, labels));
  const parameters = [...model.tableVariables, ...model.denseVariables];
  const gradients = grad(loss, parameters);
  const outputs = Object.fromEntries(
    gradients.map((g, i) => [parameters[i]!.name, g instanceof RowGradient ? g.rows : g]),
  );
  using program = await device.compile({ outputs: { ...outputs, loss } });
  const found: Record<string, ArrayLike<number>> = await program.fetch(needed(program, feeds));
  gradients.forEach((g, i) => {
    const { name, shape } = parameters[i]!;
    if (g instanceof RowGradient)
      found[name] = Array.from(found[name]!).slice(0, (feeds[`${g.plan.name}.count`] as number) * shape[1]!);
  });
  return { found, byRow: program.inputs.some((name) => name.endsWith(".places")) };
}

function expectNear(a: ArrayLike<number>, b: ArrayLike<number>, what: string): void {
  expect(a.length).toBe(b.length);
  const most = Math.max(1e-3, ...Array.from(b, Math.abs));
  for (let i = 0; i < a.length; i++) {
    if (!(Math.abs(a[i]! - b[i]!) <= 1e-5 * most)) throw new Error(`${what}[${i}]: ${a[i]} by row, ${b[i]}`);
  }
}

const cases = Object.keys(configs).flatMap((c) => Object.keys(schemes).map((s): [string, string] => [c, s]));

describe.each(cases)("%s, %s", (c, s) => {
  test("law: loss and every gradient", async () => {
    await asyncLaw(
      fc.asyncProperty(fc.nat(1e6), async (seed) => {
        const { model, feeds } = await given(configs[c]!, schemes[s]!, seed);
        const rows = await gradientsOf(model, feeds, true);
        const positions = await gradientsOf(model, feeds, false);
        model.dispose();
        expect(rows.byRow).toBe(true);
        expect(positions.byRow).toBe(false);
        for (const [name, values] of Object.entries(positions.found))
          expectNear(rows.found[name]!, values, name);
      }),
      3,
    );
  });
});

test("a training step takes the way by rows, and goes down", async () => {
  const { model, feeds } = await given(configs.deepfm!, schemes.uniform!, 3);
  const optimizer = new Optimizer(device, model.groups());
  using program = await device.compile(trainStep(model, optimizer, batch));
  expect(program.inputs).toContain("all.places");
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const scalars = optimizer.next(new Set(program.inputs)) as Feeds;
    losses.push((await program.fetch(needed(program, { ...feeds, ...scalars }))).loss![0]!);
  }
  expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  optimizer.dispose();
  model.dispose();
});

test("where most rows come once it stays with positions", async () => {
  const many = fields.map((field) => ({ ...field, rows: 1000 }));
  const model = await buildModel(device, configs.deepfm!, uniform(many, dim), { seed: 1 });
  const { logits } = model.forward({ batch, training: true, byRow: true });
  using program = await device.compile({ outputs: { logits } });
  expect(program.inputs.some((name) => name.endsWith(".places"))).toBe(false);
  model.dispose();
});
