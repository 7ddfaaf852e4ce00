// The public API of @trimtab/data.
export type { Batch, BatchTable, TableLayout } from "./batch-maker.ts";
export {
  type BatchEpoch,
  type BatchSource,
  type BatchSourceOptions,
  createBatchSource,
  type OpenBatchesOptions,
  openBatches,
} from "./batch-source.ts";
export { type Columns, checkColumns, type FieldInfo, sampleRows, sharedUint32 } from "./columns.ts";
export { Dataset, openDataset, type VocabularyEntry } from "./dataset.ts";
export * from "./errors.ts";
export {
  type GenerateDatasetOptions,
  type GenerateOptions,
  generate,
  generateDataset,
  parseTruth,
  type Truth,
} from "./generate/generate.ts";
export { fieldsOfSize } from "./generate/sizes.ts";
export {
  defaultFields,
  defaultStrength,
  LATENT,
  type PlantedField,
  type Strength,
} from "./generate/truth.ts";
export { type FieldHash, type HashRule, hashedRow } from "./hashed-row.ts";
export {
  type FieldManifest,
  type Manifest,
  manifestSchema,
  type SplitName,
  type Warning,
} from "./manifest.ts";
export { type BatchPlan, PAD, PIECE, planArrays, planCapacity } from "./plan.ts";
export { buildPlan, PlanBuilder } from "./plan-builder.ts";
export { cleanLeftovers } from "./prepare/folder.ts";
export { LEAK_AUC } from "./prepare/leaks.ts";
export { type PrepareOptions, type PrepareProgress, prepare } from "./prepare/prepare.ts";
export { recognise } from "./prepare/resolve.ts";
export { permutation, Random } from "./random.ts";
export { type Recipe, recipes } from "./recipes.ts";
export { type LogSchema, type LogSchemaInput, logSchema, parseLabel, parseSchema } from "./schema.ts";
