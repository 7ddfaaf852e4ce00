/** Table updates over several steps, against dense arithmetic in plain loops. */
import { describe, expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { lower } from "../../src/compile/lower.ts";
import * as t from "../../src/index.ts";
import { visitsUntouched } from "../../src/optim/optimizer.ts";
import { updateTable } from "../../src/optim/row-update.ts";
import { makePlan } from "../plans.ts";
import { evaluate } from "../reference/evaluate.ts";
import { looseVariable } from "../variables.ts";

const ROWS = 7;
const DIM = 3;
const POSITIONS = 5;

interface Weight {
  w: number;
  a: number;
  b: number;
}

/** One element's move, from the papers; `a` and `b` are the state. */
type Move = (x: Weight, g: number, step: number) => void;

const adamMove =
  (l2: number, decay: number): Move =>
  (x, gradient, step) => {
    const g = gradient + l2 * x.w;
    x.a = 0.9 * x.a + 0.1 * g;
    x.b = 0.999 * x.b + 0.001 * g * g;
    const first = x.a / (1 - 0.9 ** step);
    const second = x.b / (1 - 0.999 ** step);
    x.w = x.w - 0.01 * decay * x.w - (0.01 * first) / (Math.sqrt(second) + 1e-8);
  };
const adagradMove =
  (l2: number): Move =>
  (x, gradient) => {
    const g = gradient + l2 * x.w;
    x.a += g * g;
    x.w -= (0.01 * g) / (Math.sqrt(x.a) + 1e-10);
  };
const sgdMove =
  (l2: number): Move =>
  (x, gradient) => {
    x.w -= 0.01 * (gradient + l2 * x.w);
  };

const cases: readonly { name: string; rule: t.Rule; move: Move }[] = [
  { name: "sgd", rule: t.sgd({ lr: 0.01 }), move: sgdMove(0) },
  { name: "sgd with L2", rule: t.sgd({ lr: 0.01, l2: 0.3 }), move: sgdMove(0.3) },
  { name: "adagrad", rule: t.adagrad({ lr: 0.01 }), move: adagradMove(0) },
  { name: "adagrad with L2", rule: t.adagrad({ lr: 0.01, l2: 0.3 }), move: adagradMove(0.3) },
  { name: "adam", rule: t.adam({ lr: 0.01 }), move: adamMove(0, 0) },
  { name: "adam with coupled L2", rule: t.adam({ lr: 0.01, l2: 0.3 }), move: adamMove(0.3, 0) },
  { name: "adamw", rule: t.adamw({ lr: 0.01, decay: 0.3 }), move: adamMove(0, 0.3) },
  { name: "rowSgd", rule: t.rowSgd({ lr: 0.01, l2: 0.3 }), move: sgdMove(0.3) },
  { name: "rowAdagrad", rule: t.rowAdagrad({ lr: 0.01 }), move: adagradMove(0) },
  { name: "rowAdam", rule: t.rowAdam({ lr: 0.01, l2: 0.3 }), move: adamMove(0.3, 0) },
];

for (const { name, rule, move } of cases) {
  describe(name, () => {
    const table = looseVariable("table", [ROWS, DIM]);
    const slots = rule.slots.map((s) => looseVariable(s, [ROWS, DIM]));
    const touched = visitsUntouched(rule) ? looseVariable("touched", [ROWS, 1], "u32") : undefined;
    const { inputs: plan } = makePlan("p", [0, 0, 0, 0, 0]);
    const gradient = new t.RowGradient(table, plan, t.input("g", [POSITIONS, DIM]));
    const scalars = Object.fromEntries(["lr", ...rule.scalarNames].map((s) => [s, t.input(s, [])]));
    const updates = updateTable(
      rule,
      table,
      gradient,
      { slots, touched },
      scalars,
      t.input("step", [], "u32"),
    );

    test("moves the rows it should, as dense arithmetic does", () =>
      law(
        fc.property(fc.integer(), (seed) => {
          const random = new Random(seed);
          const expected: Weight[] = Array.from({ length: ROWS * DIM }, () => ({
            w: random.between(-1, 1),
            a: 0,
            b: 0,
          }));
          const variables = new Map<t.Variable, ArrayLike<number>>([[table, expected.map((x) => x.w)]]);
          for (let step = 1; step <= 4; step++) {
            const ids = Array.from({ length: POSITIONS }, () => random.whole(0, ROWS - 1));
            const g = Array.from({ length: POSITIONS * DIM }, () => random.between(-1, 1));
            const values = [rule.learningRate, ...rule.scalars(step)];
            const feeds = new Map<string, ArrayLike<number>>([
              ...Object.entries(makePlan("p", ids).feeds),
              ...Object.keys(scalars).map((s, i): [string, number[]] => [s, [values[i]!]]),
              ["g", g],
              ["step", [step]],
            ]);
            for (const [v, content] of evaluate(updates, { feeds, variables }).assigned)
              variables.set(v, content);
            expected.forEach((x, at) => {
              const row = Math.floor(at / DIM);
              if (rule.rowsOnly && !ids.includes(row)) return;
              const total = ids.reduce(
                (sum, id, p) => (id === row ? sum + g[p * DIM + (at % DIM)]! : sum),
                0,
              );
              move(x, total, step);
            });
            expected.forEach((x, at) => {
              expect(variables.get(table)![at]!).toBeCloseTo(x.w, 9);
            });
          }
        }),
        30,
      ));

    test("takes one kernel for the touched rows, and one for the others where they move", () => {
      const { list } = lower([], updates, { maxBuffersPerKernel: 8 });
      expect(list.kernels.map((k) => k.kind)).toEqual(touched ? ["segment", "segment", "map"] : ["segment"]);
      expect(list.buffers.filter((b) => b.role === "temporary")).toEqual([]);
    });
  });
}
