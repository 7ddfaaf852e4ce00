/** @trimtab/embeddings: schemes (which numbers exist), the tables built from them, and exact bytes. */
export type { Adjustment, ChunkList } from "./chunks/adjustment.ts";
export { ChunkTables } from "./chunks/compact.ts";
export type { ChunkMemory } from "./chunks/memory.ts";
export { type ChunkStoreOptions, candidateSlots, type StoreShape } from "./chunks/options.ts";
export { type PlannedBatch, type PlannedRows, placesOf } from "./chunks/resolver.ts";
export { type RowChunkOptions, RowChunkScheme, rowChunks } from "./chunks/scheme.ts";
export { type StepInputs, stepInputs } from "./chunks/step.ts";
export { ChunkStore } from "./chunks/store.ts";
export { ChunkStoreTables } from "./chunks/store-tables.ts";
export { type ChunkArrays, FIRST, LIVE, type Tracked } from "./chunks/tracked.ts";
export type { ChunkVisit, Utilities } from "./chunks/utilities.ts";
export { type ElementOptions, ElementScheme, elements } from "./elements/elements.ts";
export { carryTouched } from "./elements/gradient.ts";
export {
  ELEMENT_LAYOUTS,
  type ElementCounts,
  type ElementLayout,
  elementBytes,
  smallestLayout,
} from "./elements/layouts.ts";
export { ElementTables } from "./elements/tables.ts";
export * from "./errors.ts";
export {
  type FieldSpec,
  HASH_RULES,
  type HashRule,
  isPooled,
  layoutOf,
  slotsOf,
  type TableLayout,
  touchedAtMost,
} from "./fields.ts";
export { compareSchemes, type SchemeComparison } from "./scheme/compare.ts";
export { drawScheme, showBytes } from "./scheme/describe.ts";
export { type HashedOptions, HashedScheme, hashed } from "./scheme/hashed.ts";
export { loadScheme, saveScheme, schemeFromJSON } from "./scheme/json.ts";
export { DimScheme, type PerFieldOptions, type Projection, perField, uniform } from "./scheme/per-field.ts";
export type { FieldUse, Scheme, SchemeJSON, ServeLayout, TrainCost } from "./scheme/scheme.ts";
export { buildTables, DEFAULT_STD, makeTables, type TableOptions } from "./tables/build.ts";
export type {
  EmbeddingTables,
  LiveLookup,
  LiveTables,
  LookupBatch,
  Vectors,
} from "./tables/contract.ts";
export { captureTables, loadTables, restoreTables, saveTables } from "./tables/files.ts";
export { type TableGroup, WHOLE } from "./tables/groups.ts";
export { HashedTables } from "./tables/hashed.ts";
export { inheritTables } from "./tables/inherit.ts";
export {
  type BlockDraw,
  type Draw,
  type DrawBlock,
  denseDraw,
  initialise,
  LINEAR_COLUMN,
  type NumberBlock,
  type NumberDraw,
  tableDraw,
} from "./tables/initial.ts";
export { LookupInputs } from "./tables/inputs.ts";
export { type Lookup, type LookupOrigin, lookUp, type VectorTransform } from "./tables/lookup.ts";
export { oneTable } from "./tables/one-table.ts";
export { DenseTables, type FieldPlace, type TablePart } from "./tables/tables.ts";
