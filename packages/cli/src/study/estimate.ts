/** How long what is left of a study takes, by how long trainings took so far. */
import type { Left } from "@trimtab/search-core";

export interface LeftIn extends Left {
  readonly cell: string;
}

export class Estimate {
  readonly #methods = new Mean();
  readonly #cells = new Mean();
  readonly #all = new Mean();

  /** A training that is done. */
  observe(cell: string, method: string, seconds: number): void {
    this.#methods.add(`${cell} ${method}`, seconds);
    this.#cells.add(cell, seconds);
    this.#all.add("", seconds);
  }

  /** Seconds that one training takes, as far as can be told; undefined before the first is done. */
  training(cell: string, method: string): number | undefined {
    return this.#methods.of(`${cell} ${method}`) ?? this.#cells.of(cell) ?? this.#all.of("");
  }

  /** Seconds until all is done by `processes` at once. A search counts as one training more. */
  left(parts: readonly LeftIn[], processes: number): number | undefined {
    let sum = 0;
    for (const { cell, method, trainings, search } of parts) {
      const one = this.training(cell, method);
      if (one === undefined) return undefined;
      sum += one * (trainings + (search ? 1 : 0));
    }
    return sum / Math.max(1, Math.min(processes, parts.length));
  }
}

class Mean {
  readonly #sums = new Map<string, { n: number; sum: number }>();

  add(key: string, value: number): void {
    const { n, sum } = this.#sums.get(key) ?? { n: 0, sum: 0 };
    this.#sums.set(key, { n: n + 1, sum: sum + value });
  }

  of(key: string): number | undefined {
    const there = this.#sums.get(key);
    return there && there.sum / there.n;
  }
}
