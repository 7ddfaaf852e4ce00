/** @trimtab/search-adass: a one-shot supernet of embedding sizes, searched by reinforcement learning. */
export { adass, memoryOf } from "./adass.ts";
export * from "./errors.ts";
export { dimsOf, type Path } from "./path.ts";
export { Evolution, RandomPaths } from "./search/controls.ts";
export { Costs, schemeOf } from "./search/cost.ts";
export { Evaluator, type EvaluatorOptions } from "./search/evaluator.ts";
export { Reinforce, type ReinforceOptions } from "./search/reinforce.ts";
export { type Judged, judge, ranksOf } from "./search/reward.ts";
export { type LimitSearch, type Searched, searchUnder } from "./search/run.ts";
export type { Strategy } from "./search/strategy.ts";
export { type AdassConfig, adassConfigSchema, candidatesFor, type Settings, settingsOf } from "./settings.ts";
export { CandidateTables, type Mode } from "./supernet/candidates.ts";
export { estimateMemory, type SupernetMemory } from "./supernet/memory.ts";
export { type Draw, Sampler, type SamplerState } from "./supernet/sampler.ts";
export { openStage, type Stage } from "./supernet/stage.ts";
export { type Supernet, trainSupernet } from "./supernet/training.ts";
