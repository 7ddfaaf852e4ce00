// A small seeded generator (xoshiro128**, Blackman and Vigna 2018; seeded by a murmur3-style mixer), used for
// shuffling and for the planted-truth log. Not for secrets. The same seeds give the same numbers on every machine.

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A stream of random numbers, fixed by the list of seeds it is made from. */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #spare = Number.NaN;

  constructor(...seeds: number[]) {
    let h = 0x9e3779b9;
    for (const seed of seeds) {
      // Both halves count, so seeds above 2^32 stay apart.
      h = mix(h ^ mix(seed >>> 0));
      h = mix((h + Math.floor(seed / 0x1_0000_0000)) >>> 0);
    }
    this.#a = mix(h + 0x9e3779b9);
    this.#b = mix(h + 0x3c6ef372);
    this.#c = mix(h + 0xdaa66d2b);
    this.#d = mix(h + 0x78dde6e4) | 1;
  }

  /** 32 random bits. */
  u32(): number {
    const b5 = Math.imul(this.#b, 5);
    const out = Math.imul((b5 << 7) | (b5 >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return out;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.u32() >>> 5) * 67108864 + (this.u32() >>> 6)) / 9007199254740992;
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = v * scale;
      return u * scale;
    }
  }

  /** Shuffles in place, by as many calls of `u32` as it takes. At most 2^31 numbers. */
  shuffle(order: Uint32Array): void {
    for (let last = order.length - 1; last > 0; ) {
      // all indexes that are drawn with the same mask, some thousand a call
      const mask = 2 ** (32 - Math.clz32(last)) - 1;
      const least = Math.max(mask >>> 1, last - 4096);
      this.#swap(order, last, least, mask);
      last = least;
    }
  }

  // The state in variables, not in fields: a few times as fast, and this is a good part of making batches.
  #swap(order: Uint32Array, last: number, least: number, mask: number): void {
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d];
    for (let i = last; i > least; i--) {
      let j = 0;
      do {
        const b5 = Math.imul(b, 5);
        j = Math.imul((b5 << 7) | (b5 >>> 25), 9) & mask;
        const t = b << 9;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= t;
        d = (d << 11) | (d >>> 21);
      } while (j > i);
      const held = order[i] as number;
      order[i] = order[j] as number;
      order[j] = held;
    }
    [this.#a, this.#b, this.#c, this.#d] = [a, b, c, d];
  }
}

/**
 * The order of rows in an epoch: a permutation of 0..n-1, fixed by (seed, epoch).
 * Fisher-Yates; the index is drawn by masking and rejecting, so no order is more likely than another.
 */
export function permutation(n: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  new Random(seed, epoch, n).shuffle(order);
  return order;
}
