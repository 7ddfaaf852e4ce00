import { z } from "zod";

/** How a model is trained; selection is by validation AUC. */
export const trainConfigSchema = z.strictObject({
  /** Rows a step. */
  batch: z.int().positive().default(4096),
  /** At most this many epochs. */
  epochs: z.int().positive().default(20),
  /** Stop after this many evaluations in a row without a better validation AUC. */
  patience: z.int().positive().default(2),
  /**
   * Before this many epochs are done, no evaluation without gain stops the training or drops the learning rate: factors that start
   * near zero may learn nothing that shows for some epochs (narrow FM above all), and a lower rate keeps them there.
   */
  minEpochs: z.int().positive().optional(),
  /** An evaluation counts as better only above the best by this much. */
  minGain: z.number().nonnegative().default(1e-6),
  /** The learning rate is multiplied by this after an evaluation without gain. 1: never. */
  learningRateDrop: z.number().positive().max(1).default(0.1),
  /** Rows a scoring step. */
  scoreBatch: z.int().positive().default(8192),
  /** Seconds between checkpoints inside an epoch (one is always written at the end of an epoch). */
  checkpointSeconds: z.number().positive().default(30),
  /** Stop after this many steps, whatever the epoch (timing and tests). */
  maxSteps: z.int().positive().optional(),
});

export type TrainConfig = z.output<typeof trainConfigSchema>;
export type TrainConfigInput = z.input<typeof trainConfigSchema>;
