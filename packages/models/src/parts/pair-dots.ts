/** Dot products of all pairs of vectors, one by one: what DLRM's top tower reads. (A factorisation machine needs their sum alone: pairs.ts.) */
import {
  add,
  cast,
  customGradient,
  div,
  eq,
  floor,
  gather,
  gt,
  iota,
  lt,
  matmul,
  mul,
  reshape,
  sqrt,
  sub,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";

/** Pairs of n different vectors. */
export const pairCount = (n: number): number => (n * (n - 1)) / 2;

/** The pairs [i, j], j < i, in the order of `pairDots`: the rows of a triangle. */
export function pairOrder(n: number): [number, number][] {
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: i }, (_, j): [number, number] => [i, j]),
  ).flat();
}

/**
 * <e_i, e_j> of all pairs of different vectors e [B, n, d], n at least 2, as [B, n (n - 1) / 2] in the order of `pairOrder`.
 *
 * Forward reads both vectors of a pair where they are. The product of e with its own transpose, half of which is not wanted, took 1.2 to 2
 * times as long on the cpu engine (n 10 to 40, dims 4 to 64). The gradient is written by hand: with G [B, n, n] the symmetric matrix
 * of the pairs' gradients it is one product, G e. Derived from slices of a product it was five times slower at n 40.
 */
export function pairDots(e: Tensor): Tensor {
  const [batch, n, dim] = e.shape as [number, number, number];
  const [i, j] = rowAndColumn(iota([1, pairCount(n)]));
  const vectors = reshape(e, [batch * n, dim]);
  const first = mul(iota([batch, 1]), n);
  const dots = sum(mul(gather(vectors, add(first, i)), gather(vectors, add(first, j))), [2]);
  return customGradient(dots, [e], (g) => [matmul(symmetric(g, n), e)]);
}

/** From the number of a pair to its two vectors. */
function rowAndColumn(p: Tensor): [Tensor, Tensor] {
  const root = sqrt(add(mul(cast(p, "f32"), 8), 1));
  const near = cast(floor(mul(add(root, 1), 0.5)), "u32");
  // a device's root may be off by a bit, which matters where a row of the triangle begins
  const low = where(gt(pairsBefore(near), p), sub(near, 1), near);
  const i = where(gt(pairsBefore(add(low, 1)), p), low, add(low, 1));
  return [i, sub(p, pairsBefore(i))];
}

/** Pairs in the rows of the triangle before row i, which is at least 1 where it matters. */
function pairsBefore(i: Tensor): Tensor {
  return div(mul(i, sub(i, 1)), 2);
}

/** [B, n (n - 1) / 2] to [B, n, n]: each pair's number on both sides of the diagonal, which is zero. */
function symmetric(g: Tensor, n: number): Tensor {
  const [batch, pairs] = g.shape as [number, number];
  const row = iota([n, 1]);
  const column = iota([1, n]);
  const below = lt(column, row);
  const diagonal = eq(row, column);
  const pair = add(pairsBefore(where(below, row, column)), where(below, column, row));
  // no pair is on the diagonal: any place that exists will do
  const place = reshape(where(diagonal, 0, pair), [1, n, n]);
  const at = add(mul(iota([batch, 1, 1]), pairs), place);
  const all = reshape(gather(reshape(g, [batch * pairs, 1]), at), [batch, n, n]);
  return where(reshape(diagonal, [1, n, n]), 0, all);
}
