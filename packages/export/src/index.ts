/** @trimtab/export: compact model folders, ONNX, and table configurations for other trainers. */
export { captureModel, type ModelParts } from "./capture.ts";
export { dlrmConfig } from "./configs/dlrm.ts";
export { type OtherTrainer, torchrecConfig } from "./configs/torchrec.ts";
export * from "./errors.ts";
export { type ExportOptions, exportModel } from "./export.ts";
export { readFolder } from "./files/folder.ts";
export {
  type ExportField,
  type ExportManifest,
  exportManifestSchema,
  type SelfTest,
} from "./files/manifest.ts";
export { decodeExported, encodeExported } from "./files/safetensors.ts";
export { type EncodedGraph, type Graph, IR_VERSION, OPSET } from "./onnx/graph.ts";
export { type BuiltGraph, buildGraph } from "./onnx/model.ts";
export { OnnxScorer } from "./onnx/run.ts";
export { ExportedModel, type OpenExportOptions, openExport } from "./open.ts";
export { narrow, SCALE_BLOCK, widen } from "./precision/quantise.ts";
export {
  type ExportedFile,
  type ExportedTensor,
  type NarrowTensor,
  type NarrowType,
  PRECISIONS,
  type Precision,
} from "./precision/stored.ts";
export { type RawRow, RawRows } from "./raw-rows.ts";
export { TOLERANCE } from "./self-test.ts";
