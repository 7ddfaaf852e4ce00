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
export { type Columns, checkColumns, type FieldInfo, sharedUint32 } from "./columns.ts";
export * from "./errors.ts";
export { type BatchPlan, buildPlan, PAD, PIECE, PlanBuilder, planArrays, planCapacity } from "./plan.ts";
export { permutation, Random } from "./random.ts";
