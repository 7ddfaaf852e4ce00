// The batch plan: positions of a batch grouped by table row, so that row gradients are summed in one fixed order
// without atomics (design section 4, "Sparse tables"). A stable radix sort over preallocated scratch.

import { BatchError } from "./errors.ts";

/** A padded slot: a position without a row. */
export const PAD = 0xffff_ffff;

/** Runs longer than this many positions are cut into pieces of at most this many. */
export const PIECE = 128;

/**
 * The positions of one batch, grouped by the table row they read. P is batch x slots of the layout.
 *
 * Positions of touched row `rows[u]` are `sorted[offsets[u] .. offsets[u+1])`, ascending. Runs longer than
 * {@link PIECE} are tiled by pieces `pieceOffsets[u] .. pieceOffsets[u+1])`; equal bounds mean a short run.
 * The arrays may be views into larger buffers and are valid until the batch is released.
 */
export interface BatchPlan {
  /** [P minus padded slots] positions grouped by row, stable. */
  sorted: Uint32Array;
  /** [U] each touched row once, ascending. */
  rows: Uint32Array;
  /** [U+1] bounds of each row's run in `sorted`. */
  offsets: Uint32Array;
  /** [U+1] bounds of each row's pieces. */
  pieceOffsets: Uint32Array;
  /** [M] first index into `sorted` of each piece. */
  pieceFrom: Uint32Array;
  /** [M] one past the last index into `sorted` of each piece. */
  pieceTo: Uint32Array;
  /** U */
  count: number;
  /** M */
  pieceCount: number;
}

/**
 * Upper bounds for the sizes of a plan over `positions` positions.
 * A run of n > PIECE positions has ceil(n / PIECE) pieces; the most pieces a position can cost is 2 per PIECE + 1
 * positions, reached at n = PIECE + 1, hence floor(2P / (PIECE + 1)).
 */
export function planCapacity(positions: number): { rows: number; pieces: number } {
  return { rows: positions, pieces: Math.floor((2 * positions) / (PIECE + 1)) };
}

/** The arrays a plan is written into, each at full capacity. */
export interface PlanArrays {
  sorted: Uint32Array;
  rows: Uint32Array;
  offsets: Uint32Array;
  pieceOffsets: Uint32Array;
  pieceFrom: Uint32Array;
  pieceTo: Uint32Array;
}

/** Number of 32-bit words {@link planArrays} takes from its buffer. */
export function planWords(positions: number): number {
  const { rows, pieces } = planCapacity(positions);
  return positions + rows + (rows + 1) * 2 + pieces * 2;
}

/** Lays the arrays of a plan over `buffer` from `byteOffset` on (or over fresh memory). */
export function planArrays(positions: number, buffer?: ArrayBufferLike, byteOffset = 0): PlanArrays {
  const memory = buffer ?? new ArrayBuffer(planWords(positions) * 4);
  const { rows, pieces } = planCapacity(positions);
  let at = byteOffset;
  const take = (length: number): Uint32Array => {
    const view = new Uint32Array(memory, at, length);
    at += length * 4;
    return view;
  };
  return {
    sorted: take(positions),
    rows: take(rows),
    offsets: take(rows + 1),
    pieceOffsets: take(rows + 1),
    pieceFrom: take(pieces),
    pieceTo: take(pieces),
  };
}

/** Cuts full-capacity arrays to the size of one plan. */
export function planView(arrays: PlanArrays, used: number, count: number, pieceCount: number): BatchPlan {
  return {
    sorted: arrays.sorted.subarray(0, used),
    rows: arrays.rows.subarray(0, count),
    offsets: arrays.offsets.subarray(0, count + 1),
    pieceOffsets: arrays.pieceOffsets.subarray(0, count + 1),
    pieceFrom: arrays.pieceFrom.subarray(0, pieceCount),
    pieceTo: arrays.pieceTo.subarray(0, pieceCount),
    count,
    pieceCount,
  };
}

// One pass costs a count and a scatter of every position plus a sweep of the bins. 2^13 bins of 4 bytes sit in a
// 32 KiB first-level cache; above that the scatter itself starts to miss, so wider tables take more passes.
const BITS = 13;

/**
 * Builds plans for a table of `tableRows` rows and up to `positions` positions. Allocates only here; every
 * {@link PlanBuilder.build} reuses the scratch, so one builder serves one thread.
 */
