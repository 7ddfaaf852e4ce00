/** A square of bits, a row of words each: sets of small numbers that are joined and asked many times. */
export class BitMatrix {
  readonly #count: number;
  readonly #width: number;
  readonly #words: Uint32Array;

  constructor(count: number, words?: Uint32Array) {
    this.#count = count;
    this.#width = (count + 31) >>> 5;
    this.#words = words ?? new Uint32Array(count * this.#width);
  }

  add(row: number, bit: number): void {
    this.#words[row * this.#width + (bit >>> 5)]! |= 1 << (bit & 31);
  }

  has(row: number, bit: number): boolean {
    return (this.#words[row * this.#width + (bit >>> 5)]! & (1 << (bit & 31))) !== 0;
  }

  /** The bits of a row, ascending. */
  bitsOf(row: number): number[] {
    const bits: number[] = [];
    for (let w = 0; w < this.#width; w++) {
      let word = this.#words[row * this.#width + w]!;
      while (word !== 0) {
        const bit = 31 - Math.clz32(word & -word);
        bits.push(w * 32 + bit);
        word &= word - 1;
      }
    }
    return bits;
  }

  /** Rows as edges of a graph: what each row reaches. Sweeps until nothing changes: one sweep or two where rows stand in order. */
  closure(): BitMatrix {
    const next = Array.from({ length: this.#count }, (_, row) => this.bitsOf(row));
    const reached = new BitMatrix(this.#count, this.#words.slice());
    for (let changed = true; changed; ) {
      changed = false;
      for (let row = this.#count - 1; row >= 0; row--)
        for (const other of next[row]!) changed = reached.#join(row, other) || changed;
    }
    return reached;
  }

  /** Adds all bits of another row; true if any was new. */
  #join(row: number, other: number): boolean {
    let fresh = 0;
    for (let w = 0; w < this.#width; w++) {
      const before = this.#words[row * this.#width + w]!;
      const after = (before | this.#words[other * this.#width + w]!) >>> 0;
      fresh |= before ^ after;
      this.#words[row * this.#width + w] = after;
    }
    return fresh !== 0;
  }
}
