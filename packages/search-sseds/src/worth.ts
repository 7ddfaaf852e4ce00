/**
 * What kept slots are worth, before anything is retrained in full: the base model without the others, after some steps of training, an epoch at most. Ours. Without
 * the steps the order is often wrong: a model that has lost a large field at once scores far below what it is soon after.
 */
import { inheritModel, type Model } from "@trimtab/models";
import { type Task, train } from "@trimtab/search-core";
import type { Kept } from "./allocate.ts";
import { type Layout, schemeOf } from "./layout.ts";

export interface WorthOptions {
  readonly task: Task;
  /** The trained base model. */
  readonly base: Model;
  readonly layout: Layout;
  /** At most; an epoch of them is enough. */
  readonly steps: number;
}

/** Validation AUC of kept slots; the same slots are asked once. Throws Interrupted. */
export function worthUnder({ task, base, layout, steps }: WorthOptions): (kept: Kept) => Promise<number> {
  const known = new Map<string, number>();
  return async (kept) => {
    const name = JSON.stringify(kept);
    const before = known.get(name);
    if (before !== undefined) return before;
    const { device, model, seed, signal } = task;
    const trained = await train({
      ...{ device, model, seed, signal },
      data: await task.splits(),
      scheme: schemeOf(task, kept, layout),
      config: { ...task.train, epochs: 1, maxSteps: steps },
      prepare: (small) => inheritModel(base, small),
    });
    const { auc } = trained.valid;
    await trained.dispose();
    known.set(name, auc);
    return auc;
  };
}
