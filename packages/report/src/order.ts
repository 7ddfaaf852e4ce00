/** Methods and rows as a reader looks for them: what is trained in parallel ends in any order. */
import type { ResultRow } from "@trimtab/eval";
import { baselinesIn } from "./judge.ts";
import { BASE, type MethodInfo } from "./model.ts";

const KINDS = ["base", "searcher", "baseline"] as const;

/**
 * The methods of the rows: the base model, then searchers, then baselines; of each kind those that `asked` names in its order, then the others in
 * order of appearance.
 */
export function methodsIn(
  rows: readonly ResultRow[],
  baselines: readonly string[],
  asked: readonly string[] = [],
): MethodInfo[] {
  const there = new Set(rows.map(({ method }) => method));
  const beside = baselinesIn(rows, baselines);
  const kindOf = (name: string) => (name === BASE ? "base" : beside.includes(name) ? "baseline" : "searcher");
  return [...new Set([...asked, ...there])]
    .filter((name) => there.has(name))
    .map((name): MethodInfo => ({ name, kind: kindOf(name) }))
    .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

/**
 * The base model first, then the methods that `order` names as there, then others in order of appearance; of each the budgets from the largest
 * down, by the most bytes that a row uses under them, and the seeds from the lowest up.
 */
export function inOrder<T>(
  members: readonly T[],
  rowOf: (member: T) => ResultRow,
  order: readonly string[] = [],
): T[] {
  const rows = members.map(rowOf);
  const methods = [...new Set([...order, ...rows.map(({ method }) => method)])];
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
