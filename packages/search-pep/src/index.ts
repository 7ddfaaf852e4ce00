/** @trimtab/search-pep: plug-in embedding pruning. */
export * from "./errors.ts";
export { type Granularity, granularities, thresholdBytes, thresholdCount } from "./granularity.ts";
export { memoryOf, pep, warningsOf } from "./pep.ts";
export { type RareShare, rareShare } from "./rare.ts";
export {
  type FaithfulSettings,
  type PepConfig,
  pepConfigSchema,
  type ScheduledSettings,
  type Settings,
  settingsOf,
} from "./settings.ts";
export { softThreshold } from "./soft-threshold.ts";
export { openStage, type Stage } from "./stage.ts";
export { type ThresholdOptions, Thresholds } from "./thresholds.ts";
export { stepsToReach, thresholdOf } from "./warm-up.ts";
