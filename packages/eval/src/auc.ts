import { checkLengths, checkRankable, countPositives, type Labels, type Scores } from "./checks.ts";
import { OneClassError } from "./errors.ts";
import { aucOfSorted, sortByClass } from "./ties.ts";

/**
 * The area under the ROC curve over all rows at once: the chance that a random click scores above a random
 * non-click, ties counted one half. Exact, O(n log n); never a mean of batch AUCs, which is another number.
 *
 * Give logits rather than probabilities: a float32 sigmoid saturates and makes ties that the model did not.
 *
 * @param scores one a row; any increasing function of the probability; infinite is allowed, NaN is not
 * @param labels one a row, 0 or 1
 * @returns 0..1; 0.5 is chance
 * @throws LengthMismatchError, NoRowsError, BadScoreError and BadLabelError (with the row), OneClassError
 */
export function auc(scores: Scores, labels: Labels): number {
  checkLengths("auc", "scores", scores.length, labels);
  checkRankable(scores);
  const positives = countPositives(labels);
  if (positives === 0) throw new OneClassError(0, labels.length);
  if (positives === labels.length) throw new OneClassError(1, labels.length);
  return aucOfSorted(sortByClass(scores, labels, positives));
}
