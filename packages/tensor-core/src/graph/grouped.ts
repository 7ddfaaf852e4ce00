/** Products of the rows that a batch touches, in groups: each row with the matrix of its field. */
import { DTypeError, ShapeError } from "../errors.ts";
import { showShape } from "../shape.ts";
import { type PlanInputs, Tensor } from "./tensor.ts";

/**
 * Each touched row of a [capacity, k] times the matrix of its group, b [groups, k, n] -> [capacity, n], f32. Row u of the plan is in group
 * g where bounds[g] <= rows[u] < bounds[g + 1], so `bounds` has groups + 1 rising row numbers (where the fields of a table begin and
 * end). Only counted rows mean something. A layer that reads looked-up rows costs less this way than at every position, because a batch
 * looks most rows up many times: `spread` or a `gather` by the plan's places takes the products to the positions.
 * Throws ShapeError and DTypeError.
 */
export function groupedMatmul(a: Tensor, b: Tensor, plan: PlanInputs, bounds: readonly number[]): Tensor {
  check("groupedMatmul", [a, b], plan, bounds);
  if (b.shape.length !== 3 || b.shape[0] !== bounds.length - 1 || a.shape[1] !== b.shape[1]) {
    throw new ShapeError(
      `groupedMatmul: ${showShape(a.shape)} x ${showShape(b.shape)}: needs [capacity, k] x [${bounds.length - 1} groups, k, n] with equal k.`,
    );
  }
  return new Tensor({ kind: "groupedMatmul", plan, bounds }, [a, b], [plan.capacity, b.shape[2]!], "f32");
}

/**
 * For each group the sum of a[u]^T b[u] over its touched rows: a [capacity, m], b [capacity, n] -> [groups, m, n], f32; zeros for a group
 * that no row is in. Groups as in groupedMatmul, whose gradient it is. Throws ShapeError and DTypeError.
 */
export function groupedOuter(a: Tensor, b: Tensor, plan: PlanInputs, bounds: readonly number[]): Tensor {
  check("groupedOuter", [a, b], plan, bounds);
  if (b.shape.length !== 2 || b.shape[0] !== plan.capacity) {
    throw new ShapeError(`groupedOuter: needs [${plan.capacity}, n], got ${showShape(b.shape)}.`);
  }
  const shape = [bounds.length - 1, a.shape[1]!, b.shape[1]!];
  return new Tensor({ kind: "groupedOuter", plan, bounds }, [a, b], shape, "f32");
}

function check(name: string, operands: readonly Tensor[], plan: PlanInputs, bounds: readonly number[]): void {
  const [a] = operands as [Tensor];
  if (operands.some(({ dtype }) => dtype !== "f32")) {
    throw new DTypeError(`${name}: takes f32, got ${operands.map(({ dtype }) => dtype).join(" and ")}.`);
  }
  if (a.shape.length !== 2 || a.shape[0] !== plan.capacity) {
    throw new ShapeError(
      `${name}: needs [${plan.capacity}, k] for plan "${plan.name}", got ${showShape(a.shape)}.`,
    );
  }
  if (bounds.length < 2 || bounds.some((bound, g) => !(bound >= (bounds[g - 1] ?? 0)))) {
    throw new ShapeError(
      `${name}: bounds must be groups + 1 rising row numbers, got [${bounds.join(", ")}].`,
    );
  }
}
