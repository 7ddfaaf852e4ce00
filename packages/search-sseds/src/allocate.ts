/**
 * From saliency to dims: slots are removed one after another, least worthy first, until the budget is met. The order does
 * not depend on the budget, so the slots of a smaller budget are a subset of those of a larger one.
 */

export interface AllocationOptions {
  /** Ours beside the paper's plain saliency: saliency for each number a slot costs (n_f of them). */
  readonly score: "saliency" | "saliency-per-cost";
  readonly minDim: 0 | 1;
}

/** Kept dims of each field, ascending positions. */
export type Kept = readonly (readonly number[])[];

interface Slot {
  readonly field: number;
  readonly dim: number;
  readonly score: number;
}

/** All slots, the one to be removed first in front; those that minDim protects are left out. */
export function removalOrder(
  saliency: readonly (readonly number[])[],
  rows: readonly number[],
  { score, minDim }: AllocationOptions,
): Slot[] {
  const slots: Slot[] = [];
  saliency.forEach((values, field) => {
    const best = values.reduce((top, v, j) => (v > values[top]! ? j : top), 0);
    values.forEach((value, dim) => {
      if (minDim === 1 && dim === best) return;
      slots.push({ field, dim, score: score === "saliency" ? value : value / rows[field]! });
    });
  });
  // ties: the later slot goes first, so that the order is total
  return slots.sort((a, b) => a.score - b.score || b.field - a.field || b.dim - a.dim);
}

/** The first set of slots along the removal order that `meets` the budget; undefined if even the last does not. */
export function allocate(
  saliency: readonly (readonly number[])[],
  rows: readonly number[],
  options: AllocationOptions,
  meets: (kept: Kept) => boolean,
): Kept | undefined {
  const kept = saliency.map((values) => new Set(values.keys()));
  const now = (): Kept => kept.map((set) => [...set].sort((a, b) => a - b));
  if (meets(now())) return now();
  for (const { field, dim } of removalOrder(saliency, rows, options)) {
    kept[field]!.delete(dim);
    const candidate = now();
    if (meets(candidate)) return candidate;
  }
  return undefined;
}
