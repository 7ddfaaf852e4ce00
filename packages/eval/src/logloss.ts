import {
  checkLengths,
  checkLogits,
  checkProbabilities,
  countPositives,
  type Labels,
  type Scores,
} from "./checks.ts";
import { BadOptionError } from "./errors.ts";

/**
 * Mean binary cross-entropy in nats, from **logits** x: `max(x,0) - x*y + log1p(exp(-|x|))`, which neither overflows
 * nor loses the small losses of confident rows. Summed in float64.
 *
 * @throws LengthMismatchError, NoRowsError, BadScoreError (a logit that is not finite), BadLabelError
 */
export function logloss(logits: Scores, labels: Labels): number {
  checkLengths("logloss", "logits", logits.length, labels);
  checkLogits(logits);
  countPositives(labels);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    sum += Math.max(x, 0) - x * labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
  }
  return sum / logits.length;
}

/**
 * Mean binary cross-entropy in nats, from **probabilities** of a click, for models that hand out nothing else.
 * Probabilities are first clipped to `epsilon .. 1 - epsilon`, because a saturated 0 or 1 that is wrong would make
 * the mean infinite: prefer `logloss` where logits exist.
 *
 * @throws LengthMismatchError, NoRowsError, BadScoreError (outside 0..1), BadLabelError, BadOptionError (epsilon)
 */
export function loglossOfProbabilities(probabilities: Scores, labels: Labels, epsilon = 1e-15): number {
  if (!(epsilon >= 0 && epsilon < 0.5))
    throw new BadOptionError("epsilon", epsilon, "a number from 0 to below 0.5");
  checkLengths("loglossOfProbabilities", "probabilities", probabilities.length, labels);
  checkProbabilities(probabilities);
  countPositives(labels);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = Math.min(Math.max(probabilities[i]!, epsilon), 1 - epsilon);
    // log1p(-p) keeps the digits that 1 - p throws away when p is small, as click rates are.
    sum -= labels[i] === 1 ? Math.log(p) : Math.log1p(-p);
  }
  return sum / probabilities.length;
}

/** The click probability of each logit, 1 / (1 + exp(-x)), in float64 and without overflow. */
export function probabilitiesOf(logits: Scores): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    const e = Math.exp(-Math.abs(x));
    probabilities[i] = x >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  return probabilities;
}
