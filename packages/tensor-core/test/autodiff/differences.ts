/** Gradients of `grad` against central differences of the loss, element by element, both in Float64. */
import { expect } from "bun:test";
import type { Random } from "@trimtab/test-support";
import { grad, input, mul, sum, type Tensor } from "../../src/index.ts";
import { evaluate } from "../reference/evaluate.ts";
import { size } from "../reference/index-space.ts";

/** Contents away from 0 and from each other by at least `gap`, so that no kink or tie is crossed by a difference. */
export function spread(random: Random, n: number, low: number, high: number): number[] {
  const step = (high - low) / Math.max(1, n);
  const values = Array.from({ length: n }, (_, i) => low + step * (i + 0.25 + 0.5 * random.next()));
  return random.shuffle(values).map((v) => (Math.abs(v) < 1e-3 ? 1e-3 : v));
}

export type Contents = Record<string, readonly number[]>;

/** sum(weights * x): a loss in which every element of x counts differently. */
export function weighted(
  x: Tensor,
  contents: Contents & Record<string, readonly number[]>,
  random: Random,
): Tensor {
  const name = `w${Object.keys(contents).length}`;
  contents[name] = Array.from({ length: size(x.shape) }, () => random.between(0.5, 1.5));
  return sum(mul(x, input(name, x.shape)));
}

const STEP = 1e-5;

/** Expects grad(loss, inputs) to equal central differences. */
export function expectGradients(loss: Tensor, inputs: readonly Tensor[], contents: Contents): void {
  const gradients = grad(loss, inputs);
  const feeds = new Map<string, ArrayLike<number>>(Object.entries(contents));
  const variables = new Map();
  const found = evaluate(gradients, { feeds, variables });
  const lossAt = (name: string, values: readonly number[]): number =>
    evaluate([loss], { feeds: new Map([...feeds, [name, values]]), variables }).of(loss)[0]!;
  inputs.forEach((x, k) => {
    if (x.op.kind !== "input") throw new Error("expectGradients: inputs only");
    const { name } = x.op;
    const gradient = gradients[k]!;
    expect(gradient.shape).toEqual(x.shape);
    const values = contents[name]!;
    for (let i = 0; i < values.length; i++) {
      const h = STEP * Math.max(1, Math.abs(values[i]!));
      const moved = (by: number) => values.map((v, j) => (j === i ? v + by : v));
      const expected = (lossAt(name, moved(h)) - lossAt(name, moved(-h))) / (2 * h);
      const actual = found.of(gradient)[i]!;
      const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
      if (!(error < 1e-6)) {
        throw new Error(`gradient of ${name}[${i}]: rule gives ${actual}, differences give ${expected}`);
      }
    }
  });
}
