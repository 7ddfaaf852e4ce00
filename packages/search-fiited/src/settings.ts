/** The configuration of a search, checked strictly, and what its defaults come to for a task. */
import { baseDim, type Task, trainConfigSchema } from "@trimtab/search-core";
import { z } from "zod";

const MIB = 2 ** 20;

const common = {
  /** Decay of a utility in a step: u <- gamma u + accesses x gradient norm (the paper's formula; the value is ours). */
  gamma: z.number().gt(0).max(1).default(0.99),
  /**
   * T: steps between two adjustments. Default: a tenth of the ramp's steps, at least 8 and at most 1000: where an epoch has 60 steps a period of 1000
   * would never come, and ten adjustments are enough for memory to follow the ramp; fewer than 8 steps apart they would cost
   * more than they tell. After the ramp the default is at least a fifth of an epoch, and so long that the steps look up three times as many ids as
   * chunks may be live (at most 1000): a short ramp needs its adjustments, but once the budget is met only what is popular still changes, and
   * an adjustment looks at every chunk.
   */
  period: z.int().positive().optional(),
  /** Ours: the share of the expected steps in which the number of live chunks falls, linearly, to the budget. 0: at once. */
  ramp: z.number().min(0).max(1).default(0.2),
  /**
   * Ours: the expected steps are those of so many epochs, or of all epochs where the training configuration allows fewer (or
   * its `maxSteps`). Early stop usually ends a training long before its last epoch, and only weights from after the ramp can be the best.
   */
  expectedEpochs: z.int().positive().default(10),
  /**
   * Ours: the most chunks that may be live at any time, as a share of all chunks of the uniform table, or what the budget pays for where that
   * is more. The ramp starts here. On criteo-80k (one seed) starting at 0.4 was as good at 5% and 20% as starting at 1, at half the peak memory.
   */
  peak: z.number().gt(0).max(1).default(0.4),
  /**
   * Utilities are divided by this power of the 95th percentile of their field. 1: fields are compared by rank, as in AdaEmbed. 0: utilities as
   * they are (the paper's). Ours, and the default: 0.5, because 1 loses on criteo-80k and 0 on Frappe.
   */
  normalise: z.number().min(0).max(1).default(0.5),
  /** Ours: quantiles are estimated from so many utilities; what lies near the threshold is then told apart exactly. */
  sample: z.int().min(64).default(8192),
  /** Ours: a live chunk counts for so much more, so that chunks at the threshold do not come and go. */
  hysteresis: z.number().nonnegative().default(0.05),
  /** Bytes, on host and device together, for tracking chunks that are not live. 0: what was pruned cannot come back. */
  candidateBytes: z.int().nonnegative().default(MIB),
  /**
   * First values of rows never seen before. "drawn": normals as in the uniform table, bit for bit; "zero": the row changes nothing until it has
   * learned something. (Restored chunks always start at zero.)
   */
  firstValues: z.enum(["drawn", "zero"]).default("drawn"),
  /** Leave the model that was trained on the way, and train again from scratch under the chunks that were found. */
  retrain: z.boolean().default(false),
};

export const fiitedConfigSchema = z.strictObject({
  /** K: chunks of a vector; a divisor of the dim. */
  chunks: z.int().positive().default(4),
  /** "global": one threshold for all chunks. "column": each of the K chunk columns keeps the same share, by a threshold of its own. */
  thresholds: z.enum(["global", "column"]).default("global"),
  ...common,
});

/** Rows come and go as wholes. */
export const rowPruningConfigSchema = z.strictObject(common);

export type FiitedConfig = z.output<typeof fiitedConfigSchema>;

/** A configuration with every default filled in for a task. */
export interface Settings extends Omit<FiitedConfig, "period"> {
  readonly period: number;
  /** T after the ramp, at least. */
  readonly steadyPeriod: number;
  /** Ids that a step looks up, where T after the ramp follows from them too (`steadyPeriodOf`). */
  readonly lookups?: number;
  /** Steps of an epoch. */
  readonly epochSteps: number;
  readonly expectedSteps: number;
  /** Steps until the budget is met. */
  readonly rampSteps: number;
}

/** Ids looked up between two adjustments, over the chunks that may be live. At 80 ns a chunk adjustments then take less than a tenth of a training. */
const LOOKUPS_A_CHUNK = 3;
const LONGEST = 1000;

/** T after the ramp for a budget of so many live chunks. */
export function steadyPeriodOf(
  { steadyPeriod, lookups }: Pick<Settings, "steadyPeriod" | "lookups">,
  chunks: number,
): number {
  if (lookups === undefined) return steadyPeriod;
  return Math.max(steadyPeriod, Math.min(LONGEST, Math.ceil((LOOKUPS_A_CHUNK * chunks) / lookups)));
}

/** `rows`: of the training split. */
export function settingsOf(
  config: FiitedConfig,
  task: Pick<Task, "train" | "fields">,
  rows: number,
): Settings {
  const { batch, epochs, maxSteps = Number.POSITIVE_INFINITY } = trainConfigSchema.parse(task.train);
  const epochSteps = Math.ceil(rows / batch);
  const expectedSteps = Math.min(maxSteps, epochSteps * Math.min(epochs, config.expectedEpochs));
  const rampSteps = Math.max(1, Math.round(config.ramp * expectedSteps));
  const period = config.period ?? Math.min(LONGEST, Math.max(8, Math.ceil(rampSteps / 10)));
  const steadyPeriod = config.period ?? Math.min(LONGEST, Math.max(period, Math.ceil(epochSteps / 5)));
  const lookups = config.period ? undefined : batch * task.fields.reduce((n, { slots }) => n + slots, 0);
  return { ...config, period, steadyPeriod, lookups, epochSteps, expectedSteps, rampSteps };
}

/** Why a task's vectors cannot be cut in this way, or undefined. */
export function cutCannot({ model }: Pick<Task, "model">, chunks: number): string | undefined {
  const dim = baseDim(model);
  if (dim % chunks === 0) return undefined;
  return `dim ${dim} cannot be cut into ${chunks} equal chunks; give chunks a divisor of the dim`;
}
