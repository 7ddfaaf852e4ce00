/**
 * SSEDS: single-shot embedding dimension search (Qu et al., SIGIR 2022, arXiv 2204.03281).
 *
 * The paper's: train the base model with a uniform dim; rank the slots by the saliency of one gradient pass, L1-normalised;
 * keep the best under the budget in one operation; rebuild with d_f = kept slots and retrain; a linear map for each field
 * where the model needs equal dims. Ours: every option below that departs from it says so.
 */
import { inheritModel, type Model } from "@trimtab/models";
import { baseDim, costOf, defineSearcher, everyField, meets, readsNothing } from "@trimtab/search-core";
import { z } from "zod";
import type { AllocationOptions } from "./allocate.ts";
import { type Choice, choose } from "./choose.ts";
import { schemeOf } from "./layout.ts";
import { computeSaliency } from "./saliency.ts";
import { Worth } from "./worth.ts";

export const ssedsConfigSchema = z.strictObject({
  /** Batches averaged into the saliency. Ours; 1 is the paper's single batch. */
  batches: z.int().positive().default(50),
  /** Rows of a gradient batch. */
  batch: z.int().positive().default(4096),
  /** Ours: how several batches are averaged. */
  average: z.enum(["mean-abs", "abs-mean", "gain"]).default("mean-abs"),
  /** Which split the gradient pass reads. */
  split: z.enum(["train", "valid"]).default("train"),
  /**
   * Rank slots by plain saliency (the paper), or by saliency over the numbers a slot costs or their root (ours). "auto" (ours): for each budget
   * the power of cost, between none and the first, whose slots leave the base model the best validation AUC after some steps of training.
   */
  score: z.enum(["auto", "saliency", "saliency-per-root-cost", "saliency-per-cost"]).default("auto"),
  /** Ours: training steps from the base model, an epoch at most, that "auto" gives every allocation before it compares them. */
  trySteps: z.int().positive().default(200),
  /** Fewest dims a field keeps; 0 lets fields go; "auto" lets them go only where the budget leaves no other way; with score "auto" 0 is tried too. */
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

/** The powers of cost that the names of scores stand for. */
const COST_POWER: Readonly<Record<Exclude<SsedsConfig["score"], "auto">, number>> = {
  saliency: 0,
  "saliency-per-root-cost": 0.5,
  "saliency-per-cost": 1,
};
const TRIED_POWERS = [0.5, 0, 0.25, 0.75, 1];

/** Ways of weighing saliency against cost, of which "auto" takes the best for each budget. */
function waysOf({ score, minDim }: SsedsConfig): AllocationOptions[] {
  if (score !== "auto") return [{ costPower: COST_POWER[score], minDim }];
  const least = minDim === "auto" ? (["auto", 0] as const) : [minDim];
  return least.flatMap((fewest) => TRIED_POWERS.map((costPower) => ({ costPower, minDim: fewest })));
}

export const sseds = defineSearcher({
  name: "sseds",
  config: ssedsConfigSchema,
  check: (task, limit, config) => {
    if (baseDim(task.model) === 0) return `model "${task.model.kind}" has no embeddings`;
    if (config.minDim !== 1) return readsNothing(task, limit, config.projection);
    const least = everyField(task, 1, config.projection);
    if (meets(least, limit)) return undefined;
    return `1 dim in every field already costs ${costOf(least, limit)} ${limit.unit}, the budget is ${limit.value}`;
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
    const ways = waysOf(config);
    const worth = new Worth({ task, base: base.model, layout: config, steps: config.trySteps });
    let asked = 0;
    const choices = await choose({
      ...{ task, limits, saliency: saliency.values, layout: config, ways },
      worth: async (kept) => {
        const value = await worth.of(kept);
        emit({
          kind: "progress",
          what: "allocations tried",
          done: ++asked,
          total: ways.length * limits.length,
        });
        return value;
      },
    });
    const prepare =
      config.retrain === "inherit" ? (model: Model) => inheritModel(base.model, model) : undefined;
    const found = limits.map((limit, i) => ({
      budget: limit.text,
      scheme: schemeOf(task, choices[i]!.kept, config),
      prepare,
    }));
    const byBudget = <T>(of: (choice: Choice) => T) =>
      Object.fromEntries(limits.map((limit, i) => [limit.text, of(choices[i]!)]));
    return {
      found,
      seconds: (performance.now() - started) / 1000 + worth.recalledSeconds,
      notes: {
        saliency: saliency.values,
        batches: saliency.batches,
        kept: byBudget(({ kept }) => kept),
        ways: byBudget(({ way, tried = [] }) => ({ ...way, tried })),
        config,
      },
    };
  },
});
