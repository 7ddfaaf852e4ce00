import { abs, add, exp, log1p, mul, neg, relu, sub } from "../graph/elementwise.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Binary cross-entropy of each row, from logits: max(x, 0) - x*y + log1p(exp(-|x|)); never overflows.
 * Its gradient by x is sigmoid(x) - y up to rounding.
 * @param logits f32, any shape @param labels f32 of that shape, 0 or 1
 */
export function bceWithLogits(logits: Tensor, labels: Tensor): Tensor {
  return add(sub(relu(logits), mul(logits, labels)), log1p(exp(neg(abs(logits)))));
}
