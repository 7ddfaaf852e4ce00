/** Every op that has a rule: its gradient equals central differences, element by element, over random shapes. */
import { describe, expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import type { Tensor } from "../../src/index.ts";
import * as t from "../../src/index.ts";
import { evaluate } from "../reference/evaluate.ts";
import { size } from "../reference/index-space.ts";
import { type Contents, expectGradients, spread, weighted } from "./differences.ts";

const extent = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 12, arbitrary: fc.constantFrom(1, 2, 3, 5, 7) },
);
const full = fc.constantFrom(1, 2, 3, 5, 7);
const shapes = fc.array(extent, { maxLength: 3 });
const seeds = fc.integer();

interface Case {
  readonly name: string;
  readonly op: (...xs: Tensor[]) => Tensor;
  readonly low?: number;
  readonly high?: number;
}

const unaries: Case[] = [
  { name: "neg", op: t.neg },
  { name: "abs", op: t.abs },
  { name: "sign", op: t.sign },
  { name: "exp", op: t.exp },
  { name: "log", op: t.log, low: 0.2, high: 3 },
  { name: "log1p", op: t.log1p, low: -0.7, high: 3 },
  { name: "sqrt", op: t.sqrt, low: 0.2, high: 3 },
  { name: "rsqrt", op: t.rsqrt, low: 0.3, high: 3 },
  { name: "recip", op: t.recip, low: 0.3, high: 3 },
  { name: "sigmoid", op: t.sigmoid, low: -6, high: 6 },
  { name: "tanh", op: t.tanh },
  { name: "floor", op: (x) => t.floor(x), low: 0.05, high: 0.9 },
  { name: "relu", op: t.relu },
  { name: "softplus", op: t.softplus, low: -8, high: 8 },
  { name: "square", op: t.square },
  { name: "pow by a constant", op: (x) => t.pow(x, 2.5), low: 0.2, high: 2 },
  { name: "maximum with a constant, reversed", op: (x) => t.maximum(0.0004, x) },
  { name: "minimum with a constant", op: (x) => t.minimum(x, 0.0004) },
  { name: "div of a constant", op: (x) => t.div(1.5, x), low: 0.3, high: 3 },
  { name: "stopGradient beside a path", op: (x) => t.mul(t.stopGradient(t.constant(2)), x) },
];

const binaries: Case[] = [
  { name: "add", op: t.add },
  { name: "sub", op: t.sub },
  { name: "mul", op: t.mul },
  { name: "div", op: t.div, low: 0.4, high: 3 },
  { name: "minimum", op: t.minimum },
  { name: "maximum", op: t.maximum },
  { name: "pow", op: t.pow, low: 0.4, high: 2 },
  { name: "mod", op: (a, b) => t.mod(t.mul(a, 10), t.add(b, 3.07)), low: 0.2, high: 0.5 },
  { name: "where", op: (a, b) => t.where(t.gt(a, b), t.mul(a, a), t.mul(b, a)) },
];

/** Two shapes that broadcast together, made by shrinking axes of one to 1 and dropping leading ones. */
const broadcastPairs = fc.tuple(shapes, seeds).map(([shape, seed]): [number[], number[]] => {
  const random = new Random(seed);
  const shrink = () => {
    const kept = shape.map((d) => (random.next() < 0.3 ? 1 : d));
    return kept.slice(random.next() < 0.3 ? random.whole(0, kept.length) : 0);
  };
  return random.next() < 0.5 ? [shape, shrink()] : [shrink(), shrink()];
});

function check(shapesOf: readonly (readonly number[])[], seed: number, c: Case): void {
  const random = new Random(seed);
  const contents: Contents = {};
  // one draw for all inputs: no two elements tie, whichever are compared
  const values = spread(
    random,
    shapesOf.reduce((n, s) => n + size(s), 0),
    c.low ?? -2,
    c.high ?? 2,
  );
  let at = 0;
  const inputs = shapesOf.map((shape, k) => {
    contents[`x${k}`] = values.slice(at, at + size(shape));
    at += size(shape);
    return t.input(`x${k}`, shape);
  });
  expectGradients(weighted(c.op(...inputs), contents, random), inputs, contents);
}

