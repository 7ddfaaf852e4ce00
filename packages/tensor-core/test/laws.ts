/** Seeds of property tests: fixed in CI, fresh elsewhere, printed always, so that a failure can be run again. */
import fc from "fast-check";

const given = process.env.FC_SEED ?? (process.env.CI ? "20260705" : String(Date.now() % 2 ** 31));
export const seed = Number(given);
console.log(`fast-check seed ${seed} (set FC_SEED to repeat)`);

/** Asserts a law with the run's seed. */
export function law<T>(property: fc.IProperty<T>, numRuns = 100): void {
  fc.assert(property, { seed, numRuns });
}

/** As `law`, for properties that wait for a device. */
export function asyncLaw<T>(property: fc.IAsyncProperty<T>, numRuns = 100): Promise<void> {
  return fc.assert(property, { seed, numRuns });
}

/** A small generator for contents, so that a counterexample shows a seed instead of thousands of numbers. */
export class Random {
  #state: number;
  constructor(seedOf: number) {
    this.#state = (seedOf ^ 0x9e3779b9) >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.next());
  }

  pick<T>(items: readonly T[]): T {
    return items[this.whole(0, items.length - 1)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}
