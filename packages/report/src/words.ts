/** Verdicts in words: what is told apart from what, and plainly where a searcher does not beat the baselines. */
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
import { signed } from "./across.ts";
import type { Judgement, Study } from "./model.ts";

/** The baselines of search-core. Whoever knows more of them (row pruning is search-fiited's) says so. */
export const coreBaselines: readonly string[] = [
  smallerDim,
  smallerDimProjected,
  dimsBySize,
  randomDims,
  hashedRows,
  magnitude,
].map(({ searcherName }) => searcherName);

/** The name of the uniform model in every row. */
export const BASE = "base";

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

type Told = Omit<Judgement, "headline">;

const listOf = (list: readonly Advantage[]) => list.map(({ other }) => other).join(", ");

function oneSeed({ better, level, worse }: Told): string {
  const beside = [...better, ...level, ...worse];
  return beside.length > 0 && beside.every(({ seeds }) => seeds.length === 1) ? " (one seed only)" : "";
}

/** "beats A; is not told apart from B; is worse than C". */
function partsOf({ better, level, worse }: Told): string {
  return [
    better.length > 0 ? `beats ${listOf(better)}` : "",
    level.length > 0 ? `is not told apart from ${listOf(level)}` : "",
    worse.length > 0 ? `is worse than ${listOf(worse)}` : "",
  ]
    .filter((part) => part !== "")
    .join("; ");
}

const whoOf = ({ method, budget }: Told) => (budget === null ? method : `${method} at ${budget}`);

function headlineOf(told: Told): string {
  const { verdict, better } = told;
  const [who, one] = [whoOf(told), oneSeed(told)];
  if (verdict === "no baseline") return `${who}: no baseline was run at this budget with the same seeds.`;
  if (verdict === "beats") {
    const all = better.length === 1 ? "the one baseline there is" : `all ${better.length} baselines`;
    return `${who} beats ${all}: ${listOf(better)}${one}.`;
  }
  return `${who} does not beat the baselines${one}: it ${partsOf(told)}.`;
}

/** The headline beside a mark that says the verdict already. */
export function underMark(told: Judgement): string {
  return told.verdict === "no baseline"
    ? `${whoOf(told)}.`
    : `${whoOf(told)} ${partsOf(told)}${oneSeed(told)}.`;
}

/** One pair in one sentence, with the difference and its noise. */
export function sentence({ method, budget, other, mean, noise, seeds, verdict }: Advantage): string {
  const who = budget === null ? method : `${method} at ${budget}`;
  const gain = `${signed(mean)} test AUC`;
  const word = { better: "beats", worse: "is worse than", "within noise": "is not told apart from" }[verdict];
  const whom = other === BASE ? "the uniform base model" : other;
  const beside =
    seeds.length === 1
      ? `one seed only, so training noise is unknown; the test rows alone give ±${noise.toFixed(4)}`
      : `95% interval ±${noise.toFixed(4)} over ${seeds.length} seeds`;
  return `${who} ${word} ${whom}: ${gain} (${beside})`;
}

/** Every searcher of the rows in words: first a line for each budget, then, where there are several methods, each pair. */
export function verdictLines(
  rows: readonly ResultRow[],
  baselines: readonly string[] = coreBaselines,
): { readonly headlines: string[]; readonly pairs: string[] } {
  return {
    headlines: judge(rows, baselines).map(({ headline }) => headline),
    pairs: searchersIn(rows, baselines).flatMap((method) => advantages(rows, method).map(sentence)),
  };
}

/** A line for all budgets of a method that lack the same seeds. */
export function unfinishedTogether({ unfinished }: Pick<Study, "unfinished">) {
  const all = new Map<string, { method: string; budgets: string[]; seeds: readonly number[] }>();
  for (const { method, budget, seeds } of unfinished) {
    const key = JSON.stringify([method, seeds]);
    const line = all.get(key) ?? { method, budgets: [], seeds };
    if (budget !== null) line.budgets.push(budget);
    all.set(key, line);
  }
  return [...all.values()];
}
