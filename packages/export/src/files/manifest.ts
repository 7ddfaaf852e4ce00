/** manifest.json of an exported folder: what a stranger must know to score a raw row, and the checksum of every other file. */
import { metricsSchema } from "@trimtab/eval";
import { modelConfigSchema } from "@trimtab/models";
import { z } from "zod";
import { PRECISIONS } from "../precision/stored.ts";

export const MANIFEST = "manifest.json";
export const EMBEDDINGS = "embeddings.safetensors";
export const NETWORK = "network.safetensors";
export const ONNX = "model.onnx";
export const ONNX_DATA = "model.onnx.data";

const count = z.int().nonnegative();

const fieldSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(["categorical", "numeric", "multi"]),
  /** n_f: ids are 0 to rows - 1, 0 is out of vocabulary. */
  rows: z.int().positive(),
  /** Ids of one row of data. */
  slots: z.int().positive(),
  /** Numbers of its embedding; where rows differ, the most. 0: it has none. */
  dim: count,
  /** Column of the log, and what was made of it before it became an id. */
  column: z.string(),
  derived: z.string().optional(),
  separator: z.string().optional(),
  buckets: z
    .strictObject({ by: z.enum(["log2", "quantiles", "edges"]), edges: z.array(z.number()).optional() })
    .optional(),
  /** Id of a missing value: 0 where it has no row of its own; null where missing values are an error. */
  missing: count.nullable(),
  /** JSON list of values by id, null for out of vocabulary and missing; null where the dataset is only referred to. */
  vocabulary: z.string().nullable(),
});

const tensorSchema = z.strictObject({
  name: z.string(),
  type: z.enum(["int64", "float32"]),
  /** Axes; "batch" is any number of rows. */
  shape: z.array(z.union([z.literal("batch"), z.int().positive()])),
});

const differenceSchema = z.strictObject({
  /** Largest |difference| of two logits. */
  largest: z.number().nonnegative(),
  /** Largest |difference| / max(1, |logit|), which is what is limited. */
  relative: z.number().nonnegative(),
});

const selfTestSchema = z.strictObject({
  rows: z.int().positive(),
  split: z.literal("valid"),
  tolerance: z.number().positive(),
  /** The reloaded folder beside the run's model. */
  reloaded: differenceSchema,
  /** onnxruntime beside the reloaded folder. */
  onnx: differenceSchema.extend({ runtime: z.string() }).nullable(),
  /** On the whole validation split; null where numbers are kept whole. */
  cost: z
    .strictObject({
      rows: z.int().positive(),
      auc: z.strictObject({ run: z.number(), exported: z.number() }),
      logloss: z.strictObject({ run: z.number(), exported: z.number() }),
    })
    .nullable(),
});

export const exportManifestSchema = z.strictObject({
  format: z.literal("trimtab-export"),
  version: z.literal(1),
  created: z.iso.datetime({ offset: true }),
  /** The command that wrote the folder; null where a program did. */
  command: z.string().nullable(),
  versions: z.strictObject({ trimtab: z.string(), bun: z.string() }),
  model: modelConfigSchema,
  scheme: z.strictObject({
    kind: z.string(),
    layout: z.string().nullable(),
    base: count,
    parameters: count,
    /** Bytes by the scheme's own formula, at 32 bits a number; and of the uniform scheme. */
    serveBytes: count,
    uniformBytes: count,
  }),
  /** `scaleBlock`: numbers that share a scale in lists of values (int8). */
  precision: z.strictObject({ name: z.enum(PRECISIONS), scaleBlock: z.int().positive() }),
  fields: z.array(fieldSchema).min(1),
  dataset: z.strictObject({
    name: z.string(),
    hash: z.string(),
    /** True: every number below was measured on generated data. */
    synthetic: z.boolean(),
    /** Where the dataset was, if its vocabularies are not in the folder. */
    folder: z.string().nullable(),
  }),
  /** What the run measured. */
  run: z
    .strictObject({
      method: z.string(),
      budget: z.string().nullable(),
      metrics: z.strictObject({ valid: metricsSchema.nullable(), test: metricsSchema.nullable() }),
    })
    .nullable(),
  onnx: z
    .strictObject({
      opset: z.int(),
      ir: z.int(),
      inputs: z.array(tensorSchema),
      outputs: z.array(tensorSchema),
      /** True if numbers that do not exist were written out as zeros; no scheme needs it. */
      expanded: z.boolean(),
    })
    .nullable(),
  /** Files of table configurations for other trainers; null with the reason where a format cannot hold the scheme. */
  tables: z.strictObject({
    torchrec: z.string().nullable(),
    dlrm: z.string().nullable(),
    why: z.record(z.enum(["torchrec", "dlrm"]), z.string().nullable()),
  }),
  bytes: z.strictObject({
    /** Values and index of embeddings, as they are in the file. */
    embeddings: count,
    /** Everything else that scores. */
    network: count,
    /** The ONNX file and its data; null without. */
    onnx: count.nullable(),
  }),
  /** null until the test has passed; a folder under its final name has passed. */
  selfTest: selfTestSchema.nullable(),
  files: z.array(
    z.strictObject({ file: z.string(), bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export type ExportManifest = Readonly<z.output<typeof exportManifestSchema>>;
export type SelfTest = NonNullable<ExportManifest["selfTest"]>;
export type ExportField = ExportManifest["fields"][number];
