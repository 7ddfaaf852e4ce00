// Every model under every kind of scheme against plain Float64 loops: logits, gradients, and what a step changes.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { perField, uniform } from "@trimtab/embeddings";
import {
  bceWithLogits,
  type Device,
  grad,
  mean,
  Optimizer,
  openDevice,
  RowGradient,
  segmentSum,
} from "@trimtab/tensor-core";
import { asyncLaw, needed } from "@trimtab/test-support";
import fc from "fast-check";
import {
  buildModel,
  deepfm,
  dlrm,
  dnn,
  fm,
  hasEnough,
  lr,
  ModelError,
  scoreStep,
  trainStep,
} from "../src/index.ts";
import { type Contents, firstMoments, logitsOf, lossOf } from "./reference.ts";
import { configs, contentsOf, differences, fields, givenModel, schemes } from "./setting.ts";

// a software device takes seconds to compile a training step
setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const cases = Object.keys(configs).flatMap((c) => Object.keys(schemes).map((s): [string, string] => [c, s]));

describe.each(cases)("%s, %s", (c, s) => {
  const config = configs[c]!;
  const scheme = schemes[s]!;

  test("logits are those of plain loops, training and scoring", async () => {
    const { model, values, feeds } = await givenModel(device, config, scheme, { batch: 6, seed: 11 });
    const contents = await contentsOf(model);
    for (const training of [true, false]) {
      const { logits } = model.forward({ batch: 6, training });
      using program = await device.compile({ outputs: { logits } });
      const found = (await program.fetch(needed(program, feeds))).logits;
      const expected = logitsOf({ config, scheme, tables: model.tables, values, training }, contents);
      expected.forEach((e, b) => {
        expect(Math.abs(found[b]! - e)).toBeLessThan(1e-4 * Math.max(1, Math.abs(e)));
      });
    }
    model.dispose();
  });

  test("gradients of all parameters are the central differences of plain loops", async () => {
    const { model, values, labels, feeds } = await givenModel(device, config, scheme, { batch: 6, seed: 12 });
    const contents = await contentsOf(model);
    const forward = model.forward({ batch: 6, training: true });
    const loss = mean(bceWithLogits(forward.logits, forward.labels));
    const parameters = [...model.tableVariables, ...model.denseVariables];
    const gradients = grad(loss, parameters);
    const outputs = Object.fromEntries(
      gradients.map((g, i) => [
        parameters[i]!.name,
        g instanceof RowGradient ? segmentSum(g.positions, g.plan) : g,
      ]),
    );
    using program = await device.compile({ outputs });
    const found = await program.fetch(needed(program, feeds));
    const reference = { config, scheme, tables: model.tables, values, training: true };
    parameters.forEach((v, i) => {
      const g = gradients[i]!;
      const actual = new Float64Array(v.size);
      if (g instanceof RowGradient) {
        const d = v.shape[1]!;
        (feeds[`${g.plan.name}.rows`] as Uint32Array).forEach((row, u) => {
          actual.set(found[v.name]!.subarray(u * d, u * d + d), row * d);
        });
      } else actual.set(found[v.name]!);
      const expected = differences((at) => lossOf(logitsOf(reference, at), labels), contents, v.name);
      expected.forEach((e, k) => {
        const error = Math.abs(actual[k]! - e) / Math.max(0.1, Math.abs(e));
        if (!(error < 1e-3)) throw new Error(`${v.name}[${k}]: graph ${actual[k]}, differences ${e}`);
      });
    });
    model.dispose();
  });

  test("memory is as before when model, optimizer and programs are disposed", async () => {
    const before = device.memory();
    const model = await buildModel(device, config, scheme, { seed: 1 });
    const optimizer = new Optimizer(device, model.groups());
    const train = await device.compile(trainStep(model, optimizer, 4));
    const score = await device.compile(scoreStep(model, 4));
    expect(device.memory().variableBytes - before.variableBytes).toBe(model.bytes + optimizer.bytes + 4);
    train.dispose();
    score.dispose();
    optimizer.dispose();
    model.dispose();
    expect(device.memory()).toEqual(before);
  });

  test("groups, state and counts agree", async () => {
    using model = await buildModel(device, config, scheme, { seed: 1 });
    const grouped = model.groups().flatMap((g) => [...g.variables]);
    expect(new Set(grouped)).toEqual(new Set([...model.tableVariables, ...model.denseVariables]));
    expect(grouped.reduce((n, v) => n + v.size, 0)).toBe(model.parameters);
    const moments = [...model.state.values()].filter((v) => !grouped.includes(v));
    expect(moments.every((v) => /\.(mean|variance)$/.test(v.name))).toBe(true);
    expect(model.state.size).toBe(grouped.length + moments.length);
    const embeddings = config.kind === "lr" ? 0 : scheme.serveBytes();
    expect(model.tables.bytes).toBe(embeddings);
  });
});

