/** @trimtab/tensor-core: tensors, autodiff, optimizers and engines. */

export { grad } from "./autodiff/grad.ts";
export { type Gradient, RowGradient } from "./autodiff/row-gradient.ts";
export { Device, type DeviceMemory, type ProgramParts } from "./device.ts";
export { type DType, ELEMENT_BYTES, type HostArray } from "./dtype.ts";
export type { Engine, EngineInfo, EngineMemory, EngineName, KernelTime } from "./engines/engine.ts";
export * from "./errors.ts";
export * from "./graph/elementwise.ts";
export { type FoldOptions, max, mean, min, sum } from "./graph/folds.ts";
export { constant, input, iota, planInputs, zeros } from "./graph/leaves.ts";
export { matmul } from "./graph/matmul.ts";
export { assign, assignRows, gather, rows, segmentSum } from "./graph/tables.ts";
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
export type { Feeds, Program } from "./program.ts";
export { type Shape, showShape, sizeOf } from "./shape.ts";
