import { customGradient } from "../graph/custom-gradient.ts";
import { abs, add, exp, log1p, maximum, mul, neg, sigmoid, sub } from "../graph/elementwise.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Binary cross-entropy of each row, from logits: max(x, 0) - x*y + log1p(exp(-|x|)); never overflows.
 * Its gradient is sigmoid(x) - y everywhere, at x = 0 too, where every model that starts at zero takes its first step.
 * Labels get no gradient.
 * @param logits f32, any shape @param labels f32 of that shape, 0 or 1
 */
export function bceWithLogits(logits: Tensor, labels: Tensor): Tensor {
  const value = add(sub(maximum(logits, 0), mul(logits, labels)), log1p(exp(neg(abs(logits)))));
  return customGradient(value, [logits], (g) => [mul(g, sub(sigmoid(logits), labels))]);
}
