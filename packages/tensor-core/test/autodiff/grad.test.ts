/** `grad` as a whole: composed graphs, tables, what has no gradient. */
import { describe, expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import type { Tensor } from "../../src/index.ts";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { evaluate } from "../reference/evaluate.ts";
import { looseVariable } from "../variables.ts";
import { type Contents, expectGradients, weighted } from "./differences.ts";

/** A random smooth graph over the inputs: values are shared, reused and mixed through every kind of op. */
function compose(inputs: readonly Tensor[], random: Random, steps: number): Tensor {
  const pool = [...inputs];
  for (let i = 0; i < steps; i++) {
    const a = random.pick(pool);
    const b = random.pick(pool);
    switch (random.whole(0, 8)) {
      case 0:
        pool.push(t.tanh(t.add(t.mul(a, b), 0.1)));
        break;
      case 1:
        pool.push(t.div(a, t.add(t.square(b), 1)));
        break;
      case 2:
        pool.push(t.sigmoid(t.matmul(a, t.transpose(b))));
        break;
      case 3:
        pool.push(t.mul(a, t.sum(b, [random.whole(0, 1)], { keep: true })));
        break;
      case 4:
        pool.push(t.transpose(t.sub(a, t.mean(t.square(b)))));
        break;
      case 5:
        pool.push(t.sliceAxis(t.concat([a, t.tanh(b)], 1), 1, 1, 1 + a.shape[1]!));
        break;
      case 6:
        pool.push(t.mul(t.rsqrt(t.add(t.mean(t.square(a), [0], { keep: true }), 0.5)), b));
        break;
      case 7:
        pool.push(t.log1p(t.exp(t.neg(t.mul(a, t.stopGradient(t.constant(0.3)))))));
        break;
      default:
        pool.push(t.reshape(t.permute(t.reshape(a, [1, a.shape[0]!, a.shape[1]!]), [2, 0, 1]), a.shape));
    }
  }
  return pool.slice(-3).reduce((x, y) => t.add(x, t.mul(y, 0.5)));
}

describe("composed graphs", () => {
  test("gradients equal central differences", () =>
    law(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 14 }),
        (seed, n, steps) => {
          const random = new Random(seed);
          const contents: Contents = {};
          const inputs = [0, 1, 2].map((k) => {
            contents[`x${k}`] = Array.from({ length: n * n }, () => random.between(-1, 1));
            return t.input(`x${k}`, [n, n]);
          });
          const out = compose(inputs, random, steps);
          expectGradients(t.mul(weighted(out, contents, random), 1 / 10), inputs, contents);
        },
      ),
      100,
    ));
});

