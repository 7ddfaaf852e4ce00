/**
 * From saliency to dims: slots are removed one after another, least worthy first, until the budget is met. The order does
 * not depend on the budget, so the slots of a smaller budget are a subset of those of a larger one.
 */

export interface AllocationOptions {
  /** Ours beside the paper's plain saliency: saliency for each number a slot costs (n_f of them). */
  readonly score: "saliency" | "saliency-per-cost";
  /**
   * Fewest dims a field keeps. "auto": one in every field as long as the budget allows it, then fields go, least worthy
   * first.
   */
  readonly minDim: 0 | 1 | "auto";
}

/** Kept dims of each field, ascending positions. */
export type Kept = readonly (readonly number[])[];

interface Slot {
  readonly field: number;
  readonly dim: number;
  readonly score: number;
}

/** All slots, the one to be removed first in front. Each field's best slot is left out (minDim 1) or comes last ("auto"). */
export function removalOrder(
  saliency: readonly (readonly number[])[],
  rows: readonly number[],
  { score, minDim }: AllocationOptions,
): Slot[] {
  const slots: Slot[] = [];
  const best: Slot[] = [];
  saliency.forEach((values, field) => {
    const top = values.reduce((most, v, j) => (v > values[most]! ? j : most), 0);
    values.forEach((value, dim) => {
      const slot = { field, dim, score: score === "saliency" ? value : value / rows[field]! };
      (minDim !== 0 && dim === top ? best : slots).push(slot);
    });
  });
  return minDim === "auto" ? [...slots.sort(byWorth), ...best.sort(byWorth)] : slots.sort(byWorth);
}

/** Ties: the later slot goes first, so that the order is total. */
function byWorth(a: Slot, b: Slot): number {
  return a.score - b.score || b.field - a.field || b.dim - a.dim;
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
