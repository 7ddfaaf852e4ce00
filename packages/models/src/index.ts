/** @trimtab/models: click-through-rate models over any embedding scheme. */
export {
  type DeepfmOptions,
  type DlrmOptions,
  type DnnOptions,
  deepfm,
  dlrm,
  dnn,
  type FmOptions,
  fm,
  type LrOptions,
  lr,
  type ModelConfig,
  type ModelKind,
  modelConfigSchema,
  modelTakes,
  needsEqualDims,
  parseModelConfig,
  type WideDeepOptions,
  wideDeep,
} from "./config.ts";
export * from "./errors.ts";
export { inheritModel } from "./inherit.ts";
export { buildModel, type Forward, type ForwardOptions, Model } from "./model.ts";
export { hasEnough } from "./parts/enough.ts";
export { pairCount, pairDots, pairOrder } from "./parts/pair-dots.ts";
export { pairProducts } from "./parts/pairs.ts";
export { denseRule, linearRule, tableRule, trainCost } from "./rules.ts";
export { scoreStep, type TrainStep, trainStep } from "./steps.ts";
