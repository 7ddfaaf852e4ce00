/** What was asked for and is not there: because it cannot be, because it went wrong, or because its turn has not come. */
import type { ResultRow } from "@trimtab/eval";
import { BASE, type Failed, type Impossible, type Unfinished } from "./model.ts";
import type { Source } from "./source.ts";

export const seedOf = (row: ResultRow) => row.seeds.run ?? 0;

export function impossibleOf(sources: readonly Source[], rows: readonly ResultRow[]): Impossible[] {
  const lines = new Map<string, Impossible>();
  for (const { method, budget, seed, reason } of sources.flatMap(({ history }) => history.missing)) {
    const done = rows.some((r) => r.method === method && r.budget === budget && seedOf(r) === seed);
    if (done) continue;
    const key = JSON.stringify([method, budget, reason]);
    const seeds = [...(lines.get(key)?.seeds ?? []), seed].sort((a, b) => a - b);
    lines.set(key, { method, budget, reason, seeds: [...new Set(seeds)] });
  }
  return [...lines.values()];
}

/** What the last command of each folder asked for and no row answers yet: what was tried and failed, and the rest. */
export function openOf(
  sources: readonly Source[],
  rows: readonly ResultRow[],
  impossible: readonly Impossible[],
): { readonly unfinished: Unfinished[]; readonly failed: Failed[] } {
  const open: { method: string; budget: string | null; seed: number; message: string | undefined }[] = [];
  const there = (method: string, budget: string | null, seed: number) =>
    rows.some((r) => r.method === method && r.budget === budget && seedOf(r) === seed) ||
    impossible.some((m) => m.method === method && m.budget === budget && m.seeds.includes(seed));
  for (const { history, config, rows: own } of sources) {
    if (config.kind !== "comparison") continue;
    const seen = own.map(({ row }) => row).filter(({ method }) => method !== BASE);
    const methods = history.asked.methods ?? [...new Set(seen.map(({ method }) => method))];
    const budgets = history.asked.budgets ?? [...new Set(seen.map(({ budget }) => budget!))];
    const seeds = history.asked.seeds ?? [...new Set(own.map(({ row }) => seedOf(row)))];
    const pairs = methods.flatMap((method) => budgets.map((budget) => ({ method, budget })));
    for (const { method, budget } of [{ method: BASE, budget: null }, ...pairs]) {
      for (const seed of seeds) {
        if (there(method, budget, seed)) continue;
        const failure = history.failed.find((one) => one.method === method && one.seed === seed);
        open.push({ method, budget, seed, message: failure?.message });
      }
    }
  }
  const groups = Map.groupBy(open, ({ seed: _, ...place }) => JSON.stringify(place));
  const lines = [...groups.values()].map((same) => {
    const { seed: _, ...place } = same[0]!;
    return { ...place, seeds: [...new Set(same.map(({ seed }) => seed))].sort((a, b) => a - b) };
  });
  return {
    unfinished: lines.flatMap(({ message, ...line }) => (message === undefined ? line : [])),
    failed: lines.flatMap(({ message, ...line }) => (message === undefined ? [] : { ...line, message })),
  };
}

/** A line for all budgets of a method that lack the same seeds, for the same reason. */
export function together<Line extends Unfinished>(lines: readonly Line[]) {
  const all = Map.groupBy(lines, ({ budget: _, ...rest }) => JSON.stringify(rest));
  return [...all.values()].map((same) => ({
    ...same[0]!,
    budgets: same.flatMap(({ budget }) => budget ?? []),
  }));
}

/** "pep at 20%, 5%", or the base model's name alone. */
export const placesText = ({
  method,
  budgets,
}: {
  readonly method: string;
  readonly budgets: readonly string[];
}) => (budgets.length === 0 ? method : `${method} at ${budgets.join(", ")}`);
