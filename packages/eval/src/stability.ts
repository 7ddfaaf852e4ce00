// How much two runs of a searcher agree: the dims that each gave to the same fields, compared.
import { BadOptionError, LengthMismatchError, NoRowsError } from "./errors.ts";

/** Dims found by one run, one a field, in the order of the fields. */
export type Dims = ArrayLike<number>;

/**
 * Spearman's rank correlation, ties given their mean rank (Pearson's correlation of the ranks).
 *
 * @returns -1..1, or null where one side is constant and has no ranks to compare
 * @throws LengthMismatchError, NoRowsError, BadOptionError (NaN)
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  checkPair("rankCorrelation", a, b);
  return pearson(ranks(a), ranks(b));
}

/**
 * Share of fields to which both runs gave the same dim: 0..1.
 *
 * @throws LengthMismatchError, NoRowsError, BadOptionError (a dim that is not a number from 0 up)
 */
export function dimAgreement(a: Dims, b: Dims): number {
  checkDims("dimAgreement", a, b);
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return equal / a.length;
}

/**
 * Mean over fields of |log2(dim in one run / dim in the other)|: 0 is the same, 1 means off by a factor of two on
 * average. Ours: dim 0 counts as one half, one halving below dim 1, so that a dropped field has a finite distance.
 *
 * @throws LengthMismatchError, NoRowsError, BadOptionError (a dim that is not a number from 0 up)
 */
export function meanAbsLog2Ratio(a: Dims, b: Dims): number {
  checkDims("meanAbsLog2Ratio", a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(Math.log2((a[i]! || 0.5) / (b[i]! || 0.5)));
  return sum / a.length;
}

export interface Stability {
  readonly runs: number;
  readonly fields: number;
  /** Mean of `dimAgreement` over all pairs of runs. */
  readonly agreement: number;
  /** Mean of `meanAbsLog2Ratio` over all pairs of runs. */
  readonly meanAbsLog2Ratio: number;
  /** Mean of `rankCorrelation` over the pairs that have one; null where none has. */
  readonly rankCorrelation: number | null;
}

/**
 * Stability of a searcher: every pair of runs (seeds) compared, and averaged. At least 5 runs say something.
 *
 * @throws BadOptionError with fewer than two runs, and what the pair measures throw
 */
export function stability(runs: readonly Dims[]): Stability {
  if (runs.length < 2) throw new BadOptionError("number of runs", runs.length, "at least 2 to compare");
  let pairs = 0;
  let agreement = 0;
  let ratio = 0;
  let ranked = 0;
  let correlation = 0;
  for (let i = 0; i < runs.length; i++) {
    for (let j = i + 1; j < runs.length; j++) {
      const a = runs[i]!;
      const b = runs[j]!;
      agreement += dimAgreement(a, b);
      ratio += meanAbsLog2Ratio(a, b);
      const r = rankCorrelation(a, b);
      if (r !== null) {
        correlation += r;
        ranked++;
      }
      pairs++;
    }
  }
  return {
    runs: runs.length,
    fields: runs[0]!.length,
    agreement: agreement / pairs,
    meanAbsLog2Ratio: ratio / pairs,
    rankCorrelation: ranked > 0 ? correlation / ranked : null,
  };
}

/** Ranks from 1; equal values share the mean of their ranks. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) result[order[k]!] = (from + 1 + to) / 2;
    from = to;
  }
  return result;
}

function pearson(x: Float64Array, y: Float64Array): number | null {
  const mean = (x.length + 1) / 2; // of ranks, with or without ties
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i]! - mean;
    const dy = y[i]! - mean;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : null;
}

function checkPair(metric: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw new LengthMismatchError("values", a.length, "others", b.length);
  if (a.length === 0) throw new NoRowsError(metric);
  for (const side of [a, b]) {
    for (let i = 0; i < side.length; i++) {
      if (Number.isNaN(side[i])) throw new BadOptionError(`value ${i} of ${metric}`, side[i], "a number");
    }
  }
}

function checkDims(metric: string, a: Dims, b: Dims): void {
  checkPair(metric, a, b);
  for (const side of [a, b]) {
    for (let i = 0; i < side.length; i++) {
      const dim = side[i]!;
      if (!(dim >= 0 && Number.isFinite(dim)))
        throw new BadOptionError(`dim of field ${i}`, dim, "a number from 0 up");
    }
  }
}
