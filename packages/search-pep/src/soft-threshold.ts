/** The soft threshold of PEP (Liu et al., ICLR 2021, arXiv 2101.07577, section 3.2). */
import {
  abs,
  add,
  broadcastTo,
  customGradient,
  gt,
  le,
  lt,
  mul,
  ne,
  neg,
  type Rule,
  sigmoid,
  sign,
  sub,
  type Tensor,
  where,
} from "@trimtab/tensor-core";

/**
 * v' = sign(v) * relu(|v| - sigmoid(s)), for v and any s that broadcasts to its shape: never larger than v, of its sign, and
 * exactly zero where |v| <= sigmoid(s).
 *
 * Gradients, where |v| > sigmoid(s): dL/dv = dL/dv', dL/ds = -sigmoid'(s) * (sum of sign(v) dL/dv' over the numbers that share
 * s). Elsewhere both are zero, so that a pruned number moves by an optimizer's decay or momentum alone.
 */
export function softThreshold(v: Tensor, s: Tensor): Tensor {
  // before s is spread: as few sigmoids as there are thresholds
  return shrink(v, broadcastTo(sigmoid(s), v.shape));
}

/** The soft threshold for a size t that is not learned; the gradient passes as if nothing were pruned (see `pruned`). */
export function shrinkStraight(v: Tensor, t: Tensor): Tensor {
  return customGradient(shrunk(v, t), [v], (g) => [g]);
}

/**
 * The rule, blind to the gradients of numbers that t prunes. All positions of a batch that look up a row see the same row and
 * the same t, so that masking the sum of their gradients is masking each of them, for a tenth of the work.
 */
export function pruned(rule: Rule, t: Tensor): Rule {
  return {
    ...rule,
    apply: (inputs) =>
      rule.apply({ ...inputs, gradient: where(gt(abs(inputs.weight), t), inputs.gradient, 0) }),
  };
}

/**
 * The gradients are written by hand and from the value itself (it is zero where v is pruned, and of v's sign elsewhere), so
 * that a step need not keep the comparisons for later.
 */
function shrink(v: Tensor, t: Tensor): Tensor {
  const value = shrunk(v, t);
  return customGradient(value, [v, t], (g) => [where(ne(value, 0), g, 0), neg(mul(sign(value), g))]);
}

/**
 * sign(v) * relu(|v| - t) for t of v's shape, as v - t above t and v + t below -t: the same bits, and on the cpu engine a step
 * of FM takes a fifth less than with abs, sign and relu. A NaN stays one.
 */
function shrunk(v: Tensor, t: Tensor): Tensor {
  return where(le(v, t), where(lt(v, neg(t)), add(v, t), 0), sub(v, t));
}
