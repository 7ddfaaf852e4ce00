/** Several studies side by side: at each budget, which methods are best, not told apart from the best, or behind. */
import { type ResultRow, type Summary, summarize } from "@trimtab/eval";
import { advantages, parseBudget } from "@trimtab/search-core";
import type { Across, Contest, ContestEntry, Study, Tally } from "./model.ts";

type Part = Pick<Study, "id" | "rows" | "budgets">;

/** The contests of every study, and what they add up to. */
export function acrossOf(studies: readonly Part[]): Across {
  const contests = studies.flatMap((study) =>
    study.budgets.flatMap((budget) => contestOf(study, budget) ?? []),
  );
  const budgets = [...new Set(contests.map(({ budget }) => budget))].sort(bySize);
  const methods = [...new Set(contests.flatMap(({ entries }) => entries.map(({ method }) => method)))];
  const tallies = budgets.flatMap((budget) =>
    methods.flatMap((method) => tallyOf(method, budget, contests) ?? []).sort(byRank),
  );
  return { budgets, methods: methods.sort(overall(tallies)), contests, tallies };
}

/** A rank in few studies is no match for one in many; then the lower mean rank is the better, then the smaller distance. */
function byRank(a: Tally, b: Tally): number {
  return b.studies - a.studies || a.rank - b.rank || b.gap - a.gap;
}

function overall(tallies: readonly Tally[]): (a: string, b: string) => number {
  const sum = (method: string, value: (tally: Tally) => number) =>
    tallies.filter((tally) => tally.method === method).reduce((n, tally) => n + value(tally), 0);
  const studies = (method: string) => sum(method, (tally) => tally.studies);
  const rank = (method: string) => sum(method, (tally) => tally.rank * tally.studies) / studies(method);
  return (a, b) => studies(b) - studies(a) || rank(a) - rank(b);
}

/** Over seeds that all its methods have: a half done one would be judged by other seeds. Undefined without two methods. */
function contestOf({ id, rows }: Part, budget: string): Contest | undefined {
  const tested = rows.filter((row) => row.metrics.test !== null && row.seeds.run !== undefined);
  const mine = tested.filter((row) => row.budget === budget);
  const { seeds, methods: whole } = commonSeeds(mine);
  if (whole.length < 2) return undefined;
  const pick = (from: readonly ResultRow[], method: string) =>
    from.filter((row) => row.method === method && seeds.includes(row.seeds.run!));
  const auc = (of: readonly ResultRow[]) => summarize(of.map((row) => row.metrics.test!.auc));
  const base = pick(tested, "base");
  const uniform = base.length === seeds.length ? auc(base).mean : null;
  const sums = whole
    .map((method) => ({ method, auc: auc(pick(mine, method)) }))
    .sort((a, b) => b.auc.mean - a.auc.mean);
  const first = sums[0]!;
  const behind = new Set(
    advantages(
      mine.filter((row) => seeds.includes(row.seeds.run!)),
      first.method,
    ).flatMap(({ other, verdict }) => (verdict === "better" ? [other] : [])),
  );
  const entries = sums.map(({ method, auc }): ContestEntry => {
    const above = sums.filter((other) => other.auc.mean > auc.mean).length;
    return {
      method,
      auc,
      rank: 1 + above,
      place: above === 0 ? "best" : behind.has(method) ? "behind" : "level",
      gap: auc.mean - first.auc.mean,
      besideBase: uniform === null ? null : auc.mean - uniform,
    };
  });
  return { study: id, budget, seeds, entries };
}

/** The seeds of some method, and the methods that have them all: of such pairs the one with the most trainings. */
function commonSeeds(rows: readonly ResultRow[]): { readonly seeds: number[]; readonly methods: string[] } {
  const seedsOf = new Map<string, Set<number>>();
  for (const { method, seeds } of rows) {
    seedsOf.set(method, (seedsOf.get(method) ?? new Set()).add(seeds.run!));
  }
  let best = { seeds: [] as number[], methods: [] as string[] };
  for (const seeds of seedsOf.values()) {
    const methods = [...seedsOf].flatMap(([name, theirs]) => (seeds.isSubsetOf(theirs) ? [name] : []));
    if (methods.length < 2 || methods.length * seeds.size <= best.methods.length * best.seeds.length)
      continue;
    best = { seeds: [...seeds].sort((a, b) => a - b), methods };
  }
  return best;
}

function tallyOf(method: string, budget: string, contests: readonly Contest[]): Tally | undefined {
  const fought = contests.filter((contest) => contest.budget === budget);
  const mine = fought.flatMap(({ entries }) => entries.filter((entry) => entry.method === method));
  if (mine.length === 0) return undefined;
  const places = (place: ContestEntry["place"]) => mine.filter((entry) => entry.place === place).length;
  const mean = (values: readonly number[]): Summary["mean"] => summarize(values).mean;
  const rivals = fought.filter(({ entries }) => entries.some((entry) => entry.method === method));
  const beside = mine.flatMap(({ besideBase }) => (besideBase === null ? [] : [besideBase]));
  return {
    method,
    budget,
    studies: mine.length,
    best: places("best"),
    level: places("level"),
    behind: places("behind"),
    rank: mean(mine.map(({ rank }) => rank)),
    of: mean(rivals.map(({ entries }) => entries.length)),
    gap: mean(mine.map(({ gap }) => gap)),
    besideBase: beside.length === 0 ? null : mean(beside),
  };
}

const UNITS = ["share", "parameter share", "slot share", "bytes", "parameters", "slots"];

/** Units together, the largest budget first. */
function bySize(a: string, b: string): number {
  const [x, y] = [parseBudget(a), parseBudget(b)];
  return UNITS.indexOf(x.unit) - UNITS.indexOf(y.unit) || y.value - x.value;
}

/** A difference of AUC. */
export const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(4)}`;

/** How many methods a sentence names. */
const NAMED = 3;

/** A sentence for each budget: which methods of those that ran in the most studies have the lowest mean ranks. */
export function acrossLines({ budgets, tallies, contests }: Across): string[] {
  return budgets.map((budget) => {
    const n = contests.filter((contest) => contest.budget === budget).length;
    const first = tallies.filter((tally) => tally.budget === budget).slice(0, NAMED);
    const names = first.map((tally) => {
      const of = tally.studies < n ? ` in ${tally.studies} of them` : "";
      return `${tally.method} ${tally.rank.toFixed(1)}${of} (${placesOf(tally)})`;
    });
    return `At ${budget}, ${n} ${n === 1 ? "study" : "studies"}: the lowest mean ranks have ${names.join(", ")}.`;
  });
}

/** "2 best, 1 behind". */
export function placesOf({ best, level, behind }: Tally): string {
  const parts = [best > 0 && `${best} best`, level > 0 && `${level} level`, behind > 0 && `${behind} behind`];
  return parts.filter(Boolean).join(", ");
}
