// Facts about the authors' released code: which optimizers move a threshold that gets no gradient, and how fast.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  adam,
  adamw,
  type Device,
  Optimizer,
  openDevice,
  planInputs,
  RowGradient,
  type Rule,
  rowAdam,
  rowSgd,
  sgd,
  type Variable,
  zeros,
} from "@trimtab/tensor-core";
import { stepsToReach, thresholdOf } from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

/** Runs the optimizer itself on thresholds that start at -15 and get no gradient; their value after each of `steps`. */
async function trajectory(rule: Rule, steps: readonly number[]): Promise<number[]> {
  const rows = 4;
  using s: Variable = device.variable("s", [rows, 1], { data: new Float32Array(rows).fill(-15) });
  const optimizer = new Optimizer(device, [{ name: "s", rule, variables: [s] }]);
  // a batch that looks up row 0 alone, whose vectors get zero gradients
  const plan = planInputs("p", 1);
  const gradient = rule.rowsOnly ? new RowGradient(s, plan, zeros([1, 1])) : zeros([rows, 1]);
  using program = await device.compile({ updates: optimizer.updates([gradient]) });
  const needs = new Set(program.inputs);
  const all = {
    "p.sorted": Uint32Array.of(0),
    "p.rows": Uint32Array.of(0),
    "p.offsets": Uint32Array.of(0, 1),
    "p.pieceOffsets": Uint32Array.of(0, 0),
    "p.pieceFrom": new Uint32Array(0),
    "p.pieceTo": new Uint32Array(0),
    "p.count": 1,
    "p.pieceCount": 0,
  };
  const feeds = Object.fromEntries(Object.entries(all).filter(([name]) => needs.has(name)));
  const seen: number[] = [];
  for (let t = 1; t <= Math.max(...steps); t++) {
    program.run({ ...feeds, ...optimizer.next(needs) });
    if (t % 512 === 0) await device.idle();
    // the last row: for lazy rules one that no batch touches
    if (steps.includes(t)) seen.push((await s.read(rows - 1, 1))[0]!);
  }
  optimizer.dispose();
  return seen;
}

describe("with coupled Adam (lr 1e-3, l2 1e-5) and no gradient of the data", () => {
  const rule = adam({ lr: 1e-3, l2: 1e-5 });
  const facts: [number, number][] = [
    [-10, 5279],
    [-8, 7487],
    [-6, 9756],
  ];

  test("the optimizer itself brings -15 to -10, -8 and -6 after 5,279, 7,487 and 9,756 steps", async () => {
    const around = facts.flatMap(([, at]) => [at - 20, at + 20]);
    const seen = await trajectory(rule, around);
    facts.forEach(([level], i) => {
      expect(seen[2 * i]!).toBeLessThan(level);
      expect(seen[2 * i + 1]!).toBeGreaterThan(level);
    });
  });

  test("the estimate agrees, also for -150", () => {
    for (const [level, at] of facts) {
      expect(Math.abs(stepsToReach(rule, -15, level) - at)).toBeLessThanOrEqual(2);
    }
    expect(Math.abs(stepsToReach(rule, -150, -6) - 147_111)).toBeLessThan(20);
    expect(stepsToReach(rule, -5, -6)).toBe(0);
  });
});

describe("thresholds move by less than 0.01 in 10,000 steps", () => {
  const still: [string, Rule][] = [
    ["with decoupled decay", adamw({ lr: 1e-3, decay: 1e-5 })],
    ["with sgd", sgd({ lr: 1e-3, l2: 1e-5 })],
    ["in rows that no batch touches, with lazy Adam", rowAdam({ lr: 1e-3, l2: 1e-5 })],
    ["in rows that no batch touches, with lazy sgd", rowSgd({ lr: 1e-3, l2: 1e-5 })],
    ["with Adam without L2", adam({ lr: 1e-3 })],
  ];
  test.each(still)("%s", async (_, rule) => {
    const [end] = await trajectory(rule, [10_000]);
    expect(Math.abs(end! + 15)).toBeLessThan(0.01);
    expect(stepsToReach(rule, -15, -14.99, 10_000)).toBe(Infinity);
  });
});

test("thresholdOf is the inverse of sigmoid", () => {
  for (const size of [1e-6, 1e-3, 0.5, 0.9]) {
    expect(1 / (1 + Math.exp(-thresholdOf(size)))).toBeCloseTo(size, 12);
  }
});
