import { auc } from "./auc.ts";
import { calibration } from "./calibration.ts";
import type { Labels, Scores } from "./checks.ts";
import { NoMixedUserError } from "./errors.ts";
import { logloss, probabilitiesOf } from "./logloss.ts";
import type { Metrics } from "./metrics.ts";
import { perUserAuc } from "./per-user-auc.ts";

export interface EvaluateInput {
  /** One logit a row, finite. */
  readonly logits: Scores;
  /** One label a row, 0 or 1. */
  readonly labels: Labels;
  /** One user id a row; give it to get per-user AUC. */
  readonly users?: ArrayLike<number>;
}

/**
 * All metrics of one split from its logits, in float64. `perUser` is null where no users were given, or where no user
 * has both a click and a non-click.
 *
 * @throws what `auc` and `logloss` throw
 */
export function evaluate({ logits, labels, users }: EvaluateInput): Metrics {
  const loss = logloss(logits, labels); // first: it also refuses infinite logits, which AUC would rank
  const { predicted, observed, ratio, ece } = calibration(probabilitiesOf(logits), labels);
  return {
    rows: labels.length,
    auc: auc(logits, labels),
    logloss: loss,
    calibration: { predicted, observed, ratio, ece },
    perUser: users === undefined ? null : perUserOrNull(logits, labels, users),
  };
}

function perUserOrNull(logits: Scores, labels: Labels, users: ArrayLike<number>): Metrics["perUser"] {
  try {
    return perUserAuc(logits, labels, users);
  } catch (error) {
    if (error instanceof NoMixedUserError) return null;
    throw error;
  }
}
