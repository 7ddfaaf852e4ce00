/** Utilities as the policy compares them: by field, and with a bonus for what is live. */

/** Every chunk that is live or a candidate, in columns of one length; the order is that of the store, the same for the same history. */
export interface Tracked {
  readonly utilities: Float32Array;
  /** LIVE and FIRST */
  readonly flags: Uint8Array;
  readonly fields: Uint16Array;
  /** 0 to K - 1 */
  readonly chunks: Uint16Array;
}

/** The chunk is live; else it is a candidate. */
export const LIVE = 1;
/** The chunk is the first of its row here; chunks of a row are next to each other. */
export const FIRST = 2;

/** The utilities of a field are divided by this percentile of them. */
const PERCENTILE = 0.95;
/** Utilities of a field that its percentile is estimated from. */
const FIELD_SAMPLE = 1024;

/**
 * For each field the value that its utilities are divided by: their 95th percentile (by a sample where there are many), the largest where
 * that is zero, 1 where all are.
 */
export function scalesOf({ utilities, fields }: Tracked, fieldCount: number): Float64Array {
  const counts = new Uint32Array(fieldCount);
  for (const f of fields) counts[f]!++;
  const strides = Array.from(counts, (n) => Math.max(1, Math.ceil(n / FIELD_SAMPLE)));
  const samples = Array.from(counts, (n, f) => new Float32Array(Math.ceil(n / strides[f]!)));
  const largest = new Float64Array(fieldCount);
  const seen = new Uint32Array(fieldCount);
  for (let i = 0; i < utilities.length; i++) {
    const f = fields[i]!;
    const u = utilities[i]!;
    if (u > largest[f]!) largest[f] = u;
    const n = seen[f]!++;
    if (n % strides[f]! === 0) samples[f]![n / strides[f]!] = u;
  }
  return Float64Array.from(samples, (sample, f) => {
    if (sample.length === 0) return 1;
    const value = sample.sort()[Math.ceil(PERCENTILE * sample.length) - 1]!;
    return value > 0 ? value : largest[f]! > 0 ? largest[f]! : 1;
  });
}

export interface ScoreOptions {
  /** Utilities are divided by this power of their field's scale: 0 as they are, 1 by the whole. */
  readonly normalise: number;
  /** Live chunks count for so much more. */
  readonly hysteresis: number;
  readonly fieldCount: number;
}

/** What chunks are compared by, in the place of their utilities. The best chunk of each field is above all others, so that every field keeps one. */
export function scoresOf(
  tracked: Tracked,
  { normalise, hysteresis, fieldCount }: ScoreOptions,
): Float32Array {
  const { utilities, flags, fields } = tracked;
  const scales =
    normalise === 0
      ? new Float64Array(fieldCount).fill(1)
      : scalesOf(tracked, fieldCount).map((scale) => scale ** normalise);
  // there may be very many: no second array
  const scores = utilities;
  const best = new Int32Array(fieldCount).fill(-1);
  for (let i = 0; i < scores.length; i++) {
    const f = fields[i]!;
    const score = (utilities[i]! / scales[f]!) * ((flags[i]! & LIVE) !== 0 ? 1 + hysteresis : 1);
    scores[i] = score;
    if (best[f]! < 0 || score > scores[best[f]!]!) best[f] = i;
  }
  for (const i of best) if (i >= 0) scores[i] = Number.POSITIVE_INFINITY;
  return scores;
}
