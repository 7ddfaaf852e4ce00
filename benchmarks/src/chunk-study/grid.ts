/** A study as its tables and pictures read it: what was trained, by method and pruned share. */
import { summarize } from "@trimtab/eval";
import { StudyError } from "./errors.ts";
import type { Cell, StudyFolder } from "./folder.ts";
import type { EpochCost } from "./measure.ts";
import type { Equal } from "./options.ts";
import type { Answer, Method, Trained } from "./trial.ts";

/** A trained model, and what its seed measured beside it. */
export interface Entry {
  readonly seed: number;
  readonly trained: Trained;
  readonly dense: Trained;
  /** Most resident bytes of its process above those of one that only loads the data; null where the system does not tell. */
  readonly resident: number | null;
}

export class Grid {
  readonly shares: readonly number[];
  readonly seeds: readonly number[];
  readonly #cells: readonly Cell[];
  readonly #answers = new Map<string, Answer>();

  constructor(folder: StudyFolder, equal: Equal) {
    this.#cells = folder.cells(equal);
    if (this.#cells.length === 0) throw new StudyError(`${folder.path}: nothing is computed yet.`);
    for (const answer of folder.answers) {
      this.#answers.set(keyOf(answer.request.seed, answer.request.name), answer);
    }
    this.shares = sorted(this.#cells.map(({ share }) => share));
    this.seeds = sorted(this.#cells.map(({ seed }) => seed));
  }

  /** The dense models, a seed each. */
  get dense(): Entry[] {
    return this.seeds.map((seed) => this.#entry(seed, "dense"));
  }

  entries(method: Method, share: number): Entry[] {
    return this.#of(method, share).flatMap(({ seed, trial }) =>
      trial === undefined ? [] : [this.#entry(seed, trial)],
    );
  }

  /** Why a cell has no entry; undefined where it has one or is not computed yet. */
  missing(method: Method, share: number): string | undefined {
    return this.#of(method, share).find(({ missing }) => missing !== undefined)?.missing;
  }

  #of(method: Method, share: number): Cell[] {
    const own = this.#cells.filter((cell) => cell.method === method && cell.share === share);
    return own.sort((a, b) => a.seed - b.seed);
  }

  #entry(seed: number, name: string): Entry {
    const answerOf = (trial: string): Answer => {
      const answer = this.#answers.get(keyOf(seed, trial));
      if (answer) return answer;
      throw new StudyError(`seed ${seed}: the file of trial ${trial} is missing; run the study again.`);
    };
    const answer = answerOf(name);
    const idle = answerOf("data-only").resident;
    const own = answer.resident;
    const resident = own && idle ? own.peak - idle.peak : null;
    return { seed, trained: answer.trained!, dense: answerOf("dense").trained!, resident };
  }
}

/** Bytes that training the uniform table takes over those of a method, and values alone over values alone. */
export function ratiosOf({ trained, dense }: Entry) {
  const over = (all: number, own: number) => all / own;
  return {
    payload: over(dense.bytes.payload, trained.bytes.payload),
    end: over(dense.bytes.end, trained.bytes.end),
    peak: over(dense.bytes.end, trained.bytes.peak),
  };
}

/** Processor seconds a step, over the dense model's, in the epochs that begin after the ramp (all: in every epoch); null where none was watched. */
export function stepRatios({ trained, dense }: Entry): {
  readonly after: number | null;
  readonly all: number | null;
} {
  const { live, row, epochCosts } = trained;
  const ramp = live ? Math.ceil(live.settings.rampSteps / live.settings.epochSteps) : 1;
  // the first epoch compiles
  const from = Math.max(1, ramp);
  const own = (first: number) => cpuPerStep(epochCosts, first);
  const theirs = (first: number) => cpuPerStep(dense.epochCosts, first);
  const over = (a: number | null, b: number | null) => (a === null || b === null ? null : a / b);
  if (row.method === "dense") return { after: 1, all: 1 };
  return { after: over(own(from), theirs(1)), all: over(own(0), theirs(0)) };
}

function cpuPerStep(costs: readonly EpochCost[], first: number): number | null {
  const own = costs.filter(({ epoch }) => epoch >= first);
  const steps = own.reduce((n, cost) => n + cost.steps, 0);
  return steps === 0 ? null : own.reduce((n, { cpu }) => n + cpu, 0) / steps;
}

/** Mean ± sd over entries, or "-" where one has no number. */
export function overSeeds<T>(list: readonly T[], of: (one: T) => number | null) {
  const values = list.flatMap((one) => of(one) ?? []);
  return values.length < list.length || values.length === 0 ? undefined : summarize(values);
}

const keyOf = (seed: number, trial: string): string => `${seed} ${trial}`;
const sorted = (list: readonly number[]): number[] => [...new Set(list)].sort((a, b) => a - b);
