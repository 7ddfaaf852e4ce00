/** The demo's own log: generated, small enough for two cores that play a GPU, with a truth that a search can find. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateDataset, openDataset, type PlantedField } from "@trimtab/data";
import type { Context } from "./context.ts";
import { shown } from "./data-source.ts";

const SEED = 20;
/** Rows a step of the demo. Every split is whole batches of it: a smaller last batch would be a second program to compile. */
export const DEMO_BATCH = 2048;

/**
 * Few values and many, important and useless: what is large need not be what matters. `session` is the largest table and pure
 * noise; `category` and `city` are small and need eight numbers.
 */
const FIELDS: readonly PlantedField[] = [
  { name: "user", values: 2000, zipf: 0.8, importance: 1, dim: 1 },
  { name: "item", values: 800, zipf: 1, importance: 1, dim: 4 },
  { name: "category", values: 60, zipf: 0.7, importance: 1, dim: 8 },
  { name: "city", values: 100, zipf: 0.8, importance: 0.9, dim: 8 },
  { name: "device", values: 12, zipf: 0.6, importance: 0.8, dim: 2 },
  { name: "hour", values: 24, zipf: 0.3, importance: 0.7, dim: 2 },
  { name: "session", values: 3000, zipf: 0.6, importance: 0, dim: 0 },
  { name: "browser", values: 30, zipf: 0.8, importance: 0, dim: 0 },
];

/** The dataset folder, made in `cache` unless an earlier demo did. */
export async function demoLog(context: Context, cache: string, batches: number): Promise<string> {
  const held = Math.max(1, Math.round(batches / 8));
  const counts: [number, number, number] = [batches, held, held].map((n) => n * DEMO_BATCH) as never;
  const rows = counts.reduce((a, b) => a + b, 0);
  // the name says all that the content depends on; a change of FIELDS must change it too
  const out = join(cache, `demo-1-${rows}-rows.trimtab`);
  if (!existsSync(out)) {
    mkdirSync(dirname(out), { recursive: true });
    await generateDataset(
      { rows, seed: SEED, out, fields: FIELDS, split: { by: "rows", counts }, signal: context.signal },
      ({ phase, share }) => context.progress.update(`synthetic log: ${phase}`, share, ""),
    );
  }
  const { manifest } = await openDataset(out, { verify: "size" });
  const { train, valid, test } = manifest.splits;
  context.note(
    `data: a generated (synthetic) log with a planted truth, ${train.rows} rows to train, ${valid.rows} to validate, ` +
      `${test.rows} to test, in ${shown(out)}`,
  );
  return out;
}
