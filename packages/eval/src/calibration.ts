import { checkLengths, checkProbabilities, countPositives, type Labels, type Scores } from "./checks.ts";
import { BadOptionError } from "./errors.ts";
import { sortByClass, visitTies } from "./ties.ts";

export interface CalibrationBin {
  /** Smallest and largest predicted probability in the bin. */
  readonly low: number;
  readonly high: number;
  /** Rows in the bin. */
  readonly rows: number;
  /** Mean predicted probability. */
  readonly predicted: number;
  /** Share of clicks. */
  readonly observed: number;
}

export interface Calibration {
  /** Mean predicted probability over all rows. */
  readonly predicted: number;
  /** Share of clicks over all rows. */
  readonly observed: number;
  /** predicted / observed; 1 is calibrated, above 1 promises too many clicks; null where no row is a click. */
  readonly ratio: number | null;
  /** Expected calibration error: mean |predicted - observed| over bins, weighted by rows. */
  readonly ece: number;
  /** Bins from low to high probability; empty ones are left out. */
  readonly bins: readonly CalibrationBin[];
}

export interface CalibrationOptions {
  /** How many bins at most; 10 unless given. */
  readonly bins?: number;
  /**
   * "rows" (default) gives each bin about as many rows; "width" cuts 0..1 into equal parts. Click rates crowd near
   * zero, where bins of equal width would put nearly everything into the first one.
   */
  readonly by?: "rows" | "width";
}

/**
 * Whether predicted probabilities are right on average, as a whole and bin by bin. Rows of equal probability are
 * always in one bin, so the answer does not depend on the order of the rows.
 *
 * @throws LengthMismatchError, NoRowsError, BadScoreError (outside 0..1), BadLabelError, BadOptionError (bins)
 */
export function calibration(
  probabilities: Scores,
  labels: Labels,
  { bins = 10, by = "rows" }: CalibrationOptions = {},
): Calibration {
  if (!Number.isSafeInteger(bins) || bins < 1)
    throw new BadOptionError("bins", bins, "a whole number from 1 up");
  if (by !== "rows" && by !== "width") throw new BadOptionError("by", by, '"rows" or "width"');
  checkLengths("calibration", "probabilities", probabilities.length, labels);
  checkProbabilities(probabilities);
  const clicks = countPositives(labels);
  const total = labels.length;

  const table: CalibrationBin[] = [];
  let current = -1;
  let low = 0;
  let high = 0;
  let rows = 0;
  let sum = 0;
  let ones = 0;
  let before = 0;
  let sumOfAll = 0;
  const close = () => {
    if (rows > 0) table.push({ low, high, rows, predicted: sum / rows, observed: ones / rows });
  };
  visitTies(sortByClass(probabilities, labels, clicks), (p, clicksHere, nonClicksHere) => {
    const here = clicksHere + nonClicksHere;
    const place = by === "width" ? p : before / total;
    const bin = Math.min(Math.floor(place * bins), bins - 1);
    if (bin !== current) {
      close();
      current = bin;
      low = p;
      rows = sum = ones = 0;
    }
    high = p;
    rows += here;
    sum += p * here;
    ones += clicksHere;
    before += here;
    sumOfAll += p * here;
  });
  close();

  const predicted = sumOfAll / total;
  const observed = clicks / total;
  const ece = table.reduce((e, bin) => e + (bin.rows / total) * Math.abs(bin.predicted - bin.observed), 0);
  return { predicted, observed, ratio: observed > 0 ? predicted / observed : null, ece, bins: table };
}
