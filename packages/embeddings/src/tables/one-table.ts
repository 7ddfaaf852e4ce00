/** The vectors of tables that hold every field in one: all forms are one tensor. */
import { reshape, type Tensor } from "@trimtab/tensor-core";
import type { FieldSpec } from "../fields.ts";
import { layerByRow, type TouchedVectors } from "./by-row.ts";
import type { Vectors } from "./contract.ts";

/** `pooled` [B, F', d] of the fields in `order`; `touched`: where they come from, if layers may be computed by touched rows. */
export function oneTable(
  pooled: Tensor,
  fields: readonly FieldSpec[],
  order: readonly number[],
  touched?: TouchedVectors,
): Vectors {
  const [batch, own, dim] = pooled.shape as [number, number, number];
  return {
    raw: [pooled],
    concat: reshape(pooled, [batch, own * dim]),
    times: touched && layerByRow([{ pooled, touched }], fields),
    projected: pooled,
    lookedUp: order.length === fields.length ? pooled : undefined,
  };
}
