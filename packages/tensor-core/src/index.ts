/** @trimtab/tensor-core: tensors, autodiff, optimizers and engines. */

export { grad } from "./autodiff/grad.ts";
export { type Gradient, RowGradient } from "./autodiff/row-gradient.ts";
export { loadTensors, saveTensors, syncFolder, writeWhole } from "./checkpoint/files.ts";
export {
  decodeTensors,
  encodeTensors,
  type StoredTensor,
  type TensorFile,
} from "./checkpoint/safetensors.ts";
export { isAlive, removeLeftovers, TEMPORARY, temporaryOf } from "./checkpoint/temporary.ts";
export { captureVariables, restoreVariables } from "./checkpoint/variables.ts";
export { Device, type DeviceMemory, type ProgramParts } from "./device.ts";
export { type DType, ELEMENT_BYTES, type HostArray } from "./dtype.ts";
export type {
  Engine,
  EngineChoice,
  EngineInfo,
  EngineMemory,
  EngineName,
  KernelTime,
} from "./engines/engine.ts";
export * from "./errors.ts";
export { customGradient, stopGradient } from "./graph/custom-gradient.ts";
export * from "./graph/elementwise.ts";
export { type FoldOptions, max, mean, min, sum } from "./graph/folds.ts";
export { groupedMatmul, groupedOuter } from "./graph/grouped.ts";
export { constant, input, iota, maxPieces, PIECE, planInputs, zeros } from "./graph/leaves.ts";
export { matmul } from "./graph/matmul.ts";
export { assign, assignRows, gather, rows, segmentSum, spread, touched } from "./graph/tables.ts";
export { type Op, type Operand, type PlanInputs, Tensor } from "./graph/tensor.ts";
export { Variable } from "./graph/variable.ts";
export {
  broadcastTo,
  concat,
  expandDims,
  pad,
  permute,
  reshape,
  slice,
  sliceAxis,
  transpose,
} from "./graph/views.ts";
export type { KernelList } from "./kernels/ir.ts";
export { printKernels } from "./kernels/print.ts";
export { type BatchNormOptions, type BatchNormState, batchNorm } from "./nn/batch-norm.ts";
export { bceWithLogits } from "./nn/loss.ts";
export { dropout, type Rng, randomBits, randomNormal, randomUniform, rngInputs } from "./nn/random.ts";
export { type OpenDeviceOptions, openDevice } from "./open-device.ts";
export { clipGradients } from "./optim/clip.ts";
export { Optimizer, type ParameterGroup } from "./optim/optimizer.ts";
export type { Rule, RuleInputs, RuleOutputs } from "./optim/rule.ts";
export {
  type AdagradOptions,
  type AdamOptions,
  type AdamWOptions,
  adagrad,
  adam,
  adamw,
  rowAdagrad,
  rowAdam,
  rowSgd,
  type SgdOptions,
  sgd,
} from "./optim/rules.ts";
export type { Program } from "./program.ts";
export { type Shape, sizeOf } from "./shape.ts";
export type { Feeds } from "./staging.ts";