describe("tables", () => {
  /** Loss over looked-up vectors; `twice` looks the same ids up two times. */
  function lossOf(table: t.Variable, ids: Tensor, plan: t.PlanInputs, twice: boolean): Tensor {
    const e = t.gather(table.value, ids, plan);
    const w = t.cast(t.add(t.iota(e.shape), 1), "f32");
    const once = t.sum(t.mul(t.square(e), t.mul(w, 0.1)));
    return twice ? t.add(once, t.sum(t.tanh(t.gather(table.value, ids, plan)))) : once;
  }

  test("a row gradient, summed by row, equals central differences of the table", () =>
    law(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(5), { maxLength: 12 }),
        fc.boolean(),
        fc.integer(),
        (n, d, raw, twice, seed) => {
          const random = new Random(seed);
          const list = raw.map((id) => id % n);
          const table = looseVariable("table", [n, d]);
          const plan = makePlan("p", list);
          const half = list.length % 2 === 0 && random.next() < 0.5;
          const ids = t.input("ids", half ? [2, list.length / 2] : [list.length], "u32");
          const loss = lossOf(table, ids, plan.inputs, twice);
          const [gradient] = t.grad(loss, [table]);
          if (!(gradient instanceof t.RowGradient)) throw new Error("expected a RowGradient");
          expect(gradient.table).toBe(table);
          expect(gradient.positions.shape).toEqual([list.length, d]);
          const content = Array.from({ length: n * d }, () => random.between(-1, 1));
          const feeds = new Map<string, ArrayLike<number>>([["ids", list], ...Object.entries(plan.feeds)]);
          const run = (roots: Tensor[], values: number[]) =>
            evaluate(roots, { feeds, variables: new Map([[table, values]]) });
          const summed = t.segmentSum(gradient.positions, plan.inputs);
          const found = run([summed], content).of(summed);
          const dense = new Float64Array(n * d);
          plan.rows.forEach((row, u) => {
            for (let j = 0; j < d; j++) dense[row * d + j] = found[u * d + j]!;
          });
          const at = (i: number, by: number) =>
            run(
              [loss],
              content.map((v, j) => (j === i ? v + by : v)),
            ).of(loss)[0]!;
          for (let i = 0; i < n * d; i++) {
            const expected = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
            expect(Math.abs(dense[i]! - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
          }
        },
      ),
      60,
    ));

  test("what is made of touched rows once, then spread: central differences of the table", () =>
    law(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        fc.integer(),
        (d, list, also, seed) => {
          const random = new Random(seed);
          const table = looseVariable("table", [6, d]);
          const plan = makePlan("p", list);
          const made = t.touched(t.tanh(t.mul(t.rows(table.value, plan.inputs), 1.5)), plan.inputs);
          const w = t.cast(t.add(t.iota([list.length, d]), 1), "f32");
          const once = t.sum(t.mul(t.square(t.spread(made, plan.inputs)), t.mul(w, 0.1)));
          const ids = t.input("ids", [list.length], "u32");
          const loss = also ? t.add(once, t.sum(t.gather(table.value, ids, plan.inputs))) : once;
          const [gradient] = t.grad(loss, [table]);
          if (!(gradient instanceof t.RowGradient)) throw new Error("expected a RowGradient");
          expect(() => gradient.positions).toThrow(t.GradientError);
          const content = Array.from({ length: 6 * d }, () => random.between(-1, 1));
          const feeds = new Map<string, ArrayLike<number>>([
            ["ids", list],
            ["p.places", plan.places],
            ...Object.entries(plan.feeds),
          ]);
          const run = (root: Tensor, values: number[]) =>
            evaluate([root], { feeds, variables: new Map([[table, values]]) }).of(root);
          const found = run(gradient.rows, content);
          plan.rows.forEach((row, u) => {
            for (let j = 0; j < d; j++) {
              const at = (by: number) =>
                run(
                  loss,
                  content.map((v, i) => (i === row * d + j ? v + by : v)),
                )[0]!;
              const expected = (at(1e-5) - at(-1e-5)) / 2e-5;
              expect(Math.abs(found[u * d + j]! - expected)).toBeLessThan(
                1e-6 * Math.max(1, Math.abs(expected)),
              );
            }
          });
        },
      ),
      60,
    ));

  test("the gradient of the looked-up vectors needs neither plan nor variable", () => {
    const table = looseVariable("table", [3, 2]);
    const e = t.gather(table.value, t.input("ids", [4], "u32"));
    const [g] = t.grad(t.sum(t.square(e)), [e]);
    const variables = new Map([[table, [1, 2, 3, 4, 5, 6]]]);
    const found = evaluate([g], { feeds: new Map([["ids", [2, 0, 2, 1]]]), variables });
    expect([...found.of(g)]).toEqual([10, 12, 2, 4, 10, 12, 6, 8]);
  });
});

