/** Which schemes leave a model something to read. */
import type { ModelConfig } from "../config.ts";

/**
 * True if a model can be built where field f keeps vectors of `dims[f]` numbers, 0 for none. A tower needs one vector, DLRM's two to multiply with each
 * other or one that its bottom tower reads; LR and FM have their first-order weights.
 */
export function hasEnough(
  config: ModelConfig,
  fields: readonly { readonly name: string }[],
  dims: readonly number[],
): boolean {
  const kept = fields.filter((_, f) => dims[f]! > 0);
  if (config.kind === "lr" || config.kind === "fm") return true;
  if (config.kind !== "dlrm") return kept.length > 0;
  return kept.length > 1 || kept.some(({ name }) => config.dense.includes(name));
}
