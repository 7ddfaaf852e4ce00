/** The configuration of a search, checked strictly, and what its defaults are for a task. */
import { retrainSchema, type Task, type TrainConfig, trainConfigSchema } from "@trimtab/search-core";
import { adam, adamw, type Rule, rowAdam, rowSgd, sgd } from "@trimtab/tensor-core";
import { z } from "zod";
import { type Granularity, granularities, isByRow } from "./granularity.ts";

/** Keys that mean something in one mode only. */
const FAITHFUL = ["start", "l2", "optimizer", "clip", "maxSteps", "fill"] as const;
const SCHEDULED = ["steps", "warmUp", "tables"] as const;

export const pepConfigSchema = z
  .strictObject({
    /** "scheduled" (ours): a ramp that reaches each budget at a chosen step. "faithful": as the authors' released code. */
    mode: z.enum(["scheduled", "faithful"]).default("scheduled"),
    /**
     * How many numbers share a learned threshold. Default: feature_dim (the paper) in faithful mode; in scheduled mode none is
     * learned unless this is given, and all numbers are under the ramp alone.
     */
    granularity: z.enum(granularities).optional(),
    /** Learning rate of the thresholds; the model's when left out (the paper). */
    thresholdRate: z.number().positive().optional(),
    /** Rows a step; the task's when left out. */
    batch: z.int().positive().optional(),
    /** Steps between two counts of the numbers that are not zero. */
    countEvery: z.int().positive().default(25),
    /** Ours: numbers that every row keeps at least, its best. */
    leastPerRow: z.int().nonnegative().default(0),
    /** Retrain from the original first values (the paper's lottery ticket), or from fresh ones. */
    retrain: retrainSchema,
    /** faithful: first value of every threshold, before the sigmoid; in effect a warm-up length. Default -15 (paper: -150 or -15). */
    start: z.number().optional(),
    /** faithful: coupled L2 of every parameter, thresholds too; it is what moves them at first. Default 1e-5 (the paper). */
    l2: z.number().nonnegative().optional(),
    /** faithful: what moves values and thresholds. Only adam works; the others are here to be told so. Default adam. */
    optimizer: z.enum(["adam", "adamw", "sgd", "rowAdam", "rowSgd"]).optional(),
    /** faithful: largest norm of all gradients together, before L2. Default 100 (the paper's code). */
    clip: z.number().positive().optional(),
    /** faithful: give up after this many steps. Default 20000. */
    maxSteps: z.int().positive().optional(),
    /**
     * faithful, ours: fill a mask up to its budget, by the numbers nearest to their thresholds (counts come every so many
     * steps, the budget is passed between two). Default true; false keeps exactly what is above its threshold.
     */
    fill: z.boolean().optional(),
    /** scheduled: steps to the smallest budget. Default: the epochs that training may take, at most 20, at least 2000 steps. */
    steps: z.int().positive().optional(),
    /** scheduled: share of the steps before anything is pruned. Default 0.2. */
    warmUp: z.number().min(0).max(0.9).optional(),
    /**
     * scheduled: how tables move while searching. "model": by the model's own optimizer and L2, so that what is kept is what the model
     * will want. "rows": by rowAdam without L2, so that no step visits a whole table, whatever the model does. Default "model".
     */
    tables: z.enum(["model", "rows"]).optional(),
  })
  .superRefine((config, context) => {
    const others = config.mode === "faithful" ? SCHEDULED : FAITHFUL;
    for (const key of others) {
      if (config[key] === undefined) continue;
      const mode = config.mode === "faithful" ? "scheduled" : "faithful";
      context.addIssue({ code: "custom", path: [key], message: `is for mode "${mode}" only` });
    }
    if (config.fill === false && config.leastPerRow > 0) {
      context.addIssue({ code: "custom", path: ["leastPerRow"], message: "needs fill: it adds numbers" });
    }
  });

export type PepConfig = z.output<typeof pepConfigSchema>;

interface CommonSettings {
  readonly granularity: Granularity;
  readonly thresholdRate: number;
  readonly batch: number;
  readonly countEvery: number;
  readonly leastPerRow: number;
  readonly retrain: PepConfig["retrain"];
}

export interface FaithfulSettings extends CommonSettings {
  readonly mode: "faithful";
  readonly start: number;
  readonly l2: number;
  readonly optimizer: NonNullable<PepConfig["optimizer"]>;
  readonly clip: number;
  readonly maxSteps: number;
  readonly fill: boolean;
}

export interface ScheduledSettings extends CommonSettings {
  readonly mode: "scheduled";
  /** 0: the default, which the data decides. */
  readonly steps: number;
  readonly warmUp: number;
  readonly tables: "model" | "rows";
  /** Thresholds are learned beside the ramp. */
  readonly learn: boolean;
}

export type Settings = FaithfulSettings | ScheduledSettings;

/** The task's training configuration with its defaults. */
export function trainingOf(task: Pick<Task, "train">): TrainConfig {
  return trainConfigSchema.parse(task.train);
}

/** A configuration with every default filled in for a task. */
export function settingsOf(config: PepConfig, task: Pick<Task, "train" | "model">): Settings {
  const { mode, countEvery, leastPerRow, retrain } = config;
  const common = {
    granularity: config.granularity ?? (mode === "faithful" ? "feature_dim" : "global"),
    thresholdRate: config.thresholdRate ?? task.model.learningRate,
    batch: config.batch ?? trainingOf(task).batch,
    countEvery,
    leastPerRow,
    retrain,
  };
  if (mode === "faithful") {
    const { start = -15, l2 = 1e-5, optimizer = "adam", clip = 100, maxSteps = 20_000, fill = true } = config;
    return { ...common, mode, start, l2, optimizer, clip, maxSteps, fill };
  }
  return {
    ...common,
    mode,
    steps: config.steps ?? 0,
    warmUp: config.warmUp ?? 0.2,
    tables: config.tables ?? "model",
    learn: config.granularity !== undefined,
  };
}

/** Rules of faithful mode by name; `l2` is coupled in all but adamw, where it is the decoupled decay. */
export function faithfulRule(name: FaithfulSettings["optimizer"], lr: number, l2: number): Rule {
  if (name === "adamw") return adamw({ lr, decay: l2 });
  return { adam, sgd, rowAdam, rowSgd }[name]({ lr, l2 });
}

/** What moves the thresholds. Thresholds of rows are lazy in scheduled mode, so that no step visits a whole table. */
export function thresholdRule(settings: Settings): Rule {
  const { granularity, thresholdRate: lr } = settings;
  if (settings.mode === "scheduled") return (isByRow(granularity) ? rowAdam : adam)({ lr });
  const { optimizer, l2 } = settings;
  // thresholds that belong to no row have dense gradients, whatever the tables have
  const dense = { rowAdam: "adam", rowSgd: "sgd" } as const;
  const name =
    !isByRow(granularity) && optimizer in dense ? dense[optimizer as keyof typeof dense] : optimizer;
  return faithfulRule(name, lr, l2);
}
