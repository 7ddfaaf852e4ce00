/** How far a study is: trainings that are there, that are left, and how long these take. */
import type { Comparison } from "@trimtab/search-core";
import { Estimate, type LeftIn } from "./estimate.ts";

export interface Overall {
  /** Trainings that are there, of all. */
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  /** Undefined while nothing tells. */
  readonly secondsLeft: number | undefined;
}

/** One part of a study: a base model ("base"), or a method, under a seed. */
export interface PartName {
  readonly cell: string;
  readonly seed: number;
  readonly method: string;
}

/** Seconds of one training of a row's phases: training and evaluating, without the search before it. */
export function trainingSeconds({ train = 0, evaluate = 0 }: Readonly<Record<string, number>>): number {
  return train + evaluate;
}

export class Tally {
  readonly #estimate = new Estimate();
  readonly #open = new Map<string, LeftIn>();
  /** Trainings that are there. */
  readonly #done = new Set<string>();
  readonly #processes: number;
  #failed = 0;

  constructor(processes: number) {
    this.#processes = processes;
  }

  /** A cell as it is before the study goes on. */
  add(cell: string, { rows, left }: Pick<Comparison, "rows" | "left">): void {
    for (const { method, budget, seeds, seconds } of rows) {
      this.#done.add(keyOf({ cell, method, seed: seeds.run ?? 0 }, budget));
      this.#estimate.observe(cell, method, trainingSeconds(seconds));
    }
    for (const one of left) this.#open.set(keyOf({ cell, ...one }), { cell, ...one });
  }

  /** A row came. False if it was counted before. */
  row(part: PartName, budget: string | null, known: boolean, seconds: number): boolean {
    if (this.#done.has(keyOf(part, budget))) return false;
    this.#done.add(keyOf(part, budget));
    const key = keyOf(part);
    const left = this.#open.get(key);
    if (left && left.trainings > 1)
      this.#open.set(key, { ...left, trainings: left.trainings - 1, search: false });
    else this.#open.delete(key);
    if (!known) this.#estimate.observe(part.cell, part.method, seconds);
    return true;
  }

  failed(part: PartName): void {
    this.#failed++;
    this.#open.delete(keyOf(part));
  }

  get overall(): Overall {
    const parts = [...this.#open.values()];
    return {
      done: this.#done.size,
      total: this.#done.size + parts.reduce((n, { trainings }) => n + trainings, 0),
      failed: this.#failed,
      secondsLeft: this.#estimate.left(parts, this.#processes),
    };
  }
}

function keyOf({ cell, seed, method }: PartName, ...budget: (string | null)[]): string {
  return JSON.stringify([cell, seed, method, ...budget]);
}
