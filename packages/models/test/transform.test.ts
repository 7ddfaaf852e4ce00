// The hook for methods that change looked-up vectors: it sees single rows before pooling, tables alone, and gets gradients.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { LookupOrigin } from "@trimtab/embeddings";
import { type Device, gather, mul, Optimizer, openDevice, rowSgd } from "@trimtab/tensor-core";
import { needed } from "@trimtab/test-support";
import { scoreStep, trainStep } from "../src/index.ts";
import { configs, givenModel, schemes } from "./setting.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice({ engine: "cpu" });
});
afterAll(() => device.dispose());

test.each(["fm", "dnn", "wideDeep", "deepfm", "dlrm"])(
  "%s: vectors times two are tables times two",
  async (c) => {
    const { model, feeds } = await givenModel(device, configs[c]!, schemes.uniform!, { batch: 6, seed: 5 });
    const origins: LookupOrigin[] = [];
    const transform = (vectors: ReturnType<typeof mul>, origin: LookupOrigin) => {
      origins.push(origin);
      return mul(vectors, 2);
    };
    using twice = await device.compile(scoreStep(model, 6, { transform }));
    const { logits } = await twice.fetch(needed(twice, feeds));
    // user, three genres, item, hour: one vector a slot, before pooling
    expect(origins.map((o) => [o.layout.name, o.ids.shape, o.plan])).toEqual([["all", [6, 6], undefined]]);
    for (const table of model.tables.tableVariables) table.write((await table.read()).map((v) => v * 2));
    using plain = await device.compile(scoreStep(model, 6));
    const expected = (await plain.fetch(needed(plain, feeds))).logits;
    expect(logits).toEqual(expected);
    model.dispose();
  },
);

test("parameters of a transform train with the model, by the lookup's own plan", async () => {
  const { model, feeds } = await givenModel(device, configs.fm!, schemes.uniform!, { batch: 6, seed: 5 });
  const { layout } = model.tables.parts[0]!.group;
  using scale = device.variable("scale", [layout.rows, 1], { data: new Float32Array(layout.rows).fill(1) });
  const group = { name: "scale", rule: rowSgd({ lr: 0.1 }), variables: [scale] };
  const optimizer = new Optimizer(device, [...model.groups(), group]);
  const transform = (vectors: ReturnType<typeof mul>, { ids, plan }: LookupOrigin) =>
    mul(vectors, gather(scale.value, ids, plan));
  using step = await device.compile(trainStep(model, optimizer, 6, { transform }));
  step.run(needed(step, { ...feeds, ...(optimizer.next(new Set(step.inputs)) as typeof feeds) }));
  const moved = [...(await scale.read())].flatMap((v, row) => (v === 1 ? [] : [row]));
  const touched = feeds["all.rows"] as Uint32Array;
  expect(moved.length).toBeGreaterThan(touched.length / 2);
  for (const row of moved) expect([...touched]).toContain(row);
  optimizer.dispose();
  model.dispose();
});
