import { BadOptionError, NoRowsError } from "./errors.ts";

export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation (n - 1); null for one value, which says nothing about spread. */
  readonly sd: number | null;
  readonly min: number;
  readonly max: number;
}

/**
 * Mean, spread and range of a few values: one a seed.
 *
 * @throws NoRowsError without values, BadOptionError at a value that is not finite
 */
export function summarize(values: ArrayLike<number>): Summary {
  const n = values.length;
  if (n === 0) throw new NoRowsError("summarize");
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) throw new BadOptionError(`value ${i}`, value, "a finite number");
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = Math.min(max, Math.max(min, sum / n)); // rounding must not push the mean out of the range
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - mean) ** 2;
  return { n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null, min, max };
}

/** "0.8123 ± 0.0011", or the mean alone where there is one value. For metrics, whose digits are fixed: a spread of 0.0000 was measured. */
export function formatSummary(summary: Summary, format: (value: number) => string): string {
  return summary.sd === null ? format(summary.mean) : `${format(summary.mean)} ± ${format(summary.sd)}`;
}

/**
 * Of counts, bytes, ratios and seconds, whose units and digits follow their size: "1.10 MiB ± 0.18 MiB", "2m 37s ± 31s". The spread is in
 * the unit and with the digits of the mean, and is left out where these cannot show it ("5.00x", not "5.00x ± 2.56e-4x").
 *
 * @param format writes a number in the unit and with the digits of another: `formatBytes` and its like
 */
export function formatAmount(
  { mean, sd }: Summary,
  format: (value: number, like?: number) => string,
): string {
  const shown = format(sd ?? 0, mean);
  return shown === format(0, mean) ? format(mean) : `${format(mean)} ± ${shown}`;
}
