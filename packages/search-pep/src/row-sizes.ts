/** Sizes of thresholds, sigmoid(s + ramp), for the rows that a batch touches; their gradients are summed over these rows. */
import type { TablePart } from "@trimtab/embeddings";
import {
  add,
  broadcastTo,
  customGradient,
  mul,
  type PlanInputs,
  reshape,
  rows,
  sigmoid,
  sliceAxis,
  spread,
  sub,
  type Tensor,
  touched,
  type Variable,
} from "@trimtab/tensor-core";
import { type Granularity, isByRow } from "./granularity.ts";
import { sharedPlan } from "./shared-plan.ts";

/** [capacity, d] for the rows of `plan`. `ramp` (a scalar) is added to every threshold. */
export function sizesOfRows(
  granularity: Granularity,
  thresholds: Variable,
  { group }: TablePart,
  plan: PlanInputs,
  ramp: Tensor | undefined,
): Tensor {
  const { dim, layout, fields } = group;
  const raised = (s: Tensor) => (ramp ? add(s, ramp) : s);
  if (isByRow(granularity)) {
    const s = rows(thresholds.value, plan);
    const size = touched(sigmoid(raised(s)), plan);
    // the slope is made of the size that was put aside: no second sigmoid
    const sizes = customGradient(size, [s], (g) => [mul(g, mul(size, sub(1, size)))]);
    return granularity === "feature" ? overColumns(sizes, dim, plan) : sizes;
  }
  const width = thresholds.shape.at(-1)!;
  const own = granularity.startsWith("field") ? fields.length : 1;
  const sizes = sigmoid(raised(reshape(thresholds.value, [own, width])));
  return overRows(broadcastTo(sizes, [own, dim]), sharedPlan(granularity, layout, plan), plan);
}

/** [F, d] to [capacity, d]: what a row's field has; [1, d]: what all have. */
function overRows(x: Tensor, shared: PlanInputs, plan: PlanInputs): Tensor {
  const value = spread(x, shared);
  // put aside by the kernel that moves the values, which are gone after it
  return customGradient(value, [value], (g) => [touched(g, plan)]);
}

/** [capacity, 1] to [capacity, d]. The gradient is summed column by column: a fold would visit rows behind the plan's count too. */
function overColumns(x: Tensor, dim: number, plan: PlanInputs): Tensor {
  return customGradient(broadcastTo(x, [plan.capacity, dim]), [x], (g) => {
    const all = touched(g, plan);
    const columns = Array.from({ length: dim }, (_, j) => sliceAxis(all, 1, j, j + 1));
    return [columns.reduce((total, column) => add(total, column))];
  });
}
