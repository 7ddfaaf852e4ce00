/** Which chunks are live after an adjustment. */
import { cutoff, take } from "./select.ts";

export interface ChooseOptions {
  /** K */
  readonly chunks: number;
  /** One threshold for all, or one for each chunk column, which then keeps its share of the count. */
  readonly thresholds: "global" | "column";
  /** Utilities that a quantile is estimated from. */
  readonly sample: number;
}

/**
 * Marks the `count` chunks of the largest scores (all, where there are fewer). By column, each keeps count / K, and what a column cannot
 * fill goes to the others.
 */
export function choose(
  scores: Float32Array,
  columnOf: Uint16Array,
  count: number,
  { chunks, thresholds, sample }: ChooseOptions,
): Uint8Array {
  const taken = new Uint8Array(scores.length);
  if (thresholds === "global" || chunks === 1) {
    take(scores, cutoff(scores, count, sample), taken);
    return taken;
  }
  const columns = columnsOf(columnOf, chunks);
  const quotas = quotasOf(
    columns.map((column) => column.length),
    count,
  );
  columns.forEach((column, k) => {
    const own = Float32Array.from(column, (i) => scores[i]!);
    const marks = new Uint8Array(own.length);
    take(own, cutoff(own, quotas[k]!, sample), marks);
    column.forEach((i, at) => {
      taken[i] = marks[at]!;
    });
  });
  return taken;
}

/** Places of each column's chunks. */
function columnsOf(columnOf: Uint16Array, chunks: number): Uint32Array[] {
  const counts = new Uint32Array(chunks);
  for (const k of columnOf) counts[k]!++;
  const columns = Array.from(counts, (n) => new Uint32Array(n));
  counts.fill(0);
  for (let i = 0; i < columnOf.length; i++) {
    const k = columnOf[i]!;
    columns[k]![counts[k]!++] = i;
  }
  return columns;
}

/** `count` in equal shares over columns of these sizes, the rest to the first ones; nobody gets more than it has. */
export function quotasOf(sizes: readonly number[], count: number): number[] {
  const quotas = sizes.map(() => 0);
  let left = Math.min(
    count,
    sizes.reduce((a, b) => a + b, 0),
  );
  while (left > 0) {
    const open = sizes.flatMap((size, k) => (quotas[k]! < size ? [k] : []));
    const share = Math.floor(left / open.length);
    let given = 0;
    open.forEach((k, i) => {
      const more = Math.min(sizes[k]! - quotas[k]!, share > 0 ? share : i < left ? 1 : 0);
      quotas[k]! += more;
      given += more;
    });
    left -= given;
  }
  return quotas;
}
