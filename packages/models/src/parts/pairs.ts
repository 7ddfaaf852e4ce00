import { mul, square, sub, sum, type Tensor } from "@trimtab/tensor-core";

/**
 * Sum over i < j of <e_i, e_j> for e [B, F, d], as [B]: half of (sum e)^2 - sum e^2, linear in F (Rendle, 2010, lemma 3.1).
 */
export function pairProducts(e: Tensor): Tensor {
  return mul(sum(sub(square(sum(e, [1])), sum(square(e), [1])), [1]), 0.5);
}
