// Positions in the order of their table rows, for tables with many more rows than a batch has positions: a stable radix sort.

import { PADDING } from "./plan.ts";

// One pass costs a count and a scatter of every position plus a sweep of the bins. 2^13 bins of 4 bytes sit in a
// 32 KiB first-level cache; above that the scatter itself starts to miss, so wider tables take more passes.
const BITS = 13;

/** Sorts up to `positions` rows of a table of `tableRows`. Allocates only in the constructor; belongs to one thread. */
export class RadixSort {
  readonly #passes: number;
  readonly #bits: number;
  readonly #bins: Int32Array;
  readonly #keysA: Int32Array;
  readonly #keysB: Int32Array;
  readonly #scratch: Uint32Array;
  /** Set by the last sort: positions that are not padding. */
  used = 0;
  /** Set by the last sort: the row of each sorted position, as a signed number; valid until the next. */
  sortedKeys: Int32Array;

  constructor(
    readonly tableRows: number,
    positions: number,
  ) {
    const width = Math.max(1, 32 - Math.clz32(Math.max(0, tableRows - 1)));
    this.#passes = Math.ceil(width / BITS);
    this.#bits = Math.ceil(width / this.#passes);
    this.#bins = new Int32Array(1 << this.#bits);
    this.#keysA = new Int32Array(positions);
    this.#keysB = new Int32Array(this.#passes > 1 ? positions : 0);
    this.#scratch = new Uint32Array(this.#passes > 1 ? positions : 0);
    this.sortedKeys = this.#keysA;
  }

  /**
   * Writes the positions of `keys`, without padding, into `sorted`. The first pass drops padding, the last one writes into `sorted`.
   * @returns the first position of a row outside the table, or -1
   */
  sort(keys: Int32Array, sorted: Uint32Array): number {
    const bits = this.#bits;
    const bins = this.#bins;
    const passes = this.#passes;
    let fromKeys = keys;
    let fromPositions: Uint32Array | null = null;
    let length = keys.length;
    for (let pass = 0; pass < passes; pass++) {
      const shift = pass * bits;
      // Alternate so that the last pass lands in the plan's own array.
      const odd = (passes - 1 - pass) % 2 === 1;
      const toPositions = odd ? this.#scratch : sorted;
      const toKeys = odd ? this.#keysB : this.#keysA;
      bins.fill(0);
      if (fromPositions === null) {
        const wrong = countFirst(keys, bins, this.tableRows);
        if (wrong >= 0) return wrong;
      } else count(fromKeys, length, shift, bins);
      const sum = startsOf(bins);
      if (fromPositions === null) placeFirst(keys, bins, toKeys, toPositions);
      else place(fromKeys, fromPositions, length, shift, bins, toKeys, toPositions);
      length = sum;
      fromKeys = toKeys;
      fromPositions = toPositions;
    }
    this.used = length;
    this.sortedKeys = fromKeys;
    return -1;
  }
}

function countFirst(keys: Int32Array, bins: Int32Array, tableRows: number): number {
  const mask = bins.length - 1;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (key >>> 0 < tableRows) bins[key & mask]!++;
    else if (key !== PADDING) return i;
  }
  return -1;
}

function count(keys: Int32Array, length: number, shift: number, bins: Int32Array): void {
  const mask = bins.length - 1;
  for (let i = 0; i < length; i++) bins[((keys[i] as number) >>> shift) & mask]!++;
}

/** Counts become where each bin begins; gives their sum. */
function startsOf(bins: Int32Array): number {
  let sum = 0;
  for (let b = 0; b < bins.length; b++) {
    const n = bins[b] as number;
    bins[b] = sum;
    sum += n;
  }
  return sum;
}

function placeFirst(keys: Int32Array, next: Int32Array, toKeys: Int32Array, toPositions: Uint32Array): void {
  const mask = next.length - 1;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (key === PADDING) continue;
    const digit = key & mask;
    const to = next[digit] as number;
    next[digit] = to + 1;
    toKeys[to] = key;
    toPositions[to] = i;
  }
}

function place(
  keys: Int32Array,
  positions: Uint32Array,
  length: number,
  shift: number,
  next: Int32Array,
  toKeys: Int32Array,
  toPositions: Uint32Array,
): void {
  const mask = next.length - 1;
  for (let i = 0; i < length; i++) {
    const key = keys[i] as number;
    const digit = (key >>> shift) & mask;
    const to = next[digit] as number;
    next[digit] = to + 1;
    toKeys[to] = key;
    toPositions[to] = positions[i] as number;
  }
}
