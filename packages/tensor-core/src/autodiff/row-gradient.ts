import { GradientError } from "../errors.ts";
import { add } from "../graph/elementwise.ts";
import { segmentSum } from "../graph/tables.ts";
import type { PlanInputs, Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";

/**
 * The gradient of a table that was looked up: one vector for each row that the batch touched, kept as what it is the sum of.
 * It is a type of its own because no table-sized gradient is ever made; row optimizers take it.
 */
export class RowGradient {
  readonly table: Variable;
  readonly plan: PlanInputs;
  readonly #positions: Tensor | undefined;
  readonly #rows: Tensor | undefined;
  #sum: Tensor | undefined;

  /**
   * `positions` [positions, d]: the gradient of the looked-up vector at each position. `rows` [capacity, d]: what comes on top
   * for each touched row, in the plan's order. At least one of them.
   */
  constructor(table: Variable, plan: PlanInputs, positions: Tensor | undefined, rows?: Tensor) {
    this.table = table;
    this.plan = plan;
    this.#positions = positions;
    this.#rows = rows;
  }

  /**
   * [positions, d]: the gradient of the looked-up vector at each position. Throws GradientError where `rows` took part, which
   * has no positions.
   */
  get positions(): Tensor {
    if (this.#positions && !this.#rows) return this.#positions;
    throw new GradientError(
      `grad: the gradient of table "${this.table.name}" came row by row and has no positions; use its rows.`,
    );
  }

  /** [capacity, d]: the whole gradient of each touched row, in the plan's order; nothing behind the plan's count means anything. */
  get rows(): Tensor {
    const sums = this.#positions && segmentSum(this.#positions, this.plan);
    this.#sum ??= sums && this.#rows ? add(sums, this.#rows) : (sums ?? this.#rows)!;
    return this.#sum;
  }

  /** What `change` makes of it; it is applied to sums and to parts of sums, so it must be linear. */
  map(change: (part: Tensor) => Tensor): RowGradient {
    const own = (part: Tensor | undefined) => part && change(part);
    return new RowGradient(this.table, this.plan, own(this.#positions), own(this.#rows));
  }

  /** The sum of both, of one table and plan. */
  plus(other: RowGradient): RowGradient {
    const total = (a: Tensor | undefined, b: Tensor | undefined) => (a && b ? add(a, b) : (a ?? b));
    const positions = total(this.#positions, other.#positions);
    return new RowGradient(this.table, this.plan, positions, total(this.#rows, other.#rows));
  }
}

/** What `grad` gives for a variable: dense, or of the looked-up rows of a table. */
export type Gradient = Tensor | RowGradient;
