/** The vectors of tables that hold every field in one: all forms are one tensor. */
import { reshape, type Tensor } from "@trimtab/tensor-core";
import type { FieldSpec } from "../fields.ts";
import { layerByRow } from "./by-row.ts";
import type { Vectors } from "./contract.ts";
import { type LookupOrigin, pool, type VectorTransform } from "./lookup.ts";

/** Looked-up vectors before they are pooled. */
export interface LookedUp {
  /** [B, S, d] */
  readonly vectors: Tensor;
  /** In training, [capacity, d]: the vectors of the plan's rows, where all positions have theirs from. */
  readonly touched?: Tensor;
}

export interface OneTableOrigin extends LookupOrigin {
  /** u32 [B, S]: the number of each position's row in the plan; the plan's own, if left out. */
  readonly places?: Tensor;
  /** f32 [B, S] where a field has several slots. */
  readonly weights?: Tensor;
  readonly fields: readonly FieldSpec[];
  /** Fields that have an embedding. */
  readonly order: readonly number[];
}

/** All forms of the vectors. A transform makes vectors of positions, so that layers over them go by positions. */
export function oneTable(
  { vectors, touched }: LookedUp,
  { layout, ids, plan, places, weights, fields, order }: OneTableOrigin,
  transform?: VectorTransform,
): Vectors {
  const shown = transform ? transform(vectors, { layout, ids, plan }) : vectors;
  const pooled = pool(shown, layout, fields, weights);
  const [batch, own, dim] = pooled.shape as [number, number, number];
  const rows =
    touched && plan && !transform ? { vectors: touched, layout, plan, places, weights } : undefined;
  return {
    raw: [pooled],
    concat: reshape(pooled, [batch, own * dim]),
    times: rows && layerByRow([{ pooled, touched: rows }], fields),
    projected: pooled,
    lookedUp: order.length === fields.length ? pooled : undefined,
  };
}