describe("GradientError", () => {
  const table = looseVariable("emb", [3, 2]);
  const plan = makePlan("p", [0, 1]).inputs;
  const other = makePlan("q", [0, 1]).inputs;
  const ids = t.input("ids", [2], "u32");

  test("a loss that is not an f32 scalar", () => {
    expect(() => t.grad(t.input("x", [2]), [])).toThrow(/f32 scalar, got f32 \[2\]/);
    expect(() => t.grad(t.iota([]), [])).toThrow(t.GradientError);
  });
  test("a target that is not f32", () => {
    const n = t.input("n", [2], "u32");
    expect(() => t.grad(t.sum(t.cast(n, "f32")), [n])).toThrow(/a target is u32 \[2\]/);
  });
  test("a table gathered without a plan", () => {
    expect(() => t.grad(t.sum(t.gather(table.value, ids)), [table])).toThrow(
      /"emb" was gathered without a batch plan/,
    );
  });
  test("a table looked up by two plans", () => {
    const loss = t.add(t.sum(t.gather(table.value, ids, plan)), t.sum(t.gather(table.value, ids, other)));
    expect(() => t.grad(loss, [table])).toThrow(/two plans \("q", "p"\)/);
  });
  test("a table looked up and used whole", () => {
    const loss = t.add(t.sum(t.gather(table.value, ids, plan)), t.sum(t.square(table.value)));
    expect(() => t.grad(loss, [table])).toThrow(/looked up and also used whole/);
  });
  test("a lookup in something computed", () => {
    const w = t.input("w", [3, 2]);
    expect(() => t.grad(t.sum(t.gather(t.mul(w, 2), ids, plan)), [w])).toThrow(/only to a Variable/);
  });
  test("an op without a rule", () => {
    const x = t.input("x", [2, 3]);
    expect(() => t.grad(t.sum(t.segmentSum(x, plan)), [x])).toThrow(/"segmentSum" has no gradient/);
    expect(() => t.grad(t.sum(t.assign(table, t.mul(table.value, 2))), [table])).toThrow(
      /"assign" has no gradient/,
    );
  });
});

test("what the loss does not depend on gets zeros of its own shape", () => {
  const x = t.input("x", [2]);
  const y = looseVariable("y", [3, 1]);
  const [g, h] = t.grad(t.sum(t.stopGradient(x)), [x, y]);
  const found = evaluate([g, h as Tensor], { feeds: new Map([["x", [1, 2]]]), variables: new Map() });
  expect(g.shape).toEqual([2]);
  expect((h as Tensor).shape).toEqual([3, 1]);
  expect([...found.of(g), ...found.of(h as Tensor)]).toEqual([0, 0, 0, 0, 0]);
});

describe("customGradient", () => {
  const x = t.input("x", [2]);
  const y = t.input("y", [2]);
  const values = (node: t.Tensor) =>
    Array.from(
      evaluate([node], {
        feeds: new Map([
          ["x", [2, 3]],
          ["y", [5, 7]],
        ]),
        variables: new Map(),
      }).of(node),
    );

  test("has the value's values and the given gradients, which are differentiable in their turn", () => {
    const z = t.customGradient(t.mul(x, y), [x, y], (g) => [t.mul(g, t.mul(x, 10)), t.mul(g, 100)]);
    expect(values(z)).toEqual([10, 21]);
    const [gx, gy] = t.grad(t.sum(t.mul(z, x)), [x, y]);
    // through z by the given rule, and through x itself
    expect(values(gx)).toEqual([2 * 20 + 10, 3 * 30 + 21]);
    expect(values(gy)).toEqual([200, 300]);
    const [again] = t.grad(t.sum(t.grad(t.sum(z), [x])[0]), [x]);
    expect(values(again)).toEqual([10, 10]);
  });

  test("nothing flows to what is no target", () => {
    const [gy] = t.grad(t.sum(t.customGradient(t.mul(x, y), [x], (g) => [g])), [y]);
    expect(values(gy)).toEqual([0, 0]);
  });

  test("gradients that do not fit their targets are refused", () => {
    const of = (backward: (g: t.Tensor) => t.Tensor[]) =>
      t.grad(t.sum(t.customGradient(t.mul(x, y), [x, y], backward)), [x]);
    expect(() => of((g) => [g])).toThrow(/gradients of shapes \[2\], its targets are \[2\], \[2\]/);
    expect(() => of((g) => [g, t.sum(g)])).toThrow(t.GradientError);
    expect(() => of(() => [])).toThrow(/shapes none/);
  });
});

test("a loss is its own gradient's unit", () => {
  const loss = t.sum(t.input("x", [2]));
  const [g] = t.grad(loss, [loss]);
  expect([...evaluate([g], { feeds: new Map(), variables: new Map() }).of(g)]).toEqual([1]);
});
