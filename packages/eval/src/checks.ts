// The checks that every metric makes of its columns, so that each error reads the same everywhere.
import { BadLabelError, BadScoreError, BadUserError, LengthMismatchError, NoRowsError } from "./errors.ts";

/** Scores, logits or probabilities of rows, one number a row. */
export type Scores = Float32Array | Float64Array;

/** Labels of rows: 0 or 1 each. */
export type Labels = ArrayLike<number>;

/** Throws unless there is at least one row and both columns have the same length. */
export function checkLengths(metric: string, what: string, length: number, labels: Labels): void {
  if (length !== labels.length) throw new LengthMismatchError(what, length, "labels", labels.length);
  if (length === 0) throw new NoRowsError(metric);
}

/** Throws unless every label is 0 or 1; returns the number of ones. */
export function countPositives(labels: Labels): number {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label !== 0 && label !== 1) throw new BadLabelError(i, label);
    positives += label;
  }
  return positives;
}

/** Throws at the first NaN. Infinite scores are allowed: they have a rank. */
export function checkRankable(scores: Scores): void {
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw new BadScoreError("score", i, Number.NaN, "a number");
  }
}

/** Throws at the first logit that is not finite. */
export function checkLogits(logits: Scores): void {
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i])) throw new BadScoreError("logit", i, logits[i]!, "a finite number");
  }
}

/** Throws at the first number outside 0..1. */
export function checkProbabilities(probabilities: Scores): void {
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    if (!(p >= 0 && p <= 1)) throw new BadScoreError("probability", i, p, "a number from 0 to 1");
  }
}

/** Throws unless there is one whole number from 0 up for each row. */
export function checkUsers(users: ArrayLike<number>, rows: number): void {
  if (users.length !== rows) throw new LengthMismatchError("users", users.length, "labels", rows);
  for (let i = 0; i < users.length; i++) {
    const user = users[i]!;
    if (!Number.isSafeInteger(user) || user < 0) throw new BadUserError(i, user);
  }
}
