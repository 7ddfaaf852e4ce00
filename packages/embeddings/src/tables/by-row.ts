/**
 * A layer over looked-up vectors, computed once for each row that a batch touches instead of once a position: a batch looks most rows up
 * many times, so that a tenth of the multiplications is left. What is the same at every position is the product of a row with its
 * field's part of the matrix; positions only add such products up.
 */
import {
  add,
  customGradient,
  div,
  eq,
  expandDims,
  gather,
  groupedMatmul,
  iota,
  matmul,
  mul,
  type PlanInputs,
  reshape,
  segmentSum,
  sliceAxis,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";
import { type FieldSpec, slotsOf, type TableLayout, touchedAtMost } from "../fields.ts";

export interface TouchedVectors {
  /** [capacity, d]: the vectors of the touched rows, in the plan's order. */
  readonly vectors: Tensor;
  readonly layout: TableLayout;
  readonly plan: PlanInputs;
  /** u32 [B, S]: for each position its row's number in the plan, any for padding; the plan's own, if left out. */
  readonly places?: Tensor;
  /** f32 [B, S] where a field has several slots. */
  readonly weights: Tensor | undefined;
}

/** The vectors of one table: at positions, and where they come from. */
export interface TablePieces {
  /** [B, F_g, d_g] */
  readonly pooled: Tensor;
  readonly touched: TouchedVectors;
}

/** A layer over these tables' vectors side by side, each table by the cheaper way; undefined where that is by positions for all. */
export function layerByRow(
  parts: readonly TablePieces[],
  fields: readonly FieldSpec[],
): ((weight: Tensor) => Tensor) | undefined {
  const worth = parts.map(({ pooled, touched: { layout } }) =>
    isWorthIt(layout, fields, pooled.shape[0]!, pooled.shape[2]!),
  );
  if (!worth.includes(true)) return undefined;
  return (weight) => {
    let at = 0;
    const terms = parts.map(({ pooled, touched }, i) => {
      const [batch, own, dim] = pooled.shape as [number, number, number];
      const part = sliceAxis(weight, 0, at, at + own * dim);
      at += own * dim;
      if (!worth[i]) return matmul(reshape(pooled, [batch, own * dim]), part);
      return timesByRow(touched, part, slotsOf(touched.layout, fields));
    });
    return terms.reduce((total, term) => add(total, term));
  };
}

/** A position adds a product to the sum and passes its gradient on: what about so many multiplications cost (measured: 5.6 and 6). */
const POSITION_COST = 6;

/** True if products once a touched row take less work than once a position, for the most rows that a batch can touch. */
function isWorthIt(layout: TableLayout, fields: readonly FieldSpec[], batch: number, dim: number): boolean {
  const touched = touchedAtMost(layout, fields, batch);
  const byRow = 3 * dim * touched + POSITION_COST * batch * slotsOf(layout, fields);
  return byRow < 3 * dim * batch * layout.fields.length;
}

/**
 * The pooled vectors of each field, side by side, times `weight` [fields x d, n]: [B, n]. The same numbers as the product of the
 * looked-up vectors but for rounding, and gradients for the touched rows and the weight.
 */
function timesByRow(
  { vectors, layout, plan, weights, places = plan.places }: TouchedVectors,
  weight: Tensor,
  slots: number,
): Tensor {
  const dim = vectors.shape[1]!;
  const n = weight.shape[1]!;
  const batch = plan.positions / slots;
  const bounds = [...layout.fields.map(({ base }) => base), layout.rows];
  const products = groupedMatmul(vectors, reshape(weight, [layout.fields.length, dim, n]), plan, bounds);
  const found = gather(products, reshape(places, [batch, slots]));
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
