/** The Optimizer class on the device: names, feeds, counting, what it refuses, and that a saved step is the step. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Random } from "@trimtab/test-support";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { looseVariable } from "../variables.ts";

let device: t.Device;
beforeAll(async () => {
  device = await t.openDevice();
});
afterAll(() => device.dispose());

const ROWS = 12;
const DIM = 3;
const POSITIONS = 7;

/** A table that is looked up and a dense matrix over it; squared error against fed targets. */
class Model {
  readonly table: t.Variable;
  readonly dense: t.Variable;
  readonly optimizer: t.Optimizer;

  constructor(tableRule: t.Rule, denseRule: t.Rule) {
    const random = new Random(5);
    const start = (n: number) => Float32Array.from({ length: n }, () => random.between(-1, 1));
    this.table = device.variable("table", [ROWS, DIM], { data: start(ROWS * DIM) });
    this.dense = device.variable("dense", [DIM, 2], { data: start(DIM * 2) });
    this.optimizer = new t.Optimizer(device, [
      { name: "tables", rule: tableRule, variables: [this.table] },
      { name: "dense", rule: denseRule, variables: [this.dense] },
    ]);
  }

  compile(): Promise<t.Program<Record<string, t.Tensor>>> {
    const plan = t.planInputs("p", POSITIONS);
    const looked = t.gather(this.table.value, t.input("ids", [POSITIONS], "u32"), plan);
    const error = t.sub(t.matmul(looked, this.dense.value), t.input("y", [POSITIONS, 2]));
    const loss = t.sum(t.square(error));
    return device.compile({ updates: this.optimizer.updates(t.grad(loss, this.optimizer.parameters)) });
  }

  get variables(): Map<string, t.Variable> {
    return new Map([["table", this.table], ["dense", this.dense], ...this.optimizer.state()]);
  }

  dispose(): void {
    this.optimizer.dispose();
    this.table.dispose();
    this.dense.dispose();
  }
}

/** The feeds of step number `step`, optimizer's excepted. */
function batch(step: number): t.Feeds {
  const random = new Random(step);
  const ids = Array.from({ length: POSITIONS }, () => random.whole(0, ROWS - 1));
  const y = Float32Array.from({ length: POSITIONS * 2 }, () => random.between(-1, 1));
  return { ids: Uint32Array.from(ids), y, ...makePlan("p", ids).feeds };
}

async function bitsOf(model: Model): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [name, v] of model.variables)
    out[name] = Buffer.from((await v.read()).buffer as ArrayBuffer).toString("hex");
  return out;
}

const options = { lr: 0.05, l2: 0.01 };
const dense: readonly t.Rule[] = [
  t.sgd(options),
  t.adagrad({ ...options, initial: 0.1 }),
  t.adam(options),
  t.adamw({ lr: 0.05, decay: 0.1 }),
];
const rowWise: readonly t.Rule[] = [t.rowSgd(options), t.rowAdagrad(options), t.rowAdam(options)];

describe("save, load, step is step, bit for bit", () => {
  for (const rule of [...dense, ...rowWise]) {
    test(`${rule.name} on a table, ${dense.includes(rule) ? rule.name : "adam"} on a matrix`, async () => {
      const run = async (model: Model, from: number, to: number): Promise<void> => {
        const program = await model.compile();
        const needs = new Set(program.inputs);
        for (let step = from; step <= to; step++)
          program.run({ ...batch(step), ...model.optimizer.next(needs) });
        await device.idle();
        program.dispose();
      };
      const denseRule = dense.includes(rule) ? rule : t.adam(options);

      const straight = new Model(rule, denseRule);
      await run(straight, 1, 6);
      const expected = await bitsOf(straight);
      straight.dispose();

      const first = new Model(rule, denseRule);
      await run(first, 1, 3);
      const pieces = t.encodeTensors({ tensors: await t.captureVariables(first.variables), metadata: {} });
      const file = t.decodeTensors(new Uint8Array(Buffer.concat(pieces)), "x");
      first.dispose();

      const second = new Model(rule, denseRule);
      t.restoreVariables(second.variables, file, "x");
      second.optimizer.step = 3;
      await run(second, 4, 6);
      expect(await bitsOf(second)).toEqual(expected);
      second.dispose();

      // without its state the optimizer goes another way: the test above could have failed
      const amnesiac = new Model(rule, denseRule);
      const weights = new Map([...amnesiac.variables].slice(0, 2));
      t.restoreVariables(weights, file, "x");
      amnesiac.optimizer.step = 3;
      await run(amnesiac, 4, 6);
      expect(await bitsOf(amnesiac)).not.toEqual(expected);
      amnesiac.dispose();
      expect(device.memory().variables).toBe(0);
    });
  }
});

describe("state", () => {
  const names = (rule: t.Rule): string[] => {
    const model = new Model(rule, t.adagrad({ lr: 1 }));
    const all = [...model.optimizer.state().keys()];
    model.dispose();
    return all;
  };

  test("has names that stay, for checkpoints", () => {
    expect(names(t.sgd({ lr: 1 }))).toEqual(["dense.sum"]);
    expect(names(t.sgd(options))).toEqual(["table.touched", "dense.sum"]);
    expect(names(t.adam({ lr: 1 }))).toEqual(["table.m", "table.v", "table.touched", "dense.sum"]);
    expect(names(t.rowAdam(options))).toEqual(["table.m", "table.v", "dense.sum"]);
  });

  test("starts where the rule says, is counted in bytes and freed exactly", async () => {
    const w = device.variable("w", [4, 2]);
    const before = device.memory();
    const optimizer = new t.Optimizer(device, [
      { name: "g", rule: t.adagrad({ lr: 1, initial: 0.25 }), variables: [w] },
    ]);
    expect(await optimizer.state().get("w.sum")!.read()).toEqual(new Float32Array(8).fill(0.25));
    expect(optimizer.bytes).toBe(32);
    expect(device.memory().variableBytes - before.variableBytes).toBe(optimizer.bytes);
    optimizer.dispose();
    optimizer.dispose();
    await device.idle();
    expect(device.memory()).toEqual(before);
    w.dispose();
  });
});