export class PlanBuilder {
  readonly #passes: number;
  readonly #bits: number;
  readonly #bins: Uint32Array;
  readonly #keysA: Uint32Array;
  readonly #keysB: Uint32Array;
  readonly #scratch: Uint32Array;
  /** Set by the last build: positions that are not padding, touched rows, pieces. */
  used = 0;
  count = 0;
  pieceCount = 0;

  constructor(
    readonly tableRows: number,
    readonly positions: number,
  ) {
    const width = Math.max(1, 32 - Math.clz32(Math.max(0, tableRows - 1)));
    this.#passes = Math.ceil(width / BITS);
    this.#bits = Math.ceil(width / this.#passes);
    this.#bins = new Uint32Array(1 << this.#bits);
    this.#keysA = new Uint32Array(positions);
    this.#keysB = new Uint32Array(this.#passes > 1 ? positions : 0);
    this.#scratch = new Uint32Array(this.#passes > 1 ? positions : 0);
  }

  /** Groups `keys[0..positions)` (table rows; {@link PAD} for padding) into `out` and sets the counts. */
  build(keys: Uint32Array, positions: number, out: PlanArrays): void {
    if (positions > this.positions) {
      throw new BatchError(
        `a plan for ${positions} positions was asked of a builder made for ${this.positions}`,
        "Make the builder for the largest batch",
      );
    }
    const sortedKeys = this.#sort(keys, positions, out);
    const { rows, offsets, pieceOffsets, pieceFrom, pieceTo } = out;
    const used = this.used;
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
      if (end - at > PIECE) {
        for (let from = at; from < end; from += PIECE) {
          pieceFrom[pieces] = from;
          pieceTo[pieces] = Math.min(from + PIECE, end);
          pieces++;
        }
      }
      count++;
      at = end;
    }
    offsets[count] = used;
    pieceOffsets[count] = pieces;
    this.count = count;
    this.pieceCount = pieces;
  }

  // Stable, least significant digit first. The first pass reads the caller's keys and drops padding, the last one
  // writes into the plan, so a table of at most 2^13 rows needs a single pass.
  #sort(keys: Uint32Array, positions: number, out: PlanArrays): Uint32Array {
    const bits = this.#bits;
    const bins = this.#bins;
    const mask = bins.length - 1;
    const passes = this.#passes;
    let fromKeys = keys;
    let fromPositions: Uint32Array | null = null;
    let length = positions;
    for (let pass = 0; pass < passes; pass++) {
      const shift = pass * bits;
      // Alternate so that the last pass lands in the plan's own array.
      const odd = (passes - 1 - pass) % 2 === 1;
      const toPositions = odd ? this.#scratch : out.sorted;
      const toKeys = odd ? this.#keysB : this.#keysA;
      bins.fill(0);
      if (fromPositions === null) {
        const tableRows = this.tableRows;
        for (let i = 0; i < length; i++) {
          const key = fromKeys[i] as number;
          if (key < tableRows) bins[(key >>> shift) & mask]!++;
          else if (key !== PAD) throw rowOutOfTable(key, i, tableRows);
        }
      } else {
        for (let i = 0; i < length; i++) bins[((fromKeys[i] as number) >>> shift) & mask]!++;
      }
      let sum = 0;
      for (let b = 0; b <= mask; b++) {
        const n = bins[b] as number;
        bins[b] = sum;
        sum += n;
      }
      if (fromPositions === null) {
        for (let i = 0; i < length; i++) {
          const key = fromKeys[i] as number;
          if (key === PAD) continue;
          const digit = (key >>> shift) & mask;
          const to = bins[digit] as number;
          bins[digit] = to + 1;
          toKeys[to] = key;
          toPositions[to] = i;
        }
      } else {
        for (let i = 0; i < length; i++) {
          const key = fromKeys[i] as number;
          const digit = (key >>> shift) & mask;
          const to = bins[digit] as number;
          bins[digit] = to + 1;
          toKeys[to] = key;
          toPositions[to] = fromPositions[i] as number;
        }
      }
      length = sum;
      fromKeys = toKeys;
      fromPositions = toPositions;
    }
    this.used = length;
    return fromKeys;
  }
}

function rowOutOfTable(row: number, position: number, tableRows: number): BatchError {
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
