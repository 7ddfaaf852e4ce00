/** As many chunks as a budget pays for, where what they cost depends on where they are. */
import { FIRST, type Tracked } from "@trimtab/embeddings";
import { type ChunkCounts, mostThat } from "../capacity.ts";
import { type Choice, MOST_JOINING } from "./choose.ts";

export interface FillOptions {
  /** Chunks that are within the budget wherever they are. */
  readonly surely: number;
  /** Rows of each field. */
  readonly fieldRows: readonly number[];
  /** True if such chunks are within the budget. More of anything is never cheaper. */
  readonly fits: (counts: ChunkCounts) => boolean;
}

/** Marks with 1 the chunks of the largest scores that are within the budget: one more would be too much. */
export function fill(
  { flags, fields }: Pick<Tracked, "flags" | "fields">,
  choice: Choice,
  { surely, fieldRows, fits }: FillOptions,
): Uint8Array {
  const size = flags.length;
  let live = Math.min(surely, size);
  const taken = choice.take(live);
  const most = (counts: Omit<ChunkCounts, "live">): number =>
    mostThat(live, size, (n) => fits({ ...counts, live: n }));
  // where rows do not count, as in a budget of parameters, nothing needs to be counted
  if (most({ rows: 0, filledRows: 0 }) === live) return taken;
  const filled = new Uint8Array(fieldRows.length);
  let rows = 0;
  let filledRows = 0;
  const add = (i: number): void => {
    filledRows++;
    const f = fields[i]!;
    if (filled[f] === 1) return;
    filled[f] = 1;
    rows += fieldRows[f]!;
  };
  let counted = false;
  for (let i = 0; i < size; i++) {
    if ((flags[i]! & FIRST) !== 0) counted = false;
    if (counted || taken[i] === 0) continue;
    counted = true;
    add(i);
  }
  for (;;) {
    const to = Math.min(most({ rows, filledRows }), live + MOST_JOINING);
    if (to === live) return taken;
    const joining = choice.joining(taken, live, to);
    // counts after each of them, so that the budget is asked a few times and not for every one
    const rowsAt = new Float64Array(joining.length + 1).fill(rows, 0, 1);
    const filledAt = new Float64Array(joining.length + 1).fill(filledRows, 0, 1);
    for (let n = 0; n < joining.length; n++) {
      const i = joining[n]!;
      if (!isFilled(flags, taken, i)) add(i);
      taken[i] = 1;
      rowsAt[n + 1] = rows;
      filledAt[n + 1] = filledRows;
    }
    const join = mostThat(0, joining.length, (n) =>
      fits({ rows: rowsAt[n]!, filledRows: filledAt[n]!, live: live + n }),
    );
    for (let n = join; n < joining.length; n++) taken[joining[n]!] = 0;
    if (join < joining.length) return taken;
    live += join;
  }
}

/** True if the row of chunk i has a chunk that is taken. */
function isFilled(flags: Uint8Array, taken: Uint8Array, i: number): boolean {
  for (let at = i; ; at--) {
    if (taken[at] === 1) return true;
    if ((flags[at]! & FIRST) !== 0) break;
  }
  for (let at = i + 1; at < flags.length && (flags[at]! & FIRST) === 0; at++)
    if (taken[at] === 1) return true;
  return false;
}
