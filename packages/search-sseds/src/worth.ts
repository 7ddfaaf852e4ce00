/**
 * What kept slots are worth, before anything is retrained in full: the base model without the others, after some steps of training, an epoch at
 * most. Ours. Without the steps the order is often wrong: a model that has lost a large field at once scores far below what it is soon after.
 */
import { inheritModel, type Model } from "@trimtab/models";
import { runHash, type Task, train, trainConfigSchema } from "@trimtab/search-core";
import type { Kept } from "./allocate.ts";
import { type Layout, schemeOf } from "./layout.ts";
import { Tried } from "./tried.ts";

export interface WorthOptions {
  readonly task: Task;
  /** The trained base model. */
  readonly base: Model;
  readonly layout: Layout;
  /** At most; an epoch of them is enough. */
  readonly steps: number;
}

/** Validation AUC of kept slots; the same slots are tried once. Throws Interrupted. */
export function worthUnder({ task, base, layout, steps }: WorthOptions): (kept: Kept) => Promise<number> {
  const { data, device, model, seed, signal } = task;
  const config = trainConfigSchema.parse({ ...task.train, epochs: 1, maxSteps: steps });
  const tried = new Tried(task);
  return async (kept) => {
    const scheme = schemeOf(task, kept, layout);
    const trial = runHash({ data, model, scheme, seed }, config);
    const before = tried.auc(trial);
    if (before !== undefined) return before;
    const trained = await train({
      ...{ device, model, seed, signal, scheme, config },
      data: await task.splits(),
      prepare: (small) => inheritModel(base, small),
    });
    const { auc } = trained.valid;
    await trained.dispose();
    tried.keep(trial, auc);
    return auc;
  };
}
