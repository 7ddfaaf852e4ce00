/**
 * A layer over looked-up vectors, computed once for each row that a batch touches instead of once a position: a batch looks most rows up
 * many times, so that a tenth of the multiplications is left. What is the same at every position is the product of a row with its
 * field's part of the matrix; positions only add such products up.
 */
import {
  add,
  customGradient,
  type Device,
  div,
  eq,
  expandDims,
  gather,
  groupedMatmul,
  iota,
  mul,
  type PlanInputs,
  reshape,
  segmentSum,
  sliceAxis,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";
import { type FieldSpec, slotsOf, type TableLayout } from "../fields.ts";

export interface TouchedVectors {
  /** [capacity, d]: the vectors of the touched rows, in the plan's order. */
  readonly vectors: Tensor;
  readonly layout: TableLayout;
  readonly plan: PlanInputs;
  /** f32 [B, S] where a field has several slots. */
  readonly weights: Tensor | undefined;
}

/** True where this is quick: the kernels of products in groups are tuned for the cpu engine alone. */
export const isByRow = ({ info }: Device): boolean => info.engine === "cpu";

/** A layer over all of these tables' vectors, if it is less work that way; what `Vectors.times` is. */
export function layerByRow(
  parts: readonly TouchedVectors[],
  fields: readonly FieldSpec[],
): ((weight: Tensor) => Tensor) | undefined {
  const dimOf = ({ vectors }: TouchedVectors) => vectors.shape[1]!;
  const worth = (part: TouchedVectors) =>
    worthByRow(part.layout, fields, part.plan.positions / slotsOf(part.layout, fields), dimOf(part));
  if (!parts.every(worth)) return undefined;
  return (weight) => {
    let at = 0;
    const terms = parts.map((part) => {
      const from = at;
      at += part.layout.fields.length * dimOf(part);
      return timesByRow(part, sliceAxis(weight, 0, from, at), slotsOf(part.layout, fields));
    });
    return terms.reduce((total, term) => add(total, term));
  };
}

/** A position adds a product to the sum and passes its gradient on: about what so many multiplications a column of the matrix cost. */
const POSITION_COST = 8;

/** True if products once a touched row take less work than once a position, for the most rows that a batch can touch. */
function worthByRow(layout: TableLayout, fields: readonly FieldSpec[], batch: number, dim: number): boolean {
  const touched = layout.fields.reduce((n, { field, hash }) => {
    const { rows, slots } = fields[field]!;
    return n + Math.min(hash?.rows ?? rows, batch * slots);
  }, 0);
  const byRow = 3 * dim * touched + POSITION_COST * batch * slotsOf(layout, fields);
  return byRow < 3 * dim * batch * layout.fields.length;
}

/**
 * The pooled vectors of each field, side by side, times `weight` [fields x d, n]: [B, n]. The same numbers as the product of the
 * looked-up vectors but for rounding, and gradients for the touched rows and the weight.
 */
function timesByRow(
  { vectors, layout, plan, weights }: TouchedVectors,
  weight: Tensor,
  slots: number,
): Tensor {
  const dim = vectors.shape[1]!;
  const n = weight.shape[1]!;
  const batch = plan.positions / slots;
  const bounds = [...layout.fields.map(({ base }) => base), layout.rows];
  const products = groupedMatmul(vectors, reshape(weight, [layout.fields.length, dim, n]), plan, bounds);
  const found = gather(products, reshape(plan.places, [batch, slots]));
  // padding has a place too, maybe one that no row is at
  const weight3 = weights && expandDims(weights, 2);
  const pooled = sum(weight3 ? where(eq(weight3, 0), 0, mul(found, weight3)) : found, [1]);
  return customGradient(pooled, [products], (g) => {
    // a position's row of the batch
    const example = div(iota([plan.positions]), slots);
    const own = gather(g, example);
    return [segmentSum(weights ? mul(own, reshape(weights, [plan.positions, 1])) : own, plan)];
  });
}