describe("feeds", () => {
  const groups = [
    { name: "a", rule: t.adam({ lr: 0.5, beta1: 0.8, beta2: 0.9 }), variables: [] },
    { name: "b", rule: t.rowSgd({ lr: 2 }), variables: [] },
  ];
  const all = new Set(["a.lr", "a.c1", "a.c2", "b.lr", "optimizer.step"]);

  test("count the steps and carry each rule's scalars", () => {
    const optimizer = new t.Optimizer(device, groups);
    expect(optimizer.step).toBe(0);
    expect(optimizer.next(all)).toEqual({
      "a.lr": 0.5,
      "a.c1": 1 / (1 - 0.8),
      "a.c2": 1 / Math.sqrt(1 - 0.9),
      "b.lr": 2,
      "optimizer.step": 1,
    });
    optimizer.step = 9;
    const tenth = optimizer.next(all);
    expect(optimizer.step).toBe(10);
    expect(tenth["a.c1"]).toBeCloseTo(1 / (1 - 0.8 ** 10), 14);
    expect(tenth["optimizer.step"]).toBe(10);
  });

  test("scale every learning rate, and leave out what the program does not ask for", () => {
    const optimizer = new t.Optimizer(device, groups);
    optimizer.learningRateScale = 0.1;
    expect(optimizer.next(new Set(["a.lr", "b.lr"]))).toEqual({ "a.lr": 0.05, "b.lr": 0.2 });
    expect(optimizer.step).toBe(1);
  });

  test("the scale reaches the device", async () => {
    const w = device.variable("w", [1]);
    const optimizer = new t.Optimizer(device, [{ name: "g", rule: t.sgd({ lr: 0.5 }), variables: [w] }]);
    const updates = optimizer.updates(t.grad(t.sum(w.value), optimizer.parameters));
    using program = await device.compile({ updates });
    const needs = new Set(program.inputs);
    program.run(optimizer.next(needs));
    optimizer.learningRateScale = 0.25;
    program.run(optimizer.next(needs));
    expect((await w.read())[0]).toBe(-0.625);
    w.dispose();
  });
});

describe("what does not fit is refused", () => {
  const w = looseVariable("w", [4, 2]);
  const v = looseVariable("v", [4, 2]);
  const rule = t.sgd({ lr: 1 });
  const make = (...groups: t.ParameterGroup[]) => new t.Optimizer(device, groups);

  test("groups", () => {
    const twice = [
      { name: "g", rule, variables: [w] },
      { name: "g", rule, variables: [v] },
    ];
    expect(() => make(...twice)).toThrow(/two groups are named "g"/);
    expect(() => make({ name: "g", rule, variables: [w, looseVariable("w", [1])] })).toThrow(
      /"w" is there twice/,
    );
    expect(() => make({ name: "g", rule, variables: [looseVariable("n", [1], "u32")] })).toThrow(
      t.OptimizerError,
    );
  });

  test("gradients", () => {
    const optimizer = make({ name: "g", rule, variables: [w, v] });
    const g = t.zeros([4, 2]);
    expect(() => optimizer.updates([g])).toThrow(/1 gradients for 2 parameters/);
    expect(() => optimizer.updates([g, g, g])).toThrow(t.OptimizerError);
    expect(() => optimizer.updates([g, t.zeros([2, 4])])).toThrow(t.ShapeError);
    const { inputs } = makePlan("p", [0]);
    const rows = new t.RowGradient(v, inputs, t.zeros([1, 2]));
    expect(() => optimizer.updates([rows, g])).toThrow(/gradient of "v" stands in the place of "w"/);
    const lazy = make({ name: "g", rule: t.rowSgd({ lr: 1 }), variables: [w] });
    expect(() => lazy.updates([g])).toThrow(/"w" has a dense gradient/);
    expect(() => lazy.updates([g])).toThrow(t.GradientError);
  });

  test("state over the binding limit; what was made before it is freed", async () => {
    using small = await t.openDevice({ maxBindingBytes: 1 << 12 });
    const [a, b] = [small.variable("a", [8, 8]), small.variable("b", [1 << 10, 1])];
    const before = small.memory();
    const fits = { name: "fits", rule: t.adam({ lr: 1 }), variables: [a] };
    const big = { name: "big", rule: t.adam({ lr: 1 }), variables: [b] };
    const optimizer = new t.Optimizer(small, [fits, big]);
    optimizer.dispose();
    await small.idle();
    const huge = { name: "huge", rule, variables: [looseVariable("huge", [1 << 11])] };
    const sums = { ...huge, rule: t.adagrad({ lr: 1 }) };
    expect(() => new t.Optimizer(small, [fits, sums])).toThrow(/"huge.sum" \[2048\] needs 8192 bytes.*4096/);
    await small.idle();
    expect(small.memory()).toEqual(before);
  });
});