test("law: any fields, dims and columns: DeepFM's logits are those of plain loops", async () => {
  const schemeOf = fc
    .tuple(
      fc.array(fc.record({ rows: fc.integer({ min: 1, max: 30 }), slots: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.integer({ min: 1, max: 6 }),
    )
    .chain(([list, base]) =>
      fc
        .tuple(...list.map(() => fc.subarray(Array.from({ length: base }, (_, j) => j))))
        .filter((columns) => columns.some((c) => c.length > 0))
        .map((columns) => {
          const named = list.map((f, i) => ({ name: `f${i}`, ...f }));
          const dims = columns.map((c) => c.length);
          return perField(named, dims, { base, projection: "linear", columns });
        }),
    );
  const config = deepfm({ dim: 6, hidden: [4] });
  await asyncLaw(
    fc.asyncProperty(schemeOf, fc.integer({ min: 1, max: 20 }), fc.nat(), async (scheme, batch, start) => {
      const { model, values, feeds } = await givenModel(device, config, scheme, { batch, seed: start });
      const contents = await contentsOf(model);
      using program = await device.compile(scoreStep(model, batch));
      const found = (await program.fetch(needed(program, feeds))).logits;
      const expected = logitsOf({ config, scheme, tables: model.tables, values, training: false }, contents);
      model.dispose();
      expected.forEach((e, b) => {
        expect(Math.abs(found[b]! - e)).toBeLessThan(1e-4 * Math.max(1, Math.abs(e)));
      });
    }),
    8,
  );
});

describe("a step", () => {
  const batch = 6;
  const scheme = schemes.uniform!;

  async function stepped(config: ReturnType<typeof fm>) {
    const { model, values, labels, feeds } = await givenModel(device, config, scheme, { batch, seed: 13 });
    const before = await contentsOf(model);
    const optimizer = new Optimizer(device, model.groups());
    using program = await device.compile(trainStep(model, optimizer, batch));
    const scalars = optimizer.next(new Set(program.inputs));
    const { loss } = await program.fetch({ ...needed(program, feeds), ...scalars });
    const after = await contentsOf(model);
    const lossSum = (await model.lossSum.read())[0]!;
    optimizer.dispose();
    model.dispose();
    const reference = { config, scheme, tables: model.tables, values, training: true };
    const lossAt = (at: Contents) => lossOf(logitsOf(reference, at), labels);
    return { before, after, loss: loss[0]!, lossSum, lossAt, feeds };
  }

  const untouchedRows = (feeds: Record<string, unknown>) => {
    const touched = new Set(feeds["all.rows"] as Uint32Array);
    const rows = fields.reduce((n, f) => n + f.rows, 0);
    return Array.from({ length: rows }, (_, r) => r).filter((r) => !touched.has(r));
  };

  test("tableL2 pulls every row of tables and first-order weights, lookupL2 those looked up", async () => {
    for (const whole of [true, false]) {
      const config = whole
        ? fm({ dim: 4, tableOptimizer: "sgd", optimizer: "sgd", learningRate: 0.1, tableL2: 0.5 })
        : fm({ dim: 4, tableOptimizer: "rowSgd", optimizer: "sgd", learningRate: 0.1, lookupL2: 0.5 });
      const { before, after, lossAt, feeds } = await stepped(config);
      const untouched = new Set(untouchedRows(feeds));
      expect(untouched.size).toBeGreaterThan(0);
      for (const [name, dim] of [
        ["embeddings.all", 4],
        ["linear.weight", 1],
      ] as const) {
        const slopes = differences(lossAt, before, name);
        after.get(name)!.forEach((value, i) => {
          const old = before.get(name)![i]!;
          const pulled = whole || !untouched.has(Math.floor(i / dim));
          expect(value).toBeCloseTo(old - 0.1 * (slopes[i]! + (pulled ? 0.5 * old : 0)), 4);
        });
      }
      // the bias is no table
      const [slope] = differences(lossAt, before, "linear.bias");
      expect(after.get("linear.bias")![0]!).toBeCloseTo(before.get("linear.bias")![0]! - 0.1 * slope!, 4);
    }
  });

  test("linearL2 of its own", async () => {
    const options = { dim: 4, tableOptimizer: "sgd", learningRate: 0.1, tableL2: 0.5, linearL2: 0 } as const;
    const { before, after, feeds } = await stepped(fm(options));
    for (const row of untouchedRows(feeds)) {
      expect(after.get("linear.weight")![row]!).toBe(before.get("linear.weight")![row]!);
      expect(after.get("embeddings.all")![row * 4]!).toBeCloseTo(
        0.95 * before.get("embeddings.all")![row * 4]!,
        5,
      );
    }
  });

  test("the loss is the mean loss, and is added up on the device", async () => {
    const { loss, lossSum, lossAt, before } = await stepped(fm({ dim: 4 }));
    expect(loss).toBeCloseTo(lossAt(before), 5);
    expect(lossSum).toBeCloseTo(loss, 6);
  });
});

describe("towers", () => {
  test("running moments go a tenth of the way to the batch's", async () => {
    const config = dnn({ dim: 4, hidden: [3], batchNorm: true });
    const scheme = schemes.uniform!;
    const { model, values, feeds } = await givenModel(device, config, scheme, { batch: 5, seed: 3 });
    const before = await contentsOf(model);
    const optimizer = new Optimizer(device, model.groups());
    using program = await device.compile(trainStep(model, optimizer, 5));
    await program.fetch({ ...needed(program, feeds), ...optimizer.next(new Set(program.inputs)) });
    const after = await contentsOf(model);
    const found = firstMoments({ config, scheme, tables: model.tables, values, training: true }, before);
    for (const part of ["mean", "variance"] as const) {
      const name = `tower.0.norm.${part}`;
      after.get(name)!.forEach((value, j) => {
        expect(value).toBeCloseTo(0.9 * before.get(name)![j]! + 0.1 * found[part][j]!, 4);
      });
    }
    optimizer.dispose();
    model.dispose();
  });

  test("dropout: other units each step, the same at the same step, none in scoring", async () => {
    const config = dnn({ dim: 4, hidden: [16], dropout: 0.5 });
    const { model, feeds } = await givenModel(device, config, schemes.uniform!, { batch: 5, seed: 3 });
    const trained = model.forward({ batch: 5, training: true }).logits;
    using program = await device.compile({ outputs: { logits: trained } });
    const at = async (step: number) =>
      (await program.fetch({ ...needed(program, feeds), "rng.step": step })).logits;
    const one = await at(1);
    expect(await at(1)).toEqual(one);
    expect(await at(2)).not.toEqual(one);
    using score = await device.compile(scoreStep(model, 5));
    expect(score.inputs).toEqual(["all.ids", "all.weights"]);
    model.dispose();
  });
});

describe("building", () => {
  test("the same seed gives the same bits; tables and matrices differ from each other", async () => {
    const read = async (seed: number) => {
      using model = await buildModel(device, configs.deepfm!, schemes.uniform!, { seed });
      return await contentsOf(model);
    };
    const one = await read(4);
    expect(await read(4)).toEqual(one);
    expect(await read(5)).not.toEqual(one);
    const [first, second] = [one.get("tower.0.weight")!, one.get("tower.1.weight")!];
    expect(first[0]! / second[0]!).not.toBeCloseTo(first[1]! / second[1]!, 3);
    expect([...one.get("linear.bias")!]).toEqual([0]);
    expect([...one.get("tower.0.norm.gamma")!]).toEqual([1, 1, 1, 1, 1]);
  });

  test("a tower's matrices have the deviation of Glorot's normal values", async () => {
    const wide = uniform([{ name: "f", rows: 2, slots: 1 }], 200);
    using model = await buildModel(device, dnn({ dim: 200, hidden: [100] }), wide, { seed: 1 });
    const weights = (await contentsOf(model)).get("tower.0.weight")!;
    const square = weights.reduce((n, w) => n + w * w, 0) / weights.length;
    expect(Math.abs(Math.sqrt(square / (2 / 300)) - 1)).toBeLessThan(5 / Math.sqrt(2 * 20000));
  });

  test("a scheme of unequal dims without projections is refused by FM and taken by a tower", async () => {
    const scheme = perField(fields, [1, 2, 3, 4], { base: 4, projection: "none" });
    const before = device.memory();
    await expect(buildModel(device, fm({ dim: 4 }), scheme, { seed: 1 })).rejects.toThrow(ModelError);
    expect(device.memory()).toEqual(before);
    using model = await buildModel(device, dnn({ dim: 4 }), scheme, { seed: 1 });
    expect(model.layouts.map((l) => l.name)).toEqual(["d4", "d3", "d2", "d1"]);
  });

  test("a scheme that gives no field an embedding leaves FM its first-order part and a tower nothing", async () => {
    const none = uniform(fields, 0);
    using model = await buildModel(device, fm({ dim: 4 }), none, { seed: 1 });
    expect(model.parameters).toBe(25 + 1);
    const before = device.memory();
    await expect(buildModel(device, deepfm({ dim: 4 }), none, { seed: 1 })).rejects.toThrow(
      "nothing to read",
    );
    expect(device.memory()).toEqual(before);
  });

  test("DLRM: a dense field that is not there, and a single vector with nothing to multiply it with, are refused", async () => {
    const before = device.memory();
    const refused = async (config: ReturnType<typeof dlrm>, dims: number[]) => {
      const scheme = perField(fields, dims, { base: 4, projection: "positions" });
      return await buildModel(device, config, scheme, { seed: 1 }).then(
        () => undefined,
        (error) => error as Error,
      );
    };
    const unknown = await refused(dlrm({ dim: 4, dense: ["minute"] }), [4, 4, 4, 4]);
    expect(unknown).toBeInstanceOf(ModelError);
    expect(unknown!.message).toContain('"minute", but the fields are user, genres, item, hour');
    expect((await refused(dlrm({ dim: 4 }), [0, 0, 4, 0]))!.message).toContain('one vector, "item"');
    expect((await refused(dlrm({ dim: 4 }), [0, 0, 0, 0]))!.message).toContain("nothing to read");
    expect(device.memory()).toEqual(before);
    // the bottom tower's vector is something to read
    const scheme = perField(fields, [0, 0, 4, 0], { base: 4, projection: "positions" });
    using model = await buildModel(device, dlrm({ dim: 4, dense: ["item"] }), scheme, { seed: 1 });
    expect(model.state.get("tower.0.weight")!.shape[0]).toBe(4);
  });

  test("what has enough to read is what can be built", async () => {
    for (const [name, config] of Object.entries(configs)) {
      for (let n = 0; n < 2 ** fields.length; n++) {
        const dims = fields.map((_, f) => ((n >> f) & 1) * 4);
        const scheme = perField(fields, dims, { base: 4, projection: "positions" });
        const built = await buildModel(device, config, scheme, { seed: 1 }).then(
          (model) => {
            model.dispose();
            return true;
          },
          () => false,
        );
        expect([name, dims, hasEnough(config, fields, dims)]).toEqual([name, dims, built]);
      }
    }
  });

  test("LR has no embeddings, whatever the scheme", async () => {
    using model = await buildModel(device, lr(), schemes.uniform!, { seed: 1 });
    expect(model.tables.parts).toHaveLength(0);
    expect(model.forward({ batch: 2, training: false }).lookedUp).toBeUndefined();
  });
});
