// The batch plan: positions of a batch grouped by table row, so that row gradients are summed in one fixed order
// without atomics (design section 4, "Sparse tables"). What builds it is in plan-builder.ts.

/** A padded slot: a position without a row. */
export const PAD = 0xffff_ffff;

/** The bits of {@link PAD} as a signed number, which inner loops compute with: numbers above 2^31 would make them floating point. */
export const PADDING = -1;

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
