/** Who is a searcher and who a baseline, and each searcher beside the baselines. */
import type { ResultRow } from "@trimtab/eval";
import {
  type Advantage,
  advantages,
  dimsBySize,
  hashedRows,
  magnitude,
  ownName,
  randomDims,
  smallerDim,
  smallerDimProjected,
} from "@trimtab/search-core";
import { BASE, type Judgement } from "./model.ts";
import { headlineOf, ofOneSeed, sentence } from "./words.ts";

/** The baselines of search-core. Whoever knows more of them (row pruning is search-fiited's) says so. */
export const coreBaselines: readonly string[] = [
  smallerDim,
  smallerDimProjected,
  dimsBySize,
  randomDims,
  hashedRows,
  magnitude,
].map(({ searcherName }) => searcherName);

/** Names of the baselines in the rows, labels of baselines among them, in order of appearance. */
export function baselinesIn(rows: readonly ResultRow[], baselines: readonly string[]): string[] {
  const hits = rows.filter(({ method, config }) => baselines.includes(ownName(method, config.search)));
  return [...new Set(hits.map(({ method }) => method))];
}

/** Names of the methods in the rows that are neither baselines nor the base model, in order of appearance. */
export function searchersIn(rows: readonly ResultRow[], baselines: readonly string[]): string[] {
  const others = [BASE, ...baselinesIn(rows, baselines)];
  return [...new Set(rows.map(({ method }) => method))].filter((name) => !others.includes(name));
}

/** Each searcher at each budget beside every baseline that was run at it. */
export function judge(rows: readonly ResultRow[], baselines: readonly string[] = coreBaselines): Judgement[] {
  const there = baselinesIn(rows, baselines);
  return searchersIn(rows, baselines).flatMap((method) => {
    const all = advantages(rows, method);
    const budgets = [...new Set(rows.filter((r) => r.method === method).map((r) => r.budget))];
    return budgets.map((budget) => judgement(method, budget, all, there));
  });
}

function judgement(
  method: string,
  budget: string | null,
  all: readonly Advantage[],
  baselines: readonly string[],
): Judgement {
  const mine = all.filter((a) => a.budget === budget);
  const beside = mine.filter(({ other }) => baselines.includes(other));
  const having = (verdict: Advantage["verdict"]) => beside.filter((a) => a.verdict === verdict);
  const [better, level, worse] = [having("better"), having("within noise"), having("worse")];
  const verdict =
    beside.length === 0 ? "no baseline" : better.length === beside.length ? "beats" : "does not beat";
  const base = mine.find(({ other }) => other === BASE) ?? null;
  const told = { method, budget, verdict, better, level, worse, base } as const;
  return { ...told, headline: headlineOf(told) };
}

/** Every searcher of the rows in words: a line for each budget, and each pair of methods with its numbers. */
export function verdictLines(
  rows: readonly ResultRow[],
  baselines: readonly string[] = coreBaselines,
): {
  readonly headlines: string[];
  readonly pairs: string[];
  /** Whether some pair has one seed alone: then `ONE_SEED` is to be said. */
  readonly oneSeed: boolean;
} {
  const all = searchersIn(rows, baselines).flatMap((method) => advantages(rows, method));
  return {
    headlines: judge(rows, baselines).map(({ headline }) => headline),
    pairs: all.map(sentence),
    oneSeed: all.some(ofOneSeed),
  };
}
