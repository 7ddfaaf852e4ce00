/** The largest of many scores: a threshold from a sampled quantile, then exactly as many as are wanted. */

/** Steps through a list so that about `most` of its entries are seen. */
function strideFor(length: number, most: number): number {
  return Math.max(1, Math.ceil(length / most));
}

/**
 * Estimates from about `sample` of the scores the value that a share `above` of them is larger than. Every s-th score is looked at, so the
 * error in rank is that of a sample of that size.
 */
export function sampledQuantile(scores: Float32Array, above: number, sample: number): number {
  const taken = sampleOf(scores, sample);
  return atRank(taken, Math.round(above * taken.length));
}

/** A sorted sample, largest first is last. */
function sampleOf(scores: Float32Array, sample: number): Float32Array {
  const stride = strideFor(scores.length, sample);
  const taken = new Float32Array(Math.ceil(scores.length / stride));
  for (let i = 0; i < taken.length; i++) taken[i] = scores[i * stride]!;
  return taken.sort();
}

/** The value that `rank` entries of a sorted list are above; infinite beyond its ends. */
function atRank(sorted: Float32Array, rank: number): number {
  if (rank >= sorted.length) return Number.NEGATIVE_INFINITY;
  if (rank < 0) return Number.POSITIVE_INFINITY;
  return sorted[sorted.length - 1 - rank]!;
}

export interface Cutoff {
  /** Scores above it are taken, */
  readonly above: number;
  /** and the first so many of those equal to it. */
  readonly ties: number;
}

/** Standard deviations of the sample's rank between which the wanted one surely is; where it is not, everything is sorted. */
const SURE = 4;

/** Where to cut so that exactly `count` scores are taken: the largest, in their order where equal. No score is NaN. */
export function cutoff(scores: Float32Array, count: number, sample: number): Cutoff {
  const n = scores.length;
  if (count >= n) return { above: Number.NEGATIVE_INFINITY, ties: n };
  if (count <= 0) return { above: Number.POSITIVE_INFINITY, ties: 0 };
  // only what is between two sampled quantiles has to be sorted
  const sorted = sampleOf(scores, sample);
  const share = count / n;
  const spread = SURE * Math.sqrt(share * (1 - share) * sorted.length) + 1;
  const high = atRank(sorted, Math.floor(share * sorted.length - spread));
  const low = atRank(sorted, Math.ceil(share * sorted.length + spread));
  return (
    between(scores, count, low, high) ??
    between(scores, count, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)!
  );
}

// The loops below count comparisons instead of branching on them: scores are in no order, so that a processor would guess wrong often.

/** The cut, if it is within [low, high]. */
function between(scores: Float32Array, count: number, low: number, high: number): Cutoff | undefined {
  let above = 0;
  let atLeast = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    above += Number(score > high);
    atLeast += Number(score >= low);
  }
  const inside = atLeast - above;
  const wanted = count - above;
  if (wanted <= 0 || wanted > inside) return undefined;
  // every score is written, at the end of those that stay
  const written = new Float32Array(inside + 1);
  let at = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    written[at] = score;
    at += Number(score >= low) & Number(score <= high);
  }
  const near = written.subarray(0, inside).sort();
  const value = near[inside - wanted]!;
  let larger = 0;
  for (let i = inside - 1; i >= 0 && near[i]! > value; i--) larger++;
  return { above: value, ties: wanted - larger };
}

/** Marks what a cut takes with 1, the others with 0. Returns how many. */
export function take(scores: Float32Array, { above, ties }: Cutoff, into: Uint8Array): number {
  let left = ties;
  let n = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    let mark = Number(score > above);
    if (score === above && left > 0) {
      left--;
      mark = 1;
    }
    into[i] = mark;
    n += mark;
  }
  return n;
}
