/**
 * Decay in closed form. A utility is u <- gamma u + gain at every step, also at those that do not touch the chunk. Instead of
 * decaying all of them each step, later gains grow: what is stored is s = u / gamma^(t - t0), to which a step adds gain /
 * gamma^(t - t0). Reading multiplies by gamma^(t - t0). Before that factor leaves the comfort of f32, everything is
 * multiplied by it and t0 becomes t. In real arithmetic it is the very formula, and no chunk needs a stamp of its last step.
 */

/** Utilities are rescaled when a step's gain would be multiplied by more than this. */
const LARGEST = 2 ** 24;

export class Clock {
  readonly gamma: number;
  /** Steps so far. */
  step: number;
  /** t0: the step at which stored and true utilities were the same. */
  base: number;

  constructor(gamma: number, step = 0, base = step) {
    this.gamma = gamma;
    this.step = step;
    this.base = base;
  }

  /** What a step's gain is multiplied by. */
  get gain(): number {
    return this.gamma ** (this.base - this.step);
  }

  /** What a stored utility is multiplied by. */
  get factor(): number {
    return this.gamma ** (this.step - this.base);
  }

  /** Counts a step. Calls `rescale` with the factor by which everything stored is to be multiplied, if it is time. */
  next(rescale: (factor: number) => void): void {
    this.step++;
    if (this.gain <= LARGEST) return;
    rescale(this.factor);
    this.base = this.step;
  }
}
