/** Trainings that may have stopped on a plateau: their learning rate fell long before the base model's did. */
import { type ResultRow, summarize } from "@trimtab/eval";

/** Base models whose rate falls sooner tell nothing: one epoch more or less is chance. */
const FEWEST = 4;

/** Which trainings of a study had their full learning rate for less than half as many epochs as its base models (mean over seeds), in words. */
export function plateauRemark(rows: readonly ResultRow[]): string | undefined {
  const base = rows.flatMap((row) => (row.method === "base" ? (epochsAtFullRate(row) ?? []) : []));
  if (base.length === 0) return undefined;
  const { mean } = summarize(base);
  if (mean < FEWEST) return undefined;
  const early = new Map<string, number[]>();
  for (const row of rows) {
    const epochs = epochsAtFullRate(row);
    if (row.method === "base" || epochs === undefined || epochs >= mean / 2) continue;
    const name = row.budget === null ? row.method : `${row.method} at ${row.budget}`;
    early.set(name, [...(early.get(name) ?? []), row.seeds.run ?? 0]);
  }
  if (early.size === 0) return undefined;
  const list = [...early].map(([name, seeds]) => `${name} (seed ${seeds.join(", ")})`);
  const n = Math.round(mean);
  return `The learning rate fell, or training stopped, in less than half the ${n} epochs after which the base model's rate fell: ${list.join("; ")}. Where these are far below other seeds or methods, they stopped on a plateau: --min-epochs ${n} holds rate and early stop for all.`;
}

/** Undefined in rows that were written before it was noted. */
function epochsAtFullRate({ config: { fullRateEpochs } }: ResultRow): number | undefined {
  return typeof fullRateEpochs === "number" ? fullRateEpochs : undefined;
}
