/** What DLRM's top tower reads: the bottom tower's vector and the dot products of all pairs. */
import { concat, reshape, sliceAxis, type Tensor } from "@trimtab/tensor-core";
import { pairDots } from "./pair-dots.ts";
import type { DlrmFields } from "./tower-input.ts";

/** The vectors e [B, F, d] of some fields, side by side: [B, fields x d]. */
export function denseInput(e: Tensor, places: readonly number[]): Tensor {
  return reshape(pick(e, places), [e.shape[0]!, places.length * e.shape[2]!]);
}

/** e [B, F, d] and the bottom tower's z [B, d], if any, to [B, d + pairs], or [B, pairs] without z. */
export function interact(e: Tensor, { crossed }: DlrmFields, z: Tensor | undefined): Tensor {
  const [batch, , dim] = e.shape as [number, number, number];
  const parts: Tensor[] = z ? [reshape(z, [batch, 1, dim])] : [];
  if (crossed.length > 0) parts.push(pick(e, crossed));
  const vectors = concat(parts, 1);
  const dots = vectors.shape[1]! > 1 ? [pairDots(vectors)] : [];
  return concat([...(z ? [z] : []), ...dots], 1);
}

/** Some vectors of e [B, F, d], neighbours in one piece. */
function pick(e: Tensor, places: readonly number[]): Tensor {
  const parts: Tensor[] = [];
  let from = 0;
  places.forEach((place, i) => {
    if (places[i + 1] === place + 1) return;
    parts.push(sliceAxis(e, 1, places[from]!, place + 1));
    from = i + 1;
  });
  return concat(parts, 1);
}
