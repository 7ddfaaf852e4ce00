/** Layers made of ops: their gradients against central differences, their random numbers against their distribution. */
import { describe, expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import * as t from "../../src/index.ts";
import { type Contents, expectGradients, spread, weighted } from "../autodiff/differences.ts";
import { evaluate } from "../reference/evaluate.ts";
import { looseVariable } from "../variables.ts";

const value = (node: t.Tensor, feeds: Record<string, ArrayLike<number>> = {}) =>
  evaluate([node], { feeds: new Map(Object.entries(feeds)), variables: new Map() }).of(node);

test("softplus has slope 1/2 at 0 and equals log(1 + exp(x))", () => {
  const x = t.input("x", [5]);
  const y = t.softplus(x);
  const [g] = t.grad(t.sum(y), [x]);
  const at = [-3, -1e-4, 0, 1e-4, 3];
  at.forEach((v, i) => {
    expect(value(y, { x: at })[i]!).toBeCloseTo(Math.log(1 + Math.exp(v)), 12);
    expect(value(g, { x: at })[i]!).toBeCloseTo(1 / (1 + Math.exp(-v)), 12);
  });
});

test("binary cross-entropy: its gradient is sigmoid(x) - y", () =>
  law(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), fc.constantFrom(0, 1), (logit, label) => {
      const x = t.input("x", []);
      const loss = t.bceWithLogits(x, t.input("y", []));
      const [g] = t.grad(loss, [x]);
      const p = 1 / (1 + Math.exp(-logit));
      expect(value(g, { x: [logit], y: [label] })[0]!).toBeCloseTo(p - label, 10);
      expect(value(loss, { x: [logit], y: [label] })[0]!).toBeCloseTo(
        -Math.log(label === 1 ? p : 1 / (1 + Math.exp(logit))),
        8,
      );
    }),
  ));

