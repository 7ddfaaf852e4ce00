/** The configuration of a search. Everything here is our own choice: the paper's formulas were not at hand (see the README). */
import { type Task, type TrainConfig, trainConfigSchema } from "@trimtab/search-core";
import { z } from "zod";

const positive = z.number().positive();
const weight = z.number().nonnegative();

export const adassConfigSchema = z.strictObject({
  candidates: z
    .array(z.int().nonnegative())
    .min(1)
    .default([0, 2, 4, 8, 16, 32])
    .describe(
      "sizes a field can have; those above the model's dim are left out, the model's dim is always one",
    ),
  tables: z
    .enum(["separate", "prefix"])
    .default("separate")
    .describe("a table for each candidate size, or each size is a prefix of the largest vector"),
  map: z
    .enum(["linear", "positions"])
    .default("linear")
    .describe(
      "how smaller vectors reach the model's dim: a learned linear map a field and size, or zeros behind",
    ),
  batchNorm: z
    .boolean()
    .default(false)
    .describe(
      "normalise mapped vectors over the batch, a field and size, and give each field a learned factor",
    ),
  scale: positive
    .default(0.05)
    .describe("first value of the learned factor that a field's normalised vectors are multiplied by"),
  batch: z.int().positive().optional().describe("rows of a supernet step; the task's when left out"),
  epochs: z.int().positive().default(20).describe("epochs of the supernet at most"),
  patience: z
    .int()
    .positive()
    .default(3)
    .describe("epochs without gain on fixed probe paths before it stops"),
  warmUp: weight
    .default(1)
    .describe("epochs at the start in which paths are drawn uniformly and every field is trained"),
  tableSampling: z
    .enum(["adaptive", "uniform"])
    .default("adaptive")
    .describe("first layer: sizes that do worse are drawn more often, or all alike"),
  temperature: positive.default(1).describe("of the first layer: lower means stronger preferences"),
  explore: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe("share of the first layer's draws that stay uniform"),
  fieldSampling: z
    .enum(["importance", "none"])
    .default("importance")
    .describe("second layer: fields to be trained are drawn by importance, or all are trained in every step"),
  fieldShare: z.number().gt(0).max(1).default(0.7).describe("share of the fields that a step trains"),
  memory: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("weight of the newest batch in moving losses and importances"),
  search: z
    .enum(["reinforce", "evolution", "random"])
    .default("reinforce")
    .describe("how the frozen supernet is searched"),
  iterations: z.int().positive().default(150).describe("rounds of the search, a budget"),
  paths: z.int().min(2).default(16).describe("paths that a round looks at"),
  policyRate: positive.default(0.2).describe("learning rate (Adam) of the policy"),
  entropy: weight.default(0.01).describe("weight of the policy's entropy beside standardised rewards"),
  start: z
    .enum(["budget", "uniform"])
    .default("budget")
    .describe("first policy: the most even one whose expected cost is the budget, or all sizes alike"),
  penalty: weight
    .default(1)
    .describe("lambda: reward lost for each whole budget that a path is over its budget"),
  competition: weight
    .default(0.005)
    .describe("mu: reward lost where the bytes belong to the least important field, times its share of them"),
  answer: z
    .enum(["best", "policy"])
    .default("best")
    .describe("reinforce: the best path that met the budget, or the policy's likeliest one, made to meet it"),
  sample: z.int().min(2).default(8192).describe("validation rows that paths are judged on, always the same"),
  cacheBytes: weight
    .default(2 ** 29)
    .describe(
      "device bytes that may be kept of the sample's rows (vectors, and products with a tower's first layer); over it products, then all, are made for each path, slower",
    ),
  memoryLimit: positive
    .optional()
    .describe("device bytes that supernet and cache may take; over it the search is refused"),
  projection: z
    .enum(["positions", "linear", "none"])
    .default("positions")
    .describe("of the schemes found: how smaller fields meet the model's dim when retrained"),
});

export type AdassConfig = z.output<typeof adassConfigSchema>;

/** A configuration for one task: candidates capped, the batch known. */
export interface Settings extends Omit<AdassConfig, "candidates" | "batch"> {
  /** Ascending; the last is the model's dim. */
  readonly candidates: readonly number[];
  readonly batch: number;
}

/** The sizes a field can have under a model of this dim: ascending, each once, the model's dim last. */
export function candidatesFor(wanted: readonly number[], dim: number): number[] {
  return [...new Set([...wanted.filter((d) => d < dim), dim])].sort((a, b) => a - b);
}

export function trainingOf({ train }: Pick<Task, "train">): TrainConfig {
  return trainConfigSchema.parse(train);
}

/** `dim` is that of the model. */
export function settingsOf(config: AdassConfig, task: Pick<Task, "train">, dim: number): Settings {
  return {
    ...config,
    candidates: candidatesFor(config.candidates, dim),
    batch: config.batch ?? trainingOf(task).batch,
  };
}

/** What fixes a trained supernet; the rest belongs to the search. */
export function supernetPart(settings: Settings) {
  const { candidates, tables, map, batchNorm, scale, batch, epochs, patience, warmUp, sample } = settings;
  const { tableSampling, temperature, explore, fieldSampling, fieldShare, memory } = settings;
  const net = { candidates, tables, map, batchNorm, scale, batch, epochs, patience, warmUp, sample };
  return { ...net, tableSampling, temperature, explore, fieldSampling, fieldShare, memory };
}
