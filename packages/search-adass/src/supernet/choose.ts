/** The chosen size of each field, out of all of them: selects whose conditions are fed, so that one program serves every path. */
import {
  broadcastTo,
  concat,
  customGradient,
  eq,
  ge,
  iota,
  matmul,
  mul,
  pad,
  permute,
  reshape,
  sliceAxis,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";

/** A candidate's looked-up vectors: index k among the candidates, [B, S, d_k]. */
export interface Looked {
  readonly k: number;
  readonly vectors: Tensor;
}

/**
 * [B, S, d]: each slot's chosen vector with zeros behind it; zeros for a size that is not in `all`. `choice` u32 [1, S, 1]; `all`
 * ascending by size, the last of size d. Gradients reach the chosen vectors alone: those of all others are exactly zero.
 */
export function chooseVectors(all: readonly Looked[], choice: Tensor): Tensor {
  const sizes = all.map(({ vectors }) => vectors.shape[2]!);
  const blocks = sizes.map((end, j) => {
    const from = sizes[j - 1] ?? 0;
    return all
      .slice(j)
      .reduce<Tensor | number>(
        (other, { k, vectors }) => where(eq(choice, k), sliceAxis(vectors, 2, from, end), other),
        0,
      ) as Tensor;
  });
  return customGradient(
    concat(blocks, 2),
    all.map(({ vectors }) => vectors),
    (g) => all.map(({ k }, j) => where(eq(choice, k), sliceAxis(g, 2, 0, sizes[j]!), 0)),
  );
}

/** The same where every size is a prefix of one vector [B, S, d]. `sizes`: of the candidates from index `first` on, ascending to d. */
export function choosePrefix(
  vectors: Tensor,
  choice: Tensor,
  sizes: readonly number[],
  first: number,
): Tensor {
  const kept = (x: Tensor) =>
    concat(
      sizes.map((end, j) => where(ge(choice, first + j), sliceAxis(x, 2, sizes[j - 1] ?? 0, end), 0)),
      2,
    );
  return customGradient(kept(vectors), [vectors], (g) => [kept(g)]);
}

/** A candidate's maps: index k among the candidates, [F, d_k, d]. */
export interface Mapped {
  readonly k: number;
  readonly maps: Tensor;
}

/** [F, d, d]: the chosen map of each field, with rows of zeros below it; the identity for a size without one. `choice` u32 [F]. */
export function chooseMaps(all: readonly Mapped[], choice: Tensor, dim: number): Tensor {
  const fields = choice.shape[0]!;
  const shape = [fields, dim, dim];
  const chosen = reshape(choice, [fields, 1, 1]);
  const identity = where(eq(iota([1, dim, 1]), iota([1, 1, dim])), 1, 0);
  return all.reduce(
    (other, { k, maps }) => where(eq(chosen, k), pad(maps, [0, 0, 0], shape), other),
    broadcastTo(identity, shape),
  );
}

/**
 * x [B, S, d] by the map of each slot [S, d, d]. As sums of products, not as a stack of matrix products: so small a matrix a slot is read
 * in place, where packing it took four times as long on the cpu engine.
 */
export function applyMaps(x: Tensor, maps: Tensor): Tensor {
  const [batch, slots, dim] = x.shape as [number, number, number];
  const spread = reshape(maps, [1, slots, dim, dim]);
  const out = sum(mul(reshape(x, [batch, slots, dim, 1]), spread), [2]);
  return customGradient(out, [x, maps], (g) => [
    sum(mul(reshape(g, [batch, slots, 1, dim]), spread), [3]),
    matmul(permute(x, [1, 2, 0]), permute(g, [1, 0, 2])),
  ]);
}
