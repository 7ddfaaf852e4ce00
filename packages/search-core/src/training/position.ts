import { z } from "zod";

/** Where a training run stands, beside its tensors: everything a resumed run needs to go on with the same bits. */
export const positionSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of what fixes the run: data, model, scheme, seed, training configuration. */
  run: z.string(),
  /** The next batch to train. */
  epoch: z.int().nonnegative(),
  batch: z.int().nonnegative(),
  /** Steps taken. */
  step: z.int().nonnegative(),
  learningRateScale: z.number().positive(),
  bestAuc: z.number().nullable(),
  bestEpoch: z.int().nullable(),
  /** Evaluations in a row without gain. */
  bad: z.int().nonnegative(),
  /** Validation AUC and logloss of each finished epoch. */
  history: z.array(
    z.strictObject({ epoch: z.int(), auc: z.number(), logloss: z.number(), learningRateScale: z.number() }),
  ),
  /** Seconds spent in training steps and in evaluation, over all sessions. */
  seconds: z.strictObject({ train: z.number(), evaluate: z.number() }),
  finished: z.boolean(),
  /** Where the steps were taken last: bits are promised on one device only. Older checkpoints do not say. */
  device: z.string().optional(),
});

export type Position = z.output<typeof positionSchema>;

export function startPosition(run: string): Position {
  return {
    version: 1,
    run,
    epoch: 0,
    batch: 0,
    step: 0,
    learningRateScale: 1,
    bestAuc: null,
    bestEpoch: null,
    bad: 0,
    history: [],
    seconds: { train: 0, evaluate: 0 },
    finished: false,
  };
}
