import {
  checkLengths,
  checkRankable,
  checkUsers,
  countPositives,
  type Labels,
  type Scores,
} from "./checks.ts";
import { NoMixedUserError } from "./errors.ts";
import { aucOfSorted } from "./ties.ts";

export interface PerUserAuc {
  /** Mean of the users' AUCs, each weighted by its number of rows (impressions): gAUC. */
  readonly auc: number;
  /** Mean of the users' AUCs, each user counted once. */
  readonly meanAuc: number;
  /** Distinct users in the rows. */
  readonly users: number;
  /** Users with both a click and a non-click: the ones the means are over. */
  readonly usersCounted: number;
  /** Rows of those users. */
  readonly rowsCounted: number;
}

/**
 * AUC inside each user's rows, averaged. It asks whether the model ranks one user's items well, and a model that only
 * knows which users click a lot gains nothing by it. Users whose labels are all equal have no AUC and are left out,
 * which is why the number counted is reported.
 *
 * @param users one a row, whole numbers from 0 up (the ids of the user field)
 * @throws what `auc` throws, BadUserError, and NoMixedUserError where no user has both labels
 */
export function perUserAuc(scores: Scores, labels: Labels, users: ArrayLike<number>): PerUserAuc {
  checkLengths("perUserAuc", "scores", scores.length, labels);
  checkRankable(scores);
  countPositives(labels);
  checkUsers(users, labels.length);
  const rows = labels.length;

  // Users become 0, 1, 2, ... in order of appearance, so that memory follows the rows and not the largest id.
  const numbers = new Map<number, number>();
  const userOfRow = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) {
    let number = numbers.get(users[i]!);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(users[i]!, number);
    }
    userOfRow[i] = number;
  }
  const count = numbers.size;

  // A counting sort by (user, label): the scores of user u's non-clicks, then of u's clicks, lie side by side.
  const start = new Uint32Array(2 * count + 1);
  for (let i = 0; i < rows; i++) start[2 * userOfRow[i]! + labels[i]! + 1]!++;
  for (let k = 0; k < 2 * count; k++) start[k + 1]! += start[k]!;
  const next = start.slice();
  const grouped = scores instanceof Float32Array ? new Float32Array(rows) : new Float64Array(rows);
  for (let i = 0; i < rows; i++) grouped[next[2 * userOfRow[i]! + labels[i]!]!++] = scores[i]!;

  let weighted = 0;
  let plain = 0;
  let usersCounted = 0;
  let rowsCounted = 0;
  for (let u = 0; u < count; u++) {
    const from = start[2 * u]!;
    const middle = start[2 * u + 1]!;
    const to = start[2 * u + 2]!;
    if (from === middle || middle === to) continue;
    const value = aucOfSorted({
      negatives: grouped.subarray(from, middle).sort(),
      positives: grouped.subarray(middle, to).sort(),
    });
    weighted += value * (to - from);
    plain += value;
    usersCounted++;
    rowsCounted += to - from;
  }
  if (usersCounted === 0) throw new NoMixedUserError(count);
  return {
    auc: weighted / rowsCounted,
    meanAuc: plain / usersCounted,
    users: count,
    usersCounted,
    rowsCounted,
  };
}
