/** @trimtab/search-core: the searcher contract, the trainer, budgets and baselines. */
export { dimsBySize } from "./baselines/by-size.ts";
export { hashedRows } from "./baselines/hashed-rows.ts";
export { magnitude } from "./baselines/magnitude.ts";
export { randomDims } from "./baselines/random-dims.ts";
export { retrainSchema, startOf } from "./baselines/retrain.ts";
export { smallerDim, smallerDimProjected } from "./baselines/smaller-dim.ts";
export { type Budget, costOf, type Limit, limitOf, meets, parseBudget } from "./budget.ts";
export { parseConfig } from "./config.ts";
export {
  type ConformanceCheck,
  ConformanceError,
  type ConformanceSubject,
  conformanceChecks,
} from "./conformance.ts";
export { everyField, isReadable, leastDims, readsNothing, schemeOfDims } from "./dims.ts";
export {
  type ElementChoice,
  elementCapacity,
  elementsCannot,
  keepLargest,
  type Masks,
  readField,
} from "./elements.ts";
export * from "./errors.ts";
export { labelled, ownName } from "./labelled.ts";
export { type Advantage, advantages, aucError } from "./run/advantage.ts";
export {
  type Comparison,
  type ComparisonEvent,
  type ComparisonOptions,
  compare,
  type Left,
  type Missing,
  recall,
} from "./run/comparison.ts";
export { type DropCostOptions, type DropCosts, dropCosts, recallDropCosts } from "./run/drop-costs.ts";
export { EventLog } from "./run/event-log.ts";
export { writeJson } from "./run/files.ts";
export { modelLabel, type RowFacts, resultRow } from "./run/result-row.ts";
export { differences, type RunConfig, runConfigSchema } from "./run/run-config.ts";
export { fileName, RunFolder } from "./run/run-folder.ts";
export { openSavedModel, type SavedModel, type SavedModelOptions } from "./run/saved-model.ts";
export { recallSearch, recallSearchByName, type SavedSearch, storeSearch } from "./run/saved-search.ts";
export { TrialCache } from "./run/trial-cache.ts";
export { WatchedTask } from "./run/watched-task.ts";
export {
  defineSearcher,
  type Found,
  type SearchEvent,
  type Searcher,
  type SearcherDefinition,
  type SearchOptions,
  type SearchOutcome,
  type SearchResult,
} from "./searcher.ts";
export { baseDim, fieldSpecs, Task, type TaskOptions } from "./task.ts";
export { type TrainConfig, type TrainConfigInput, trainConfigSchema } from "./training/config.ts";
export type { Trained, TrainingData, TrainOptions } from "./training/contract.ts";
export { batchFeeds, padFeeds } from "./training/feeds.ts";
export type { TrainHooks, TrainPlace } from "./training/hooks.ts";
export { runHash, sameBits } from "./training/identity.ts";
export type { TrainEvent, TrainProgress } from "./training/progress.ts";
export { Scorer } from "./training/scorer.ts";
export { Stepper } from "./training/stepper.ts";
export { train } from "./training/trainer.ts";
