/**
 * The ways in which the numbers of an element mask lie when they are served, and what each costs. All keep the K numbers
 * that exist as f32 in row-major order; they differ in how a number is found.
 *
 *   bitmask      a bit for each of the N x d numbers, and for every 512 bits a u32: how many bits are set before
 *   row-bitmask  a bit for each row, counted in the same way, and a bitmask over the M rows that have any number
 *   csr          N + 1 u32 row starts, and a column for each number in 1, 2, 4, 8 or 16 bits
 *   coo          a u32 for each number, row x d + column, ascending; found by bisection
 *
 * Our choice, all of it. A plain bitmask with a start for each row would cost 4 bytes a row, at dim 16 twice the mask itself;
 * a start for each 512 bits costs a sixteenth of the mask and a popcount of at most 16 words a looked-up row.
 */
import { VALUE_BYTES } from "../scheme/scheme.ts";
import { wordsOf } from "./bits.ts";

export type ElementLayout = "bitmask" | "row-bitmask" | "csr" | "coo";

/** In order of preference where bytes are equal: the cheaper lookup first. */
export const ELEMENT_LAYOUTS: readonly ElementLayout[] = ["bitmask", "row-bitmask", "csr", "coo"];

/** Words of a bitset that share one count of the bits before them. */
export const RANK_WORDS = 16;

/** What the bytes of a mask depend on. */
export interface ElementCounts {
  /** N: rows of the fields that have any number; a field without numbers is not stored at all. */
  readonly rows: number;
  readonly dim: number;
  /** M: rows that have at least one number. */
  readonly filledRows: number;
  /** K: numbers that exist. */
  readonly numbers: number;
}

/** u32 counts beside a bitset of `bits` bits. */
export function rankCounts(bits: number): number {
  return Math.ceil(bits / (32 * RANK_WORDS));
}

/** Bits of a column number in csr: the smallest of 1, 2, 4, 8, 16 that hold dim - 1. */
export function columnBits(dim: number): number {
  let bits = 1;
  while (2 ** bits < dim) bits *= 2;
  return bits;
}

function rankedBits(bits: number): number {
  return wordsOf(bits) + rankCounts(bits);
}

const indexWords: { [L in ElementLayout]: (counts: ElementCounts) => number } = {
  bitmask: ({ rows, dim }) => rankedBits(rows * dim),
  "row-bitmask": ({ rows, dim, filledRows }) => rankedBits(rows) + rankedBits(filledRows * dim),
  csr: ({ rows, dim, numbers }) => rows + 1 + wordsOf(numbers * columnBits(dim)),
  coo: ({ numbers }) => numbers,
};

/** Bytes of everything but the values. 0 where nothing exists. */
export function indexBytes(layout: ElementLayout, counts: ElementCounts): number {
  return counts.numbers === 0 ? 0 : indexWords[layout](counts) * VALUE_BYTES;
}

/** Serve bytes in one layout: values and index. For searches: they need no scheme to know what a mask will cost. */
export function elementBytes(layout: ElementLayout, counts: ElementCounts): number {
  return counts.numbers * VALUE_BYTES + indexBytes(layout, counts);
}

/** The layout of the fewest bytes. Removing numbers never makes the smallest larger. */
export function smallestLayout(counts: ElementCounts): ElementLayout {
  return ELEMENT_LAYOUTS.reduce((best, layout) =>
    elementBytes(layout, counts) < elementBytes(best, counts) ? layout : best,
  );
}
