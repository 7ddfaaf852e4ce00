// Fewer table rows than ids: the row of an id is computed, so that nothing is stored for it.

/**
 * Which row an id gets. "mixed": by the 32-bit finalizer of MurmurHash3, so that which ids share a row is chance. "modulo": by the
 * id itself, so that neighbouring ids never share one; `prepare` numbers values by falling frequency, which makes this the better of the two.
 */
export type HashRule = "mixed" | "modulo";

/** A field whose ids share rows: id 0 (out of vocabulary) has row 0 for itself, the others share rows 1 to `rows` - 1. */
export interface FieldHash {
  /** Rows of the field in the table, from 2 up. */
  rows: number;
  rule: HashRule;
}

/** The row of an id: 0 for id 0, else 1 + h(id) mod (rows - 1) with h(id) = mix(id), or id - 1 of "modulo". */
export function hashedRow(id: number, { rows, rule }: FieldHash): number {
  if (id === 0) return 0;
  return 1 + ((rule === "mixed" ? mix(id) : id - 1) % (rows - 1));
}

function mix(id: number): number {
  let h = id ^ (id >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
