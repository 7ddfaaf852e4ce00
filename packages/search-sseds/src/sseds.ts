/**
 * SSEDS: single-shot embedding dimension search (Qu et al., SIGIR 2022, arXiv 2204.03281).
 *
 * The paper's: train the base model with a uniform dim; rank the slots by the saliency of one gradient pass, L1-normalised;
 * keep the best under the budget in one operation; rebuild with d_f = kept slots and retrain; a linear map for each field
 * where the model needs equal dims. Ours: every option below that departs from it says so.
 */
import { perField, type Scheme } from "@trimtab/embeddings";
import { inheritModel, type Model } from "@trimtab/models";
import { baseDim, costOf, defineSearcher, type Limit, meets, type Task } from "@trimtab/search-core";
import { z } from "zod";
import { allocate, type Kept, SCORES } from "./allocate.ts";
import { computeSaliency } from "./saliency.ts";

export const ssedsConfigSchema = z.strictObject({
  /** Batches averaged into the saliency. Ours; 1 is the paper's single batch. */
  batches: z.int().positive().default(50),
  /** Rows of a gradient batch. */
  batch: z.int().positive().default(4096),
  /** Ours: how several batches are averaged. */
  average: z.enum(["mean-abs", "abs-mean", "gain"]).default("mean-abs"),
  /** Which split the gradient pass reads. */
  split: z.enum(["train", "valid"]).default("train"),
  /** Rank slots by plain saliency (the paper), or by saliency over the numbers a slot costs or their root (ours). */
  score: z.enum(SCORES).default("saliency-per-root-cost"),
  /** Fewest dims a field keeps; 0 lets fields go; "auto" lets them go only where the budget leaves no other way. */
  minDim: z.union([z.literal(0), z.literal(1), z.literal("auto")]).default("auto"),
  /**
   * How fields that lost dims meet the others: a linear map to the base dim (the paper), every kept number at its own column and
   * zeros elsewhere (ours: the masked base model, without parameters), or not at all (models that only concatenate).
   */
  projection: z.enum(["linear", "positions", "none"]).default("positions"),
  /** Retrain from fresh values (the paper), or start as the base model with the dropped columns at zero (ours). */
  retrain: z.enum(["scratch", "inherit"]).default("scratch"),
});

export type SsedsConfig = z.output<typeof ssedsConfigSchema>;

function schemeOf(task: Task, kept: Kept, config: SsedsConfig): Scheme {
  return perField(
    task.fields,
    kept.map((k) => k.length),
    { base: baseDim(task.model), projection: config.projection, columns: kept.map((k) => [...k]) },
  );
}

/**
 * Kept slots for every limit, in their order. Limits of one unit are met from the largest down, each within the slots of the one
 * before, so that they are nested.
 */
function keepAll(
  task: Task,
  limits: readonly Limit[],
  saliency: readonly (readonly number[])[],
  config: SsedsConfig,
): Kept[] {
  const rows = task.fields.map((f) => f.rows);
  const kept: Kept[] = [];
  for (const unit of new Set(limits.map((l) => l.unit))) {
    const mine = limits.map((limit, i) => ({ limit, i })).filter(({ limit }) => limit.unit === unit);
    let within: Kept | undefined;
    for (const { limit, i } of mine.sort((a, b) => b.limit.value - a.limit.value)) {
      const fits = (k: Kept) => meets(schemeOf(task, k, config), limit);
      within = allocate(saliency, rows, config, fits, within)!;
      kept[i] = within;
    }
  }
  return kept;
}

function leastCost(task: Task, limit: Limit, config: SsedsConfig): { ok: boolean; cost: number } {
  const least = schemeOf(
    task,
    task.fields.map(() => (config.minDim === 1 ? [0] : [])),
    config,
  );
  return { ok: meets(least, limit), cost: costOf(least, limit) };
}

export const sseds = defineSearcher({
  name: "sseds",
  config: ssedsConfigSchema,
  check: (task, limit, config) => {
    if (baseDim(task.model) === 0) return `model "${task.model.kind}" has no embeddings`;
    const { ok, cost } = leastCost(task, limit, config);
    if (ok) return undefined;
    return `${config.minDim} dim in every field already costs ${cost} ${limit.unit}, the budget is ${limit.value}`;
  },
  run: async (task, limits, config, emit) => {
    const base = await task.base((event) => emit({ kind: "train", name: "base", event }));
    const started = performance.now();
    const data = await task.splits();
    const saliency = await computeSaliency({
      device: task.device,
      model: base.model,
      columns: data[config.split],
      fields: data.fields,
      batch: config.batch,
      batches: config.batches,
      average: config.average,
      seed: task.seed,
      onBatch: (done, total) => emit({ kind: "progress", what: "gradient batches", done, total }),
    });
    const kept = keepAll(task, limits, saliency.values, config);
    const prepare =
      config.retrain === "inherit" ? (model: Model) => inheritModel(base.model, model) : undefined;
    const found = limits.map((limit, i) => ({
      budget: limit.text,
      scheme: schemeOf(task, kept[i]!, config),
      prepare,
    }));
    const keptOf = Object.fromEntries(limits.map((limit, i) => [limit.text, kept[i]!]));
    return {
      found,
      seconds: (performance.now() - started) / 1000,
      notes: { saliency: saliency.values, batches: saliency.batches, kept: keptOf, config },
    };
  },
});
