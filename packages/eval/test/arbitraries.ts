// Random columns for the laws of this package, with many ties and every awkward size.
import fc from "fast-check";

/** Runs of a law are repeatable in CI, and everywhere the failing seed is printed by fast-check. */
export const settings = { numRuns: 300, ...(process.env.CI === "true" ? { seed: 20260101 } : {}) };

/** Scores drawn from a few values (ties) or from all finite doubles, beside labels with both classes. */
export const scoredRows = fc
  .array(
    fc.record({
      score: fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
        fc.constantFrom(-0, 0, 1e-300, -1e-300),
      ),
      label: fc.integer({ min: 0, max: 1 }),
      user: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(7, 2 ** 40)),
    }),
    { minLength: 2, maxLength: 60 },
  )
  .filter((rows) => rows.some((r) => r.label === 1) && rows.some((r) => r.label === 0))
  .map((rows) => ({
    scores: Float64Array.from(rows, (r) => r.score),
    labels: rows.map((r) => r.label),
    users: rows.map((r) => r.user),
  }));

/** AUC by its definition: every pair of a click and a non-click, a tie counts one half. Null with one class only. */
export function aucByPairs(scores: ArrayLike<number>, labels: ArrayLike<number>): number | null {
  let won = 0;
  let pairs = 0;
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      if (scores[i]! > scores[j]!) won += 1;
      else if (scores[i] === scores[j]) won += 0.5;
    }
  }
  return pairs === 0 ? null : won / pairs;
}
