// Pairwise dot products and their gradient against plain loops.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Device, grad, input, mul, openDevice, sum, type Tensor } from "@trimtab/tensor-core";
import { asyncLaw, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { pairCount, pairDots, pairOrder } from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

test("law: each pair once, in the order of the triangle's rows", () => {
  for (let n = 0; n < 12; n++) {
    const pairs = pairOrder(n);
    expect(pairs).toHaveLength(pairCount(n));
    expect(new Set(pairs.map(String)).size).toBe(pairs.length);
    expect(pairs.every(([i, j]) => j >= 0 && j < i && i < n)).toBe(true);
    expect(pairs.map(([i, j]) => (i * (i - 1)) / 2 + j)).toEqual([...pairs.keys()]);
  }
});

/** Products and the gradient of their sum weighted by `weights`. */
async function onDevice(batch: number, n: number, dim: number, e: Float32Array, weights: Float32Array) {
  const x = input("e", [batch, n, dim]);
  const dots = pairDots(x);
  const [gradient] = grad(sum(mul(dots, input("w", [batch, pairCount(n)]))), [x]) as [Tensor];
  using program = await device.compile({ outputs: { dots, gradient } });
  return await program.fetch({ e, w: weights });
}

test("law: values and gradients are those of plain loops", async () => {
  const sizes = fc.tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 2, max: 12 }),
    fc.integer({ min: 1, max: 9 }),
    fc.nat(),
  );
  await asyncLaw(
    fc.asyncProperty(sizes, async ([batch, n, dim, seed]) => {
      const random = new Random(seed);
      const e = Float32Array.from({ length: batch * n * dim }, () => random.next() * 2 - 1);
      const w = Float32Array.from({ length: batch * pairCount(n) }, () => random.next() * 2 - 1);
      const { dots, gradient } = await onDevice(batch, n, dim, e, w);
      const at = (b: number, i: number, k: number) => (b * n + i) * dim + k;
      const slopes = new Float64Array(e.length);
      for (let b = 0; b < batch; b++) {
        pairOrder(n).forEach(([i, j], p) => {
          const place = b * pairCount(n) + p;
          let dot = 0;
          for (let k = 0; k < dim; k++) {
            dot += e[at(b, i, k)]! * e[at(b, j, k)]!;
            slopes[at(b, i, k)]! += w[place]! * e[at(b, j, k)]!;
            slopes[at(b, j, k)]! += w[place]! * e[at(b, i, k)]!;
          }
          expect(Math.abs(dots[place]! - dot)).toBeLessThan(1e-5);
        });
      }
      slopes.forEach((slope, k) => {
        expect(Math.abs(gradient[k]! - slope)).toBeLessThan(1e-4);
      });
    }),
    12,
  );
});

test("hundreds of vectors: no pair is another's, although their numbers go through a device's square root", async () => {
  const n = 700;
  const e = Float32Array.from({ length: n }, (_, i) => i + 1);
  const { dots } = await onDevice(1, n, 1, e, new Float32Array(pairCount(n)));
  expect([...dots]).toEqual(pairOrder(n).map(([i, j]) => (i + 1) * (j + 1)));
});
