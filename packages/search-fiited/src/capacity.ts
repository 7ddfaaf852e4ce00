/** How many chunks a budget pays for: by the real serve bytes of row-chunk schemes. */
import { elementBytes, type FieldSpec, smallestLayout } from "@trimtab/embeddings";
import type { Limit } from "@trimtab/search-core";

/** What vectors are cut into. */
export interface Cut {
  readonly fields: readonly FieldSpec[];
  readonly dim: number;
  /** K */
  readonly chunks: number;
}

/** What the bytes of a set of chunks depend on. */
export interface ChunkCounts {
  /** Rows of the fields that have any chunk. */
  readonly rows: number;
  /** Rows that have any chunk. */
  readonly filledRows: number;
  readonly live: number;
}

/** Chunks of the uniform table. */
export function allChunks({ fields, chunks }: Cut): number {
  return chunks * fields.reduce((n, { rows }) => n + rows, 0);
}

/** What the limit counts of such a set: serve bytes as of the scheme in its smallest layout, or numbers. */
export function costOfChunks({ dim, chunks }: Cut, unit: Limit["unit"], counts: ChunkCounts): number {
  const { rows, filledRows, live } = counts;
  const width = dim / chunks;
  if (unit === "parameters") return live * width;
  const grid = { rows, dim: chunks, filledRows, numbers: live };
  // the layout counts a chunk as one number
  return elementBytes(smallestLayout(grid), grid) + live * (width - 1) * 4;
}

/** The most chunks that are within the limit wherever they are. */
export function surelyFit(cut: Cut, limit: Limit): number {
  const rows = cut.fields.reduce((n, field) => n + field.rows, 0);
  const fits = (live: number) =>
    costOfChunks(cut, limit.unit, { rows, filledRows: Math.min(live, rows), live }) <= limit.value;
  return mostThat(0, allChunks(cut), fits);
}

/** The largest whole number from `low` to `high` that fits, where `low` does and nothing does beyond one that does not. */
export function mostThat(low: number, high: number, fits: (n: number) => boolean): number {
  if (low === high || fits(high)) return high;
  // invariant: `low` fits, `high` does not
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Why a limit cannot be met, or undefined: every field keeps a chunk, so that a model reads all of them. */
export function chunksCannot(cut: Cut, limit: Limit): string | undefined {
  if (limit.unit === "slots") {
    return "slots are dims of whole fields, but chunks of single rows are pruned here; write it in bytes or parameters";
  }
  const { fields } = cut;
  const rows = fields.reduce((n, field) => n + field.rows, 0);
  if (surelyFit(cut, limit) >= fields.length) return undefined;
  const least = costOfChunks(cut, limit.unit, { rows, filledRows: fields.length, live: fields.length });
  return `a chunk in each of the ${fields.length} fields already costs ${least} ${limit.unit}, the budget is ${limit.value}`;
}
