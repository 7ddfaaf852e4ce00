import { add, exp, ge, log1p, mul, neg, sub, where } from "../graph/elementwise.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Binary cross-entropy of each row, from logits: max(x, 0) - x*y + log1p(exp(-|x|)); never overflows.
 * Written with one comparison instead of max and abs, so that its gradient is sigmoid(x) - y at x = 0 too, where every
 * model that starts at zero takes its first step.
 * @param logits f32, any shape @param labels f32 of that shape, 0 or 1
 */
export function bceWithLogits(logits: Tensor, labels: Tensor): Tensor {
  const up = ge(logits, 0);
  const positive = where(up, logits, 0);
  const minusAbs = where(up, neg(logits), logits);
  return add(sub(positive, mul(logits, labels)), log1p(exp(minusAbs)));
}
