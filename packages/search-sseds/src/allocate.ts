/**
 * From saliency to dims: slots are removed one after another, least worthy first, until the budget is met; then what is left of
 * it is filled.
 */

export interface AllocationOptions {
  /**
   * A slot's worth is its saliency over the numbers it costs (n_f of its field) to this power. 0, plain saliency, is the paper's; what is larger is ours.
   */
  readonly costPower: number;
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

/** The slot of a field with the largest saliency; of equals the first. */
export const bestSlot = (values: readonly number[]): number =>
  values.reduce((most, v, j) => (v > values[most]! ? j : most), 0);

/** All slots, the one to be removed first in front. Each field's best slot is left out (minDim 1) or comes last ("auto"). */
export function removalOrder(
  saliency: readonly (readonly number[])[],
  rows: readonly number[],
  { costPower, minDim }: AllocationOptions,
): Slot[] {
  const slots: Slot[] = [];
  const best: Slot[] = [];
  saliency.forEach((values, field) => {
    const top = bestSlot(values);
    values.forEach((value, dim) => {
      const slot = { field, dim, score: value / rows[field]! ** costPower };
      (minDim !== 0 && dim === top ? best : slots).push(slot);
    });
  });
  return minDim === "auto" ? [...slots.sort(byWorth), ...best.sort(byWorth)] : slots.sort(byWorth);
}

/** Ties: the later slot goes first, so that the order is total. */
function byWorth(a: Slot, b: Slot): number {
  return a.score - b.score || b.field - a.field || b.dim - a.dim;
}

/** Slots that may be kept, by field. */
type Sets = readonly ReadonlySet<number>[];

/**
 * Removes slots in order until the set `meets` the budget; undefined if even the last does not. Then what is left of the budget
 * is filled: the best removed slots come back as long as they fit. Only slots of `within` are kept (all when left out): with
 * the answer to a larger budget there, the answers are nested.
 */
export function allocate(
  saliency: readonly (readonly number[])[],
  rows: readonly number[],
  options: AllocationOptions,
  meets: (kept: Kept) => boolean,
  within?: Kept,
): Kept | undefined {
  const allowed: Sets = saliency.map((values, f) => new Set(within ? within[f]! : values.keys()));
  const kept = allowed.map((set) => new Set(set));
  const now = (): Kept => kept.map((set) => [...set].sort((a, b) => a - b));
  if (meets(now())) return now();
  const order = removalOrder(saliency, rows, options).filter(({ field, dim }) => allowed[field]!.has(dim));
  const removed: Slot[] = [];
  for (const slot of order) {
    kept[slot.field]!.delete(slot.dim);
    removed.push(slot);
    if (meets(now())) break;
  }
  if (!meets(now())) return undefined;
  for (const slot of removed.reverse()) {
    kept[slot.field]!.add(slot.dim);
    if (!meets(now())) kept[slot.field]!.delete(slot.dim);
  }
  return now();
}
