/** Does a method beat another outside the noise? Differences of test AUC at equal budget, seed by seed. */
import type { Metrics, ResultRow } from "@trimtab/eval";

export interface Advantage {
  readonly method: string;
  readonly other: string;
  /** The budget both were given; null where `other` is the base model, which has none. */
  readonly budget: string | null;
  /** Mean of (AUC of method - AUC of other) over the seeds that both have. */
  readonly mean: number;
  readonly seeds: readonly number[];
  /**
   * Half the width of the 95% interval of the mean. Over several seeds: Student's t. With one seed nothing is known of
   * training noise; then it is twice the sampling error of one AUC on this many test rows (Hanley and McNeil 1982).
   */
  readonly noise: number;
  readonly verdict: "better" | "worse" | "within noise";
}

/** Two-sided 95% quantiles of Student's t for 1, 2, ... degrees of freedom. */
const T95 = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1,
  2.09, 2.09,
];

/** Beyond the table within 0.002: the first terms of its expansion about the normal quantile. */
export function t95(freedom: number): number {
  return T95[freedom - 1] ?? 1.96 + 2.37 / freedom + 2.82 / freedom ** 2;
}

/** `method` beside every other method of the rows, for each budget, and beside the base model. */
export function advantages(rows: readonly ResultRow[], method: string): Advantage[] {
  const budgets = [...new Set(rows.filter((r) => r.method === method).map((r) => r.budget))];
  const others = [...new Set(rows.map((r) => r.method))].filter((name) => name !== method);
  return budgets.flatMap((budget) =>
    others.flatMap((other) => {
      const theirs = rows.filter((r) => r.method === other && (r.budget === budget || r.budget === null));
      const pairs = rows
        .filter((r) => r.method === method && r.budget === budget)
        .flatMap((mine) => {
          const twin = theirs.find((r) => r.seeds.run === mine.seeds.run);
          return twin?.metrics.test && mine.metrics.test
            ? [{ seed: mine.seeds.run!, mine: mine.metrics.test, twin: twin.metrics.test }]
            : [];
        });
      return pairs.length === 0 ? [] : [advantage(method, other, budget, pairs)];
    }),
  );
}

function advantage(
  method: string,
  other: string,
  budget: string | null,
  pairs: readonly { readonly seed: number; readonly mine: Metrics; readonly twin: Metrics }[],
): Advantage {
  const gains = pairs.map(({ mine, twin }) => mine.auc - twin.auc);
  const n = gains.length;
  const mean = gains.reduce((a, b) => a + b, 0) / n;
  const noise =
    n === 1
      ? 2 * aucError(pairs[0]!.mine)
      : t95(n - 1) * Math.sqrt(gains.reduce((s, g) => s + (g - mean) ** 2, 0) / (n - 1) / n);
  const verdict = Math.abs(mean) <= noise ? "within noise" : mean > 0 ? "better" : "worse";
  return { method, other, budget, mean, seeds: pairs.map((p) => p.seed), noise, verdict };
}

/** Standard error of an AUC from the number of rows alone (Hanley and McNeil 1982). */
export function aucError({ auc, rows, calibration }: Pick<Metrics, "auc" | "rows" | "calibration">): number {
  const ones = Math.max(1, Math.round(calibration.observed * rows));
  const zeros = Math.max(1, rows - ones);
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  const variance = auc * (1 - auc) + (ones - 1) * (q1 - auc * auc) + (zeros - 1) * (q2 - auc * auc);
  return Math.sqrt(Math.max(0, variance) / (ones * zeros));
}
