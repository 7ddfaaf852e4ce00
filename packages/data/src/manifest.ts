// manifest.json: the contract between a dataset folder and everything that reads it.

import { createHash } from "node:crypto";
import { z } from "zod";

export const MANIFEST = "manifest.json";
export const VERSION = 1;
export const splitNames = ["train", "valid", "test"] as const;
/** A part of the data. Test is read once, at the end. */
export type SplitName = (typeof splitNames)[number];

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fieldManifest = z.strictObject({
  name: z.string(),
  /** Column of the source. */
  column: z.string(),
  kind: z.enum(["categorical", "numeric", "multi"]),
  /** n_f: rows of the field's table, row 0 (out of vocabulary) included. */
  rows: z.int().min(1),
  /** Ids a data row has in this field. */
  slots: z.int().min(1),
  minCount: z.int().min(1),
  /** Distinct values in the training split, before the minimum count. */
  distinct: count,
  missing: z.strictObject({
    rule: z.enum(["own", "oov", "error"]),
    /** The id of missing values under the rule "own"; absent when none was in training often enough. */
    id: z.int().min(1).optional(),
    /** Missing values in training. */
    train: count,
  }),
  /** Share of the ids of each split that are 0. */
  outOfVocabulary: z.strictObject({ train: z.number(), valid: z.number(), test: z.number() }),
  /** How numbers became buckets: bucket k holds edges[k-1] < v <= edges[k]. */
  buckets: z
    .strictObject({ by: z.enum(["log2", "quantiles", "edges"]), edges: z.array(z.number()).optional() })
    .optional(),
  separator: z.string().optional(),
  /** Rows of all splits with more values than slots; the later values were left out. */
  truncatedRows: count.optional(),
  derived: z.string().optional(),
  /** Parquet file id, value, kind, count. */
  vocabulary: z.string(),
});

const splitManifest = z.strictObject({
  file: z.string(),
  rows: z.int().min(1),
  positives: z.int().min(1),
  /** Of the columns' contents, in order: label, user, ids. Independent of how Parquet lays them out. */
  contents: sha256,
});

export const manifestSchema = z.strictObject({
  format: z.literal("trimtab-dataset"),
  version: z.literal(VERSION),
  name: z.string(),
  /** True for a generated log: every number measured on it must say so. */
  synthetic: z.boolean(),
  created: z.string(),
  label: z.strictObject({ column: z.string(), rule: z.string().optional() }),
  user: z.strictObject({ column: z.string(), count }).optional(),
  fields: z.array(fieldManifest).min(1),
  split: z.strictObject({
    by: z.enum(["files", "random", "time", "hash", "rows"]),
    column: z.string().optional(),
    seed: z.number().optional(),
    shares: z.array(z.number()).optional(),
    counts: z.array(z.number()).optional(),
    /** By time: the first moments of valid and test, in Unix seconds. */
    from: z.tuple([z.number(), z.number()]).optional(),
  }),
  splits: z.strictObject({ train: splitManifest, valid: splitManifest, test: splitManifest }),
  sources: z.array(z.strictObject({ file: z.string(), bytes: count, sha256, rows: count })),
  files: z.array(z.strictObject({ file: z.string(), bytes: count, sha256 })),
  warnings: z.array(z.strictObject({ code: z.string(), field: z.string().optional(), message: z.string() })),
  /** Names the dataset in every result: sha256 over fields, label, split and contents. */
  hash: sha256,
});

/** A dataset's manifest. */
export type Manifest = z.output<typeof manifestSchema>;
export type FieldManifest = Manifest["fields"][number];
/** Something a person should look at before trusting results. */
export type Warning = Manifest["warnings"][number];

/**
 * The dataset's hash: what a model can see, and nothing else. Names of files, times and Parquet's own bytes do not
 * count, so preparing the same source with the same seed gives the same hash everywhere.
 */
export function hashOf(manifest: Omit<Manifest, "hash">): string {
  const { label, user, fields, splits, synthetic } = manifest;
  const seen = {
    version: VERSION,
    synthetic,
    label,
    user: user ?? null,
    fields: fields.map(({ name, kind, rows, slots }) => ({ name, kind, rows, slots })),
    splits: splitNames.map((split) => [split, splits[split].rows, splits[split].contents]),
  };
  return createHash("sha256").update(JSON.stringify(seen)).digest("hex");
}
