/** Utilities as the policy compares them: by field, and with a bonus for what is live. */
import { LIVE, type Tracked } from "@trimtab/embeddings";

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
  for (let i = 0; i < fields.length; i++) counts[fields[i]!]!++;
  const strides = Array.from(counts, (n) => Math.max(1, Math.ceil(n / FIELD_SAMPLE)));
  const samples = Array.from(counts, (n, f) => new Float32Array(Math.ceil(n / strides[f]!)));
  const largest = new Float64Array(fieldCount);
  // of each field the first, and then every one that comes `stride` later
  const left = new Uint32Array(fieldCount);
  const taken = new Uint32Array(fieldCount);
  for (let i = 0; i < utilities.length; i++) {
    const f = fields[i]!;
    const u = utilities[i]!;
    if (u > largest[f]!) largest[f] = u;
    if (left[f]! > 0) left[f]!--;
    else {
      samples[f]![taken[f]!++] = u;
      left[f] = strides[f]! - 1;
    }
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
  const bonus = Float64Array.of(1, 1 + hysteresis);
  for (let i = 0; i < scores.length; i++) {
    const f = fields[i]!;
    const score = (utilities[i]! / scales[f]!) * bonus[flags[i]! & LIVE]!;
    scores[i] = score;
    if (best[f]! < 0 || score > scores[best[f]!]!) best[f] = i;
  }
  for (const i of best) if (i >= 0) scores[i] = Number.POSITIVE_INFINITY;
  return scores;
}
