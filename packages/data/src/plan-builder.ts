// Builds batch plans: one counting sort where the table is not much larger than the batch, else a radix sort.

import { BatchError } from "./errors.ts";
import { type BatchPlan, PAD, PIECE, type PlanArrays, planArrays, planView } from "./plan.ts";
import { RadixSort } from "./radix-sort.ts";

// A count for every row of the table saves copies of the rows and passes over them, as long as the counts stay near the processor.
// Measured: under half the radix sort's time at one row of the table a position, two thirds at 5 to 10, all of it at 20 to 40.
const ROWS_PER_POSITION = 8;

/**
 * Builds plans for a table of `tableRows` rows and up to `positions` positions. Allocates scratch only here; every
 * {@link PlanBuilder.build} reuses it, so one builder serves one thread.
 */
export class PlanBuilder {
  readonly #radix: RadixSort | undefined;
  /** Count, then the next free index in `sorted`, of row r at r + 1; at 0 those of padding. All zero between builds. */
  readonly #counts: Int32Array;
  /** A bit for every entry of `#counts` that is not zero. */
  readonly #touched: Int32Array;
  /** Set by the last build: positions that are not padding, touched rows, pieces. */
  used = 0;
  count = 0;
  pieceCount = 0;

  constructor(
    readonly tableRows: number,
    readonly positions: number,
  ) {
    const counted = tableRows <= ROWS_PER_POSITION * positions;
    if (!counted) this.#radix = new RadixSort(tableRows, positions);
    this.#counts = new Int32Array(counted ? tableRows + 1 : 0);
    this.#touched = new Int32Array(Math.ceil(this.#counts.length / 32));
  }

  /** Groups `keys[0..positions)` (table rows; {@link PAD} for padding) into `out` and sets the counts. */
  build(keys: Uint32Array, positions: number, out: PlanArrays): void {
    if (positions > this.positions) {
      throw new BatchError(
        `a plan for ${positions} positions was asked of a builder made for ${this.positions}`,
        "Make the builder for the largest batch",
      );
    }
    // padding becomes PADDING
    const signed = new Int32Array(keys.buffer, keys.byteOffset, positions);
    if (this.#radix) this.#ofSorted(this.#radix, signed, out);
    else this.#ofCounts(signed, out);
  }

  // Padding is counted as row -1 and placed after all others, behind the plan's end: no branch that the processor cannot foresee.
  #ofCounts(keys: Int32Array, out: PlanArrays): void {
    const counts = this.#counts;
    const wrong = countRows(keys, counts, this.#touched, this.tableRows);
    if (wrong >= 0) {
      counts.fill(0);
      this.#touched.fill(0);
      throw rowOutOfTable(keys, wrong, this.tableRows);
    }
    const used = keys.length - (counts[0] as number);
    counts[0] = 0;
    this.used = used;
    this.#runs(out);
    counts[0] = used;
    place(keys, counts, out.sorted);
    counts[0] = 0;
    clear(counts, out.rows, this.count);
  }

  /** Rows, their runs and pieces from the counts, which become where each row's positions begin; no row is touched afterwards. */
  #runs({ rows, offsets, pieceOffsets, pieceFrom, pieceTo }: PlanArrays): void {
    const counts = this.#counts;
    const touched = this.#touched;
    let count = 0;
    let pieces = 0;
    let at = 0;
    for (let word = 0; word < touched.length; word++) {
      let bits = touched[word] as number;
      if (bits === 0) continue;
      touched[word] = 0;
      for (; bits !== 0; bits &= bits - 1) {
        const entry = (word << 5) + 31 - Math.clz32(bits & -bits);
        const length = counts[entry] as number;
        // only of padding
        if (length === 0) continue;
        counts[entry] = at;
        rows[count] = entry - 1;
        offsets[count] = at;
        pieceOffsets[count] = pieces;
        count++;
        if (length > PIECE) pieces = cut(at, at + length, pieces, pieceFrom, pieceTo);
        at += length;
      }
    }
    offsets[count] = at;
    pieceOffsets[count] = pieces;
    this.count = count;
    this.pieceCount = pieces;
  }

  #ofSorted(radix: RadixSort, keys: Int32Array, out: PlanArrays): void {
    const wrong = radix.sort(keys, out.sorted);
    if (wrong >= 0) throw rowOutOfTable(keys, wrong, this.tableRows);
    const { sortedKeys, used } = radix;
    const { rows, offsets, pieceOffsets, pieceFrom, pieceTo } = out;
    let count = 0;
    let pieces = 0;
    let at = 0;
    while (at < used) {
      const row = sortedKeys[at] as number;
      let end = at + 1;
      while (end < used && sortedKeys[end] === row) end++;
      rows[count] = row;
      offsets[count] = at;
      pieceOffsets[count] = pieces;
      count++;
      if (end - at > PIECE) pieces = cut(at, end, pieces, pieceFrom, pieceTo);
      at = end;
    }
    offsets[count] = used;
    pieceOffsets[count] = pieces;
    this.used = used;
    this.count = count;
    this.pieceCount = pieces;
  }
}

/** Counts the rows and marks them; gives the first position of a row outside the table, or -1. */
function countRows(keys: Int32Array, counts: Int32Array, touched: Int32Array, tableRows: number): number {
  for (let i = 0; i < keys.length; i++) {
    const entry = ((keys[i] as number) + 1) | 0;
    if (entry >>> 0 > tableRows) return i;
    counts[entry]!++;
    // Setting a bit that is set costs less than asking whether it is.
    touched[entry >>> 5]! |= 1 << entry;
  }
  return -1;
}

function place(keys: Int32Array, next: Int32Array, sorted: Uint32Array): void {
  for (let i = 0; i < keys.length; i++) {
    const entry = ((keys[i] as number) + 1) | 0;
    const to = next[entry] as number;
    next[entry] = to + 1;
    sorted[to] = i;
  }
}

function clear(counts: Int32Array, rows: Uint32Array, count: number): void {
  for (let u = 0; u < count; u++) counts[(rows[u] as number) + 1] = 0;
}

/** Tiles the run `from..end` with pieces number `piece` and on; gives the number of the next piece. */
function cut(from: number, end: number, piece: number, pieceFrom: Uint32Array, pieceTo: Uint32Array): number {
  let next = piece;
  for (let at = from; at < end; at += PIECE) {
    pieceFrom[next] = at;
    pieceTo[next] = Math.min(at + PIECE, end);
    next++;
  }
  return next;
}

function rowOutOfTable(keys: Int32Array, position: number, tableRows: number): BatchError {
  const row = (keys[position] as number) >>> 0;
  return new BatchError(
    `position ${position} reads row ${row} of a table with ${tableRows} rows`,
    "Give the table as many rows as its fields have, or mend the bases of its layout",
  );
}

/** One plan in fresh memory: for tests, tools and data that does not come from a dataset folder. */
export function buildPlan(keys: Uint32Array, tableRows: number): BatchPlan {
  const builder = new PlanBuilder(tableRows, keys.length);
  const arrays = planArrays(keys.length);
  builder.build(keys, keys.length, arrays);
  return planView(arrays, builder.used, builder.count, builder.pieceCount);
}
