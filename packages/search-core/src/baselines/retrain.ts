/** How a model is retrained under a mask. */
import type { Model } from "@trimtab/models";
import { z } from "zod";
import type { Task } from "../task.ts";

/**
 * "initial": every number that is kept starts at its original first value (the lottery ticket), which follows from the seed, so
 * that no copy is needed; "fresh": new first values, drawn with another seed.
 */
export const retrainSchema = z.enum(["initial", "fresh"]).default("initial");

const OTHER = 0x5bd1e995;

/** The `prepare` of a retraining; none where the model starts right as it is built. */
export function startOf(
  { device, seed }: Task,
  how: z.output<typeof retrainSchema>,
): ((model: Model) => Promise<void>) | undefined {
  return how === "initial" ? undefined : (model) => model.initialise(device, seed ^ OTHER);
}
