/**
 * Lets a row in at its second sighting (the doorkeeper of TinyLFU, Einziger, Friedman and Manes, ACM Transactions on Storage 13(4), 2017). Most rows of
 * a log that are not known are seen once and never again: where slots are short, each of them would take K slots from others and lose them again within a
 * few steps, which costs more than all else that is done for it, and leaves no time to those that come back.
 *
 * What was seen is one bit a row, by a hash; two rows of one bit are taken for each other, so that some are let in at once. When a quarter of
 * the bits may be set everything is forgotten: a row must come back within that time.
 */

/** With 8 criteo-80k's batches filled them within two steps, and rows had no time to come back. */
export const BITS_A_SLOT = 64;

export class Doorkeeper {
  /** The bits, in u32. */
  readonly words: Uint32Array;
  /** Rows sent away since everything was forgotten. */
  seen = 0;
  readonly #most: number;

  /** For so many slots. */
  constructor(slots: number) {
    this.words = new Uint32Array(Math.ceil((slots * BITS_A_SLOT) / 32));
    this.#most = this.words.length * 8;
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  /** True for a row that was here before; else it is remembered. */
  admits(row: number): boolean {
    const { words } = this;
    const bit = bitOf(row, 32 * words.length);
    const at = bit >>> 5;
    const mask = 1 << (bit & 31);
    if ((words[at]! & mask) !== 0) return true;
    if (this.seen >= this.#most) {
      words.fill(0);
      this.seen = 0;
    }
    words[at] = words[at]! | mask;
    this.seen++;
    return false;
  }
}

/** Not the hash of the map: rows that are neighbours there must not be here too. */
function bitOf(row: number, bits: number): number {
  let h = Math.imul((row | 0) ^ Math.imul(Math.floor(row / 2 ** 32), 0x27d4eb2f), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) >>> 0;
  return Math.floor((h * bits) / 2 ** 32);
}