describe("batch normalisation", () => {
  const state = (n: number) => ({
    runningMean: looseVariable("mean", [n]),
    runningVariance: looseVariable("variance", [n]),
  });

  test("gradient equals central differences", () =>
    law(
      fc.property(
        fc.integer({ min: 2, max: 7 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer(),
        (rows, n, seed) => {
          const random = new Random(seed);
          const contents: Contents = { x: spread(random, rows * n, -2, 2) };
          const x = t.input("x", [rows, n]);
          const { output } = t.batchNorm(x, state(n), { training: true, epsilon: 0.1 });
          expectGradients(weighted(output, contents, random), [x], contents);
        },
      ),
      30,
    ));

  test.each([
    [true, true],
    [true, false],
    [false, true],
  ])("gradients of x, scale (%p) and shift (%p) are those of plain ops", (scaled, shifted) =>
    law(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer(),
        (rows, n, seed) => {
          const random = new Random(seed);
          const draw = (count: number) => Array.from({ length: count }, () => random.between(-2, 2));
          const gamma = scaled ? looseVariable("gamma", [n]) : undefined;
          const beta = shifted ? looseVariable("beta", [n]) : undefined;
          const x = t.input("x", [rows, n]);
          const made = t.batchNorm(x, { ...state(n), gamma, beta }, { training: true, epsilon: 0.1 }).output;
          const centred = t.sub(x, t.mean(x, [0], { keep: true }));
          const variance = t.mean(t.square(centred), [0], { keep: true });
          const normal = t.div(centred, t.sqrt(t.add(variance, 0.1)));
          const plain = t.add(t.mul(normal, gamma?.value ?? 1), beta?.value ?? 0);
          const weights = t.input("w", [rows, n]);
          const wrt = [x, gamma?.value, beta?.value].filter((v) => v !== undefined);
          const [found, expected] = [made, plain].map((y) => t.grad(t.sum(t.mul(y, weights)), wrt));
          const variables = new Map([gamma, beta].filter((v) => v !== undefined).map((v) => [v, draw(n)]));
          const feeds = new Map([
            ["x", draw(rows * n)],
            ["w", draw(rows * n)],
          ]);
          const values = evaluate([...found!, ...expected!], { feeds, variables });
          wrt.forEach((_, i) => {
            const want = values.of(expected![i]!);
            expect(found![i]!.shape).toEqual(expected![i]!.shape);
            Array.from(values.of(found![i]!)).forEach((v, k) => {
              expect(v).toBeCloseTo(want[k]!, 9);
            });
          });
        },
      ),
      30,
    ),
  );

  test("a batch of one row tells nothing of a spread, so running moments stay", () => {
    const { updates } = t.batchNorm(t.input("x", [1, 2]), state(2), { training: true });
    expect(updates).toEqual([]);
  });

  test("columns come out with mean 0 and variance 1, running moments move", () => {
    const random = new Random(3);
    const content = Array.from({ length: 60 }, () => random.between(2, 9));
    const s = state(2);
    const { output, updates } = t.batchNorm(t.input("x", [30, 2]), s, { training: true });
    const variables = new Map([[s.runningVariance, [1, 1]]]);
    const found = evaluate([output, ...updates], { feeds: new Map([["x", content]]), variables });
    for (const column of [0, 1]) {
      const before = content.filter((_, i) => i % 2 === column);
      const after = [...found.of(output)].filter((_, i) => i % 2 === column);
      const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
      const variance = (xs: readonly number[]) => mean(xs.map((x) => (x - mean(xs)) ** 2));
      expect(mean(after)).toBeCloseTo(0, 10);
      expect(variance(after)).toBeCloseTo(1, 4);
      expect(found.assigned.get(s.runningMean)![column]!).toBeCloseTo(0.1 * mean(before), 10);
      expect(found.assigned.get(s.runningVariance)![column]!).toBeCloseTo(
        0.9 + (0.1 * variance(before) * 30) / 29,
        10,
      );
    }
  });
});

describe("random numbers", () => {
  const rng = { seed: 5, step: 9 };
  const moments = (values: ArrayLike<number>) => {
    const xs = Array.from(values);
    const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
    return {
      mean,
      variance: xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length,
      low: Math.min(...xs),
      high: Math.max(...xs),
    };
  };
  const n = 40_000;

  test("uniform: in [0, 1), mean 1/2, variance 1/12", () => {
    const { mean, variance, low, high } = moments(value(t.randomUniform([n], rng, 1)));
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThan(1);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.006);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });
  test("normal: mean 0, variance 1, the tails of a normal", () => {
    const values = value(t.randomNormal([n], rng, 2));
    const { mean, variance } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
    const beyond = (z: number) => Array.from(values).filter((v) => Math.abs(v) > z).length / n;
    expect(Math.abs(beyond(1.959964) - 0.05)).toBeLessThan(0.005);
    expect(Math.abs(beyond(2.575829) - 0.01)).toBeLessThan(0.0025);
  });
  test("seed, stream and step each change the draw; the same three repeat it", () => {
    const draw = (seed: number, step: number, stream: number) =>
      value(t.randomBits([4], { seed, step }, stream)).join();
    expect(new Set([draw(1, 1, 1), draw(2, 1, 1), draw(1, 2, 1), draw(1, 1, 2)]).size).toBe(4);
    expect(draw(1, 1, 1)).toBe(draw(1, 1, 1));
  });
  test("dropout keeps each element with 1 - rate and scales it, and its gradient drops the same ones", () => {
    const x = t.input("x", [n]);
    const y = t.dropout(x, 0.2, rng, 3);
    const [g] = t.grad(t.sum(y), [x]);
    const ones = { x: new Float32Array(n).fill(1) };
    const kept = Array.from(value(y, ones));
    expect(new Set(kept)).toEqual(new Set([0, 1 / 0.8]));
    expect(Math.abs(kept.filter((v) => v > 0).length / n - 0.8)).toBeLessThan(0.008);
    expect(Array.from(value(g, ones))).toEqual(kept);
    expect(t.dropout(x, 0, rng, 3)).toBe(x);
    expect(() => t.dropout(x, 1, rng, 3)).toThrow(/rate must be in \[0, 1\), got 1/);
  });
});
