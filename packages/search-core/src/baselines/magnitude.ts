/**
 * Magnitude pruning: train the base model, keep the numbers of largest |v| over all tables, retrain under the mask. The
 * plainest way to a mask of single numbers, and what PEP has to beat at equal bytes.
 */
import { z } from "zod";
import { elementsCannot, keepLargest, readField } from "../elements.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim } from "../task.ts";
import { retrainSchema, startOf } from "./retrain.ts";

const schema = z.strictObject({
  /** Numbers that every row keeps at least. */
  leastPerRow: z.int().nonnegative().default(0),
  retrain: retrainSchema,
});

export const magnitude = defineSearcher({
  name: "magnitude",
  config: schema,
  check: (task, limit, { leastPerRow }) =>
    elementsCannot(task.fields, baseDim(task.model), limit, leastPerRow),
  run: async (task, limits, config, emit) => {
    const base = await task.base((event) => emit({ kind: "train", name: "base", event }));
    const started = performance.now();
    const { fields } = task;
    const dim = baseDim(task.model);
    const scores: Float32Array[] = [];
    for (const f of fields.keys()) scores.push((await readField(base.model, f)).map(Math.abs));
    const { leastPerRow } = config;
    const found = limits.map((limit) => ({
      budget: limit.text,
      // `check` made sure that something fits
      scheme: keepLargest({ fields, dim, scores, limit, leastPerRow })!,
      prepare: startOf(task, config.retrain),
    }));
    return { found, notes: { ...config }, seconds: (performance.now() - started) / 1000 };
  },
});
