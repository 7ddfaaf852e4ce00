/**
 * The schedule of scheduled mode (ours): how many numbers shall be left at each step, and the ramp of the thresholds that makes
 * it so. The share falls along a cubic, as in gradual magnitude pruning (Zhu and Gupta, 2017): fast while much is redundant,
 * slowly towards the end.
 */
import { z } from "zod";
import type { Count } from "./counter.ts";

export interface ScheduleOptions {
  /** Steps in all; the smallest budget is reached at the last. */
  readonly steps: number;
  /** Share of the steps before pruning starts. */
  readonly warmUp: number;
  /** Share of the numbers that is left in the end. */
  readonly end: number;
}

/** Share of the numbers that shall be left after step t. */
export function shareAt(t: number, { steps, warmUp, end }: ScheduleOptions): number {
  const from = warmUp * steps;
  const done = Math.min(1, Math.max(0, (t - from) / (steps - from)));
  return end + (1 - end) * (1 - done) ** 3;
}

/** The first step after which no more than `share` shall be left. */
export function stepOf(share: number, { steps, warmUp, end }: ScheduleOptions): number {
  const from = warmUp * steps;
  const left = end >= 1 ? 0 : Math.cbrt(Math.max(0, Math.min(1, (share - end) / (1 - end))));
  return Math.min(steps, Math.max(1, Math.ceil(from + (steps - from) * (1 - left))));
}

/** sigmoid(LOWEST) is 2e-9: far below the first values of any table. */
export const LOWEST = -20;

export const rampSchema = z.strictObject({
  /** The level at step `at`, and the one it moves to, in a straight line, until step `until`. */
  from: z.number(),
  to: z.number(),
  at: z.number(),
  until: z.number(),
});

export type Ramp = Readonly<z.output<typeof rampSchema>>;

export const START: Ramp = { from: LOWEST, to: LOWEST, at: 0, until: 1 };

/** The level that step t trains under. */
export function levelAt({ from, to, at, until }: Ramp, t: number): number {
  if (t >= until) return to;
  return from + ((to - from) * Math.max(0, t - at)) / (until - at);
}

const NEAR = 8;

/** Levels worth a count: coarse ones over the whole range, close ones about the present one. */
export function levelsAround(level: number): number[] {
  const coarse = Array.from({ length: 16 }, (_, i) => LOWEST + 1.5 * i);
  const near = Array.from({ length: NEAR * 2 }, (_, i) => level + (i - NEAR / 2) * 0.125);
  return [...coarse, ...near].sort((a, b) => a - b);
}

export const LEVELS = levelsAround(0).length;

/** The level above which `wanted` numbers are left, between the counted ones in a straight line. `counts` by rising level. */
export function levelFor(counts: readonly Count[], wanted: number): number {
  const after = counts.findIndex(({ numbers }) => numbers <= wanted);
  if (after < 0) return counts.at(-1)!.level;
  if (after === 0) return counts[0]!.level;
  const low = counts[after - 1]!;
  const high = counts[after]!;
  const part = (low.numbers - wanted) / (low.numbers - high.numbers);
  return low.level + part * (high.level - low.level);
}

/** The ramp from step t on; it never falls, so that what is pruned stays so. */
export function nextRamp(ramp: Ramp, t: number, until: number, level: number): Ramp {
  const from = levelAt(ramp, t);
  return { from, to: Math.max(from, level), at: t, until };
}
