/** Lookups in tables and updates of the rows that a batch touched. */
import { DTypeError, ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { type PlanInputs, Tensor } from "./tensor.ts";
import type { Variable } from "./variable.ts";

/**
 * Rows of a table: table [n, d] (or [n], read as [n, 1]), ids u32 [...] -> [..., d].
 * Ids come from the host and are checked there; a device does not look again. With a plan (positions = number of
 * ids), the gradient of the table is a RowGradient; without one the table gets no gradient.
 */
export function gather(table: Tensor, ids: Tensor, plan?: PlanInputs): Tensor {
  if (ids.dtype !== "u32") throw new DTypeError(`gather: ids must be u32, got ${ids.dtype}.`);
  if (table.shape.length !== 2) {
    throw new ShapeError(`gather: the table must be [rows, dim], got ${showShape(table.shape)}.`);
  }
  const n = ids.shape.reduce((p, d) => p * d, 1);
  if (plan && plan.positions !== n) {
    throw new ShapeError(
      `gather: plan "${plan.name}" is for ${plan.positions} ids, but ids are ${showShape(ids.shape)}.`,
    );
  }
  return new Tensor({ kind: "gather", plan }, [table, ids], [...ids.shape, table.shape[1]!], table.dtype);
}

/** The rows of `table` [n, d] that the plan touches: [capacity, d], of which the first `count` mean something. */
export function rows(table: Tensor, plan: PlanInputs): Tensor {
  return new Tensor(
    { kind: "rows", plan },
    [table, plan.rows],
    [plan.capacity, ...table.shape.slice(1)],
    table.dtype,
  );
}

/**
 * The same values, computed once and for touched rows only: x [capacity, d] belongs to the rows of the plan, in its order. What is
 * made of looked-up rows is best made here, before it is spread over the positions. Rows behind the plan's count mean nothing.
 */
export function touched(x: Tensor, plan: PlanInputs): Tensor {
  if (x.shape.length !== 2 || x.shape[0] !== plan.capacity) {
    throw new ShapeError(
      `touched: needs [${plan.capacity}, dim] for plan "${plan.name}", got ${showShape(x.shape)}.`,
    );
  }
  return new Tensor({ kind: "touched", plan }, [x], x.shape, x.dtype);
}

/** For each touched row, the sum of x [positions, d] over the positions that look it up, in the plan's order: [capacity, d]. */
export function segmentSum(x: Tensor, plan: PlanInputs): Tensor {
  if (x.dtype !== "f32" || x.shape.length !== 2 || x.shape[0] !== plan.positions) {
    throw new ShapeError(
      `segmentSum: needs f32 [${plan.positions}, dim] for plan "${plan.name}", got ${x.dtype} ${showShape(x.shape)}.`,
    );
  }
  return new Tensor({ kind: "segmentSum", plan }, [x], [plan.capacity, x.shape[1]!], "f32");
}

/** For each position, the row of x [capacity, d] that it looks up: [positions, d]. Its gradient is a segmentSum. */
export function spread(x: Tensor, plan: PlanInputs): Tensor {
  return customGradient(gather(x, plan.places), [x], (g) => [segmentSum(g, plan)]);
}

/** Replaces a variable's content at the end of the kernels that read its previous version; the value is the new content. */
export function assign(variable: Variable, value: Tensor, previous: Tensor = variable.value): Tensor {
  if (!sameShape(variable.shape, value.shape) || variable.dtype !== value.dtype) {
    throw new ShapeError(
      `assign: variable "${variable.name}" is ${variable.dtype} ${showShape(variable.shape)}, ` +
        `the value is ${value.dtype} ${showShape(value.shape)}.`,
    );
  }
  return new Tensor({ kind: "assign", variable }, [previous, value], variable.shape, variable.dtype);
}

/** Replaces the touched rows of a variable [n, d] by value [capacity, d]; other rows stay. */
export function assignRows(
  variable: Variable,
  value: Tensor,
  plan: PlanInputs,
  previous: Tensor = variable.value,
): Tensor {
  const expected = [plan.capacity, ...variable.shape.slice(1)];
  if (!sameShape(expected, value.shape) || variable.dtype !== value.dtype) {
    throw new ShapeError(
      `assignRows: variable "${variable.name}" needs ${variable.dtype} ${showShape(expected)}, ` +
        `the value is ${value.dtype} ${showShape(value.shape)}.`,
    );
  }
  return new Tensor(
    { kind: "assignRows", variable, plan },
    [previous, value],
    variable.shape,
    variable.dtype,
  );
}
