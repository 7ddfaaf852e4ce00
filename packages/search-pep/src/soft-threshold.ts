/** The soft threshold of PEP (Liu et al., ICLR 2021, arXiv 2101.07577, section 3.2). */
import {
  abs,
  customGradient,
  mul,
  ne,
  neg,
  relu,
  sigmoid,
  sign,
  sub,
  type Tensor,
  where,
} from "@trimtab/tensor-core";

/**
 * v' = sign(v) * relu(|v| - sigmoid(s)), for v and s of one shape: never larger than v, of its sign, and exactly zero where
 * |v| <= sigmoid(s).
 *
 * Gradients, where |v| > sigmoid(s): dL/dv = dL/dv', dL/ds = -sign(v) sigmoid'(s) dL/dv'. Elsewhere both are zero, so that a
 * pruned number moves by an optimizer's decay or momentum alone. They are written by hand and from v' itself (it is zero
 * where v is pruned, and of v's sign elsewhere), so that a step need not keep |v|, sign(v) and the comparison for later:
 * that is three passes over the looked-up vectors.
 */
export function softThreshold(v: Tensor, s: Tensor): Tensor {
  const t = sigmoid(s);
  const value = mul(sign(v), relu(sub(abs(v), t)));
  return customGradient(value, [v, s], (g) => {
    const passed = where(ne(value, 0), g, 0);
    const slope = mul(t, sub(1, t));
    return [passed, neg(mul(mul(sign(value), g), slope))];
  });
}
