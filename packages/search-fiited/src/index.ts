/** @trimtab/search-fiited: chunks of single vectors that come and go while the model trains. */
export { allChunks, type ChunkCounts, type Cut, costOfChunks, surelyFit } from "./capacity.ts";
export * from "./errors.ts";
export { fiited, rowPruning } from "./fiited.ts";
export type { Peaks } from "./memory.ts";
export { Choice, type ChooseOptions, quotasOf } from "./policy/choose.ts";
export { type FillOptions, fill } from "./policy/fill.ts";
export { Schedule, type ScheduleOptions } from "./policy/schedule.ts";
export { type ScoreOptions, scalesOf, scoresOf } from "./policy/scores.ts";
export { type Cutoff, cutoff, sampledQuantile, take } from "./policy/select.ts";
export { type Adjusted, Pruner, type PrunerOptions } from "./pruner.ts";
export { rowModel } from "./row-model.ts";
export type { ChunkRunNotes } from "./run.ts";
export {
  type FiitedConfig,
  fiitedConfigSchema,
  rowPruningConfigSchema,
  type Settings,
  settingsOf,
  steadyPeriodOf,
} from "./settings.ts";