describe("elementwise", () => {
  for (const c of unaries) {
    test(c.name, () =>
      law(
        fc.property(shapes, seeds, (shape, seed) => check([shape], seed, c)),
        25,
      ),
    );
  }
  for (const c of binaries) {
    test(c.name, () =>
      law(
        fc.property(broadcastPairs, seeds, (pair, seed) => check(pair, seed, c)),
        40,
      ),
    );
  }
});

describe("views", () => {
  /** Applies 1 to 4 random views. */
  function views(x: Tensor, random: Random): Tensor {
    let y = x;
    for (let n = random.whole(1, 4); n > 0; n--) y = oneView(y, random);
    return y;
  }
  function oneView(x: Tensor, random: Random): Tensor {
    const { shape } = x;
    const axis = random.whole(0, Math.max(0, shape.length - 1));
    switch (random.whole(0, 5)) {
      case 0:
        return t.reshape(x, random.shuffle(shape));
      case 1:
        return t.permute(x, random.shuffle(shape.map((_, i) => i)));
      case 2: {
        const from = shape.map((d) => random.whole(0, d));
        return t.slice(
          x,
          from,
          shape.map((d, i) => random.whole(from[i]!, d)),
        );
      }
      case 3:
        return shape.length === 0 ? x : t.concat([x, t.mul(x, 2), x], axis);
      case 4: {
        const start = shape.map(() => random.whole(0, 2));
        return t.pad(
          x,
          start,
          shape.map((d, i) => d + start[i]! + random.whole(0, 2)),
        );
      }
      default:
        return size(shape) > 200
          ? x
          : t.broadcastTo(
              x,
              [random.whole(1, 3), ...shape.map((d) => (d === 1 ? random.whole(1, 4) : d))].slice(
                shape.length > 4 ? 1 : 0,
              ),
            );
    }
  }
  test("chains of reshape, permute, slice, concat, pad and broadcast", () =>
    law(
      fc.property(shapes, seeds, (shape, seed) => {
        const random = new Random(seed);
        check([shape], seed, { name: "views", op: (x) => views(t.sigmoid(views(x, random)), random) });
      }),
      150,
    ));
});

describe("folds", () => {
  for (const [name, op] of [
    ["sum", t.sum],
    ["mean", t.mean],
    ["max", t.max],
    ["min", t.min],
  ] as const) {
    test(name, () =>
      law(
        fc.property(
          name === "sum" ? shapes : fc.array(full, { maxLength: 3 }),
          seeds,
          fc.boolean(),
          (shape, seed, keep) => {
            const random = new Random(seed);
            const axes = shape.map((_, i) => i).filter(() => random.next() < 0.6);
            check([shape], seed, { name, op: (x) => t.square(op(x, axes, { keep })) });
          },
        ),
        40,
      ),
    );
  }
  test("ties of max share the gradient", () => {
    const x = t.input("x", [4]);
    const [g] = t.grad(t.max(x), [x]);

    const found = evaluate([g], { feeds: new Map([["x", [3, 1, 3, 2]]]), variables: new Map() });
    expect([...found.of(g)]).toEqual([0.5, 0, 0.5, 0]);
  });
});

describe("matmul", () => {
  test("transposed, batched and broadcast operands", () =>
    law(
      fc.property(
        fc.tuple(extent, extent, extent),
        fc.array(full, { maxLength: 2 }),
        seeds,
        ([m, k, n], lead, seed) => {
          const random = new Random(seed);
          const [ta, tb, drop, ones] = [0, 0, 0, 0].map(() => random.next() < 0.5);
          const leadB = drop ? [] : ones ? lead.map(() => 1) : lead;
          const a = [...lead, ...(ta ? [k, m] : [m, k])];
          const b = [...leadB, ...(tb ? [n, k] : [k, n])];
          check([a, b], seed, {
            name: "matmul",
            op: (x, y) => t.tanh(t.matmul(ta ? t.transpose(x) : x, tb ? t.transpose(y) : y)),
            low: -0.5,
            high: 0.5,
          });
        },
      ),
      40,
    ));
});
