/** Rows as a reader looks for them: what is trained in parallel ends in any order. */
import type { ResultRow } from "@trimtab/eval";

/**
 * The base model first, then methods in order of appearance; of each the budgets from the largest down, by the most bytes that a row uses under
 * them, and the seeds from the lowest up.
 */
export function inOrder<T>(members: readonly T[], rowOf: (member: T) => ResultRow): T[] {
  const rows = members.map(rowOf);
  const methods = [...new Set(rows.map(({ method }) => method))];
  const most = new Map<string | null, number>();
  for (const { budget, bytes } of rows) most.set(budget, Math.max(most.get(budget) ?? 0, bytes.serve));
  const budgets = [...most].sort(([, a], [, b]) => b - a).map(([budget]) => budget);
  const place = ({ method, budget, seeds }: ResultRow) => [
    budget === null ? 0 : 1,
    methods.indexOf(method),
    budgets.indexOf(budget),
    seeds.run ?? 0,
  ];
  return members
    .map((member, i) => ({ member, at: place(rows[i]!) }))
    .sort((a, b) => a.at.map((value, i) => value - b.at[i]!).find((difference) => difference !== 0) ?? 0)
    .map(({ member }) => member);
}
