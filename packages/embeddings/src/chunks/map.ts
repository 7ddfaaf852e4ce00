/**
 * The hash map of the chunk store: from a row to the places of its K chunks. Rows that have nothing are not in it.
 *
 * It is keyed by rows and not by (row, chunk), as in the paper: a lookup is one probe for K chunks, and where rows are hot or
 * cold as a whole, as they are in logs, it takes fewer bytes. Open addressing with linear probing in one array; an
 * entry is K + 2 words side by side, so that a probe seldom touches more than one cache line. Removing shifts the entries
 * behind back, so there are no tombstones and nothing to sweep.
 */

/** Rows are whole numbers below this. */
export const MAX_ROWS = 2 ** 40;

/** Entries over slots at most; beyond it the map grows. */
const FULLEST = 0.75;
const GROWTH = 1.5;
const LEAST_SLOTS = 16;

const TWO_32 = 2 ** 32;
const TWO_MINUS_32 = 2 ** -32;

/** Words of an entry that are not places: the low and the high part of the row. */
const KEY_WORDS = 2;

export class ChunkMap {
  readonly chunks: number;
  /** Words of an entry. */
  readonly stride: number;
  /**
   * Entries one after another: row modulo 2^32, row / 2^32 + 1 (0: the slot is empty), then a place for each chunk: an address
   * above zero, a candidate's slot below zero, or 0 for neither.
   */
  words: Int32Array;
  /** Slots for entries. */
  slots: number;
  /** Entries. */
  size = 0;
  /** Counts up whenever an entry may have moved: offsets from before are void. */
  moves = 0;

  constructor(chunks: number, rows = 0) {
    this.chunks = chunks;
    this.stride = chunks + KEY_WORDS;
    this.slots = slotsFor(rows);
    this.words = new Int32Array(this.slots * this.stride);
  }

  /** The map over words that were saved. @throws nothing: `check` tells whether they make sense */
  static over(chunks: number, words: Int32Array, size: number): ChunkMap {
    const map = new ChunkMap(chunks);
    map.words = words;
    map.slots = words.length / map.stride;
    map.size = size;
    return map;
  }

