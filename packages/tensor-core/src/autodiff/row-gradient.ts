import type { PlanInputs, Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";

/**
 * The gradient of a table that was looked up: one vector a position, summed by row inside the update kernel.
 * It is a type of its own because no table-sized gradient is ever made; row optimizers take it.
 */
export class RowGradient {
  readonly table: Variable;
  readonly plan: PlanInputs;
  /** [positions, d]: the gradient of the looked-up vector at each position. */
  readonly positions: Tensor;

  constructor(table: Variable, plan: PlanInputs, positions: Tensor) {
    this.table = table;
    this.plan = plan;
    this.positions = positions;
  }
}

/** What `grad` gives for a variable: dense, or of the looked-up rows of a table. */
export type Gradient = Tensor | RowGradient;
