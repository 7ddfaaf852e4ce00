// Which value a row of a generated log has: Zipf's law, and its drift over time.

import type { Random } from "../random.ts";

/** Draws values 0..n-1 with probability proportional to 1 / (rank + 1)^s, in constant time (Vose's alias method). */
export class Zipf {
  readonly #keep: Float64Array;
  readonly #alias: Uint32Array;
  constructor(
    readonly n: number,
    s: number,
  ) {
    const weight = new Float64Array(n);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += weight[i] = (i + 1) ** -s;
    for (let i = 0; i < n; i++) weight[i] = ((weight[i] as number) * n) / sum;
    this.#keep = weight;
    this.#alias = Uint32Array.from({ length: n }, (_, i) => i);
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < n; i++) ((weight[i] as number) < 1 ? small : large).push(i);
    while (small.length > 0 && large.length > 0) {
      const less = small.pop() as number;
      const more = large[large.length - 1] as number;
      this.#alias[less] = more;
      weight[more] = (weight[more] as number) + (weight[less] as number) - 1;
      if ((weight[more] as number) < 1) small.push(large.pop() as number);
    }
    // What rounding left over keeps its own value.
    for (const i of [...small, ...large]) weight[i] = 1;
  }
  draw(random: Random): number {
    const u = random.uniform() * this.n;
    const i = Math.floor(u);
    return u - i < (this.#keep[i] as number) ? i : (this.#alias[i] as number);
  }
}

/** Fields of fewer values do not drift: hours, devices and categories stay what they are. */
export const DRIFTING_VALUES = 1000;

/**
 * Zipf's law whose values change with time. At every moment the ranks 0 .. ranks - 1 have the law's probabilities; what changes is the value
 * behind a rank. Over the whole log each rank is handed on to a new value `drift` times, in even steps that begin at a random
 * point of their own: a value appears, takes the rank over little by little from the one before, and fades in the same way. Handing
 * on takes half a step of the log's time (and with a drift below 1 that share of it, so that it goes to nothing with the drift).
 * No value comes back.
 */
export class DriftingZipf {
  /** Values that are popular at one moment; the others are yet to come or gone. */
  readonly ranks: number;
  readonly #zipf: Zipf;
  readonly #drift: number;
  readonly #fade: number;
  /** For each rank: where in its step it is when the log begins, and its first value; the next ones follow on. */
  readonly #phase: Float64Array;
  readonly #first: Uint32Array;

  /** `n` values in all, over all times. */
  constructor(n: number, s: number, drift: number, random: Random) {
    this.#drift = drift;
    this.#fade = Math.min(drift, 1) / 2;
    this.#phase = new Float64Array(n);
    this.#first = new Uint32Array(n);
    let used = 0;
    let ranks = 0;
    for (; ranks < n; ranks++) {
      const phase = random.uniform();
      const values = Math.floor(drift + phase + this.#fade) + 1;
      if (used + values > n) break;
      this.#phase[ranks] = phase;
      this.#first[ranks] = used;
      used += values;
    }
    this.ranks = ranks;
    this.#zipf = new Zipf(ranks, s);
  }

  /** A value at `time`, 0 (the log's beginning) to 1 (its end, which is not reached). */
  draw(random: Random, time: number): number {
    const rank = this.#zipf.draw(random);
    const step = time * this.#drift + (this.#phase[rank] as number) + random.uniform() * this.#fade;
    return (this.#first[rank] as number) + Math.floor(step);
  }
}
