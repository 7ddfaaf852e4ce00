/** Clipping by the norm of all gradients together (Pascanu et al., 2013), as `torch.nn.utils.clip_grad_norm_` does it. */
import { type Gradient, RowGradient } from "../autodiff/row-gradient.ts";
import { OptimizerError } from "../errors.ts";
import { add, div, lt, maximum, mul, sqrt, where } from "../graph/elementwise.ts";
import { sum } from "../graph/folds.ts";
import { iota } from "../graph/leaves.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * The gradients times min(1, most / norm), where the norm is the L2 norm of all of them together and a table's gradient counts as
 * the sums of its rows. L2 and decay that rules add come after it. Throws OptimizerError unless `most` is above zero.
 */
export function clipGradients(gradients: readonly Gradient[], most: number): Gradient[] {
  if (!(most > 0)) {
    throw new OptimizerError(`clipGradients: the largest norm is ${most}; give a number above zero.`);
  }
  if (gradients.length === 0) return [];
  const norm = sqrt(gradients.map(squares).reduce((total, part) => add(total, part)));
  // not most / norm: of no gradient at all that is no number
  const scale = div(most, maximum(norm, most));
  return gradients.map((g) => (g instanceof RowGradient ? g.map((part) => mul(part, scale)) : mul(g, scale)));
}

/** Sum of squares, []. */
function squares(gradient: Gradient): Tensor {
  if (!(gradient instanceof RowGradient)) return sum(mul(gradient, gradient));
  const { plan, rows } = gradient;
  // rows behind the plan's count mean nothing
  return sum(where(lt(iota([plan.capacity, 1]), plan.count), mul(rows, rows), 0));
}
