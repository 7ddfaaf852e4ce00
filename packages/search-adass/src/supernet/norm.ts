/** Batch normalisation, a field and size, of the vectors that a path chose. Not affine (a field's factor comes after it). */
import {
  add,
  broadcastTo,
  customGradient,
  gt,
  maximum,
  mul,
  recip,
  reshape,
  rsqrt,
  sub,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";
import { sumSlots, toSlots } from "./slots.ts";

/** Added to variances. */
export const EPSILON = 1e-5;

export interface Normed {
  /** [B, S, d] */
  readonly output: Tensor;
  /** [F, d]: of this batch. */
  readonly mean: Tensor;
  /** [F, d]: biased, as the batch was divided by it. */
  readonly variance: Tensor;
}

/**
 * Normalises x [B, S, d] by the moments of the batch: of each column of each field, over its rows and slots. `weights` [B, S] are those
 * of pooling where a field is multi-valued: padding (weight 0) does not count, and gets no gradient. Ioffe and Szegedy, 2015.
 */
export function normByBatch(x: Tensor, counts: readonly number[], weights?: Tensor): Normed {
  const [batch, slots, dim] = x.shape as [number, number, number];
  const real = weights && broadcastTo(gt(reshape(weights, [batch, slots, 1]), 0), x.shape);
  const only = (y: Tensor) => (real ? where(real, y, 0) : y);
  /** [B, S, d] -> [F, d] */
  const total = (y: Tensor) => sumSlots(sum(only(y), [0]), counts);
  const spread = (y: Tensor) => reshape(toSlots(y, 0, counts), [1, slots, dim]);
  const one = real ? recip(maximum(total(where(real, 1, 0)), 1)) : 1 / batch;
  const mean = mul(total(x), one);
  const centred = sub(x, spread(mean));
  const variance = mul(total(mul(centred, centred)), one);
  const factor = spread(rsqrt(add(variance, EPSILON)));
  const normal = mul(centred, factor);
  const output = customGradient(normal, [x], (g) => {
    const pull = add(spread(mul(total(g), one)), mul(normal, spread(mul(total(mul(g, normal)), one))));
    return [only(mul(sub(g, pull), factor))];
  });
  return { output, mean, variance };
}

/** Normalises x [B, S, d] by kept moments [F, d]. */
export function normByKept(x: Tensor, counts: readonly number[], mean: Tensor, variance: Tensor): Tensor {
  const [, slots, dim] = x.shape as [number, number, number];
  const spread = (y: Tensor) => reshape(toSlots(y, 0, counts), [1, slots, dim]);
  return mul(sub(x, spread(mean)), spread(rsqrt(add(variance, EPSILON))));
}