  /** True if every entry is found where it is and their number is right. */
  check(): boolean {
    const { words, stride, slots } = this;
    if (!Number.isInteger(slots) || slots < LEAST_SLOTS) return false;
    let n = 0;
    for (let at = 0; at < words.length; at += stride) {
      if (words[at + 1] === 0) continue;
      if (words[at + 1]! < 0 || words[at + 1]! > MAX_ROWS / TWO_32 || ++n > this.size) return false;
      if (n === slots) return false;
    }
    if (n !== this.size) return false;
    for (let at = 0; at < words.length; at += stride) {
      if (words[at + 1] !== 0 && this.find(rowAt(words, at)) !== at) return false;
    }
    return true;
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  /** Offset of the row's entry in `words`, or -1. Place k is at offset + 2 + k. */
  find(row: number): number {
    const { words, stride } = this;
    const low = row | 0;
    const high = row < TWO_32 ? 1 : Math.floor(row / TWO_32) + 1;
    const end = words.length;
    let at = slotOf(low, high, this.slots) * stride;
    for (;;) {
      const there = words[at + 1]!;
      if (there === 0) return -1;
      if (there === high && words[at] === low) return at;
      at += stride;
      if (at === end) at = 0;
    }
  }

  /**
   * `find` for `count` rows at once: offset + 1 of the entry of row u, or 0, goes to out[u * step]. Rows are spread over more memory than a cache
   * holds, so a first loop only asks for the memory: with no branch in it the processor waits for many rows at a time.
   */
  findEach(rows: ArrayLike<number>, count: number, out: Uint32Array, step: number): void {
    const { words, stride, slots } = this;
    const end = words.length;
    let seen = 0;
    for (let u = 0, to = 0; u < count; u++, to += step) {
      const row = rows[u]!;
      const high = row < TWO_32 ? 1 : Math.floor(row / TWO_32) + 1;
      const at = slotOf(row | 0, high, slots) * stride;
      out[to] = at;
      seen |= words[at + 1]!;
    }
    // where a row's place is empty it is not here; and what was read is used, or a compiler could leave it out
    if (seen === 0) {
      for (let u = 0, to = 0; u < count; u++, to += step) out[to] = 0;
      return;
    }
    for (let u = 0, to = 0; u < count; u++, to += step) {
      const row = rows[u]!;
      const low = row | 0;
      const high = row < TWO_32 ? 1 : Math.floor(row / TWO_32) + 1;
      let at = out[to]!;
      for (;;) {
        const there = words[at + 1]!;
        if (there === 0) {
          out[to] = 0;
          break;
        }
        if (there === high && words[at] === low) {
          out[to] = at + 1;
          break;
        }
        at += stride;
        if (at === end) at = 0;
      }
    }
  }

  /** True if the row's entry is at this offset, which it was at before. */
  isAt(row: number, offset: number): boolean {
    const { words } = this;
    const high = row < TWO_32 ? 1 : Math.floor(row / TWO_32) + 1;
    return words[offset + 1] === high && words[offset] === (row | 0);
  }

  /** The offset of the row's entry, made with no places if there is none. */
  enter(row: number): number {
    const known = this.find(row);
    return known >= 0 ? known : this.add(row);
  }

  /** The offset of a new entry with no places, for a row that has none. */
  add(row: number): number {
    if (this.size + 1 > FULLEST * this.slots) this.#rehash(Math.ceil(this.slots * GROWTH) + 1);
    this.size++;
    return this.#insert(row | 0, Math.floor(row / TWO_32) + 1);
  }

  /** Takes an entry out. Entries behind it move. */
  remove(offset: number): void {
    const { words, stride, slots } = this;
    const end = words.length;
    let hole = offset;
    let at = offset;
    for (;;) {
      at += stride;
      if (at === end) at = 0;
      if (words[at + 1] === 0) break;
      const home = slotOf(words[at]!, words[at + 1]!, slots) * stride;
      // an entry may move into the hole unless its home lies behind the hole, on the way to where it is
      const stays = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (stays) continue;
      // entries are short: loops are quicker than calls
      for (let w = 0; w < stride; w++) words[hole + w] = words[at + w]!;
      hole = at;
    }
    for (let w = 0; w < stride; w++) words[hole + w] = 0;
    this.size--;
    this.moves++;
  }

  /** True if none of the entry's chunks has a place. */
  isEmpty(offset: number): boolean {
    for (let k = 0; k < this.chunks; k++) if (this.words[offset + KEY_WORDS + k] !== 0) return false;
    return true;
  }

  /** Calls `visit` with every row and the offset of its entry, in the order of the array; nothing may be entered or removed meanwhile. */
  each(visit: (row: number, offset: number) => void): void {
    const { words, stride } = this;
    for (let at = 0; at < words.length; at += stride) {
      if (words[at + 1] !== 0) visit(rowAt(words, at), at);
    }
  }

  /** Gives memory back where most of it is empty. */
  fit(): void {
    const wanted = slotsFor(this.size * 1.25);
    if (wanted < this.slots / 1.5) this.#rehash(wanted);
  }

  #insert(low: number, high: number): number {
    const { words, stride } = this;
    let at = slotOf(low, high, this.slots) * stride;
    while (words[at + 1] !== 0) {
      at += stride;
      if (at === words.length) at = 0;
    }
    words[at] = low;
    words[at + 1] = high;
    return at;
  }

  #rehash(slots: number): void {
    const { words: old, stride } = this;
    this.slots = slots;
    this.words = new Int32Array(slots * stride);
    for (let from = 0; from < old.length; from += stride) {
      if (old[from + 1] === 0) continue;
      const to = this.#insert(old[from]!, old[from + 1]!);
      for (let w = KEY_WORDS; w < stride; w++) this.words[to + w] = old[from + w]!;
    }
    this.moves++;
  }
}

/** Words before an entry's places. */
export const PLACES = KEY_WORDS;

/** Row of the entry at an offset. */
export function rowAt(words: Int32Array, at: number): number {
  return (words[at]! >>> 0) + (words[at + 1]! - 1) * TWO_32;
}

function slotsFor(rows: number): number {
  return Math.max(LEAST_SLOTS, Math.ceil(rows / FULLEST) + 1);
}

/** Bytes of map that one row can cost at worst: right after the map has grown. */
export function rowBytes(chunks: number): number {
  return Math.ceil(((chunks + KEY_WORDS) * 4 * GROWTH) / FULLEST);
}

/** A mixed row, scaled to the number of slots, which is no power of two so that the map can grow by halves. */
function slotOf(low: number, high: number, slots: number): number {
  let h = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = (h ^ (h >>> 13)) >>> 0;
  return (h * slots * TWO_MINUS_32) | 0;
}
