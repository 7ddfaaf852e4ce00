/**
 * Counter-based random numbers: a number depends on (seed, stream, step, element) and on nothing else, so every engine
 * draws the same ones and a resumed run goes on where it stopped.
 */
import { add, cast, gt, log, lt, mul, neg, shr, sqrt, sub, threefry, where } from "../graph/elementwise.ts";
import { input, iota } from "../graph/leaves.ts";
import type { Operand, Tensor } from "../graph/tensor.ts";
import type { Shape } from "../shape.ts";

/** Where a draw gets its key from: u32 scalars. */
export interface Rng {
  readonly seed: Operand;
  /** Changes every step, so that no step repeats another's numbers. */
  readonly step: Operand;
}

/** An Rng fed each step as `rng.seed` and `rng.step`. */
export function rngInputs(): { seed: Tensor; step: Tensor } {
  return { seed: input("rng.seed", [], "u32"), step: input("rng.step", [], "u32") };
}

/** Uniform u32 words. Different draws of one program need different streams (whole numbers). */
export function randomBits(shape: Shape, rng: Rng, stream: number): Tensor {
  return threefry(rng.seed, stream >>> 0, iota(shape), rng.step);
}

/** Uniform f32 in [0, 1), multiples of 2^-24. */
export function randomUniform(shape: Shape, rng: Rng, stream: number): Tensor {
  return mul(cast(shr(randomBits(shape, rng, stream), 8), "f32"), 2 ** -24);
}

/**
 * Standard normal f32, by inversion: sqrt(2) * erfinv(2u - 1) with Giles' polynomial ("Approximating the erfinv
 * function", 2011, single precision). Inversion, because a device's cosine may be too coarse for Box-Muller.
 */
export function randomNormal(shape: Shape, rng: Rng, stream: number): Tensor {
  // odd multiples of 2^-24, exact in f32: neither 0 nor 1, and symmetric (with one bit more, n + 0.5 would round to 2^24)
  const u = mul(add(cast(shr(randomBits(shape, rng, stream), 9), "f32"), 0.5), 2 ** -23);
  const x = sub(mul(u, 2), 1);
  // 1 - x^2 = 4u(1-u), without cancellation
  const w = neg(log(mul(mul(u, 4), sub(1, u))));
  const central = polynomial(sub(w, 2.5), CENTRAL);
  const tail = polynomial(sub(sqrt(w), 3), TAIL);
  return mul(mul(where(lt(w, 5), central, tail), x), Math.SQRT2);
}

const CENTRAL = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

function polynomial(x: Tensor, coefficients: readonly number[]): Tensor {
  let y: Operand = coefficients[0]!;
  for (const c of coefficients.slice(1)) y = add(mul(y, x), c);
  return y as Tensor;
}

/** Keeps each element with probability 1 - rate and scales it by 1 / (1 - rate) (inverted dropout). */
export function dropout(x: Tensor, rate: number, rng: Rng, stream: number): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: the rate must be in [0, 1), got ${rate}.`);
  if (rate === 0) return x;
  const keep = gt(randomUniform(x.shape, rng, stream), rate);
  return where(keep, mul(x, 1 / (1 - rate)), 0);
}
