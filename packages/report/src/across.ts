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
    methods
      .flatMap((method) => tallyOf(method, budget, contests) ?? [])
      .sort((a, b) => told(b) - told(a) || b.best - a.best || b.gap - a.gap),
  );
  const total = (method: string) =>
    tallies.filter((t) => t.method === method).reduce((n, t) => n + told(t), 0);
  return { budgets, methods: methods.sort((a, b) => total(b) - total(a)), contests, tallies };
}

const told = ({ best, level }: Tally) => best + level;

/**
 * The methods that have every seed of those that went furthest; a half done one would be judged by other seeds. Undefined where
 * fewer than two are there.
 */
function contestOf({ id, rows }: Part, budget: string): Contest | undefined {
  const tested = rows.filter((row) => row.metrics.test !== null && row.seeds.run !== undefined);
  const mine = tested.filter((row) => row.budget === budget);
  const seedsOf = (of: readonly ResultRow[]) => [...new Set(of.map((row) => row.seeds.run!))];
  const methods = [...new Set(mine.map(({ method }) => method))];
  const sets = methods.map((method) => seedsOf(mine.filter((row) => row.method === method)));
  const seeds = sets.sort((a, b) => b.length - a.length)[0]?.sort((a, b) => a - b) ?? [];
  const whole = methods.filter((method) =>
    seeds.every((seed) => mine.some((row) => row.method === method && row.seeds.run === seed)),
  );
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

/** A sentence for each budget: who is best, or not told apart from the best, how often. */
export function acrossLines({ budgets, tallies, contests }: Across): string[] {
  return budgets.map((budget) => {
    const first = tallies.filter((tally) => tally.budget === budget && told(tally) > 0).slice(0, NAMED);
    const names = first.map(
      (tally) => `${tally.method} in ${told(tally)} of ${tally.studies} (best in ${tally.best})`,
    );
    const n = contests.filter((contest) => contest.budget === budget).length;
    return `At ${budget}, ${n} ${n === 1 ? "study" : "studies"}: best or not told apart from the best are ${names.join(", ")}.`;
  });
}
