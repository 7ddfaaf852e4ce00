/** When chunks are pruned and restored, and down to how many. */

export interface ScheduleOptions {
  /** T, until the budget is met. */
  readonly period: number;
  /** T from then on. */
  readonly steadyPeriod: number;
  readonly rampSteps: number;
  /** Chunks at the start of the ramp, at least as many as at its end. */
  readonly from: number;
  /** Chunks at its end. */
  readonly to: number;
}

export class Schedule {
  readonly #options: ScheduleOptions;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** T once the budget is met. */
  get steadyPeriod(): number {
    return this.#options.steadyPeriod;
  }

  /** True if an adjustment follows step `step` (the first is 1): every T steps, and at the end of the ramp. */
  adjustsAfter(step: number): boolean {
    const { period, steadyPeriod, rampSteps } = this.#options;
    return step % (this.isOver(step) ? steadyPeriod : period) === 0 || step === rampSteps;
  }

  /** True once the budget is met: from the end of the ramp on. */
  isOver(step: number): boolean {
    return step >= this.#options.rampSteps;
  }

  /** Chunks that may be live after `step` steps. */
  target(step: number): number {
    const { from, to, rampSteps } = this.#options;
    return this.isOver(step) ? to : Math.round(from + (to - from) * (step / rampSteps));
  }
}
