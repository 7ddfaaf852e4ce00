/** From a trained model to a folder that others can use. */
import { existsSync } from "node:fs";
import type { Columns, Dataset, FieldManifest } from "@trimtab/data";
import { showBytes, uniform } from "@trimtab/embeddings";
import type { Metrics } from "@trimtab/eval";
import type { Model } from "@trimtab/models";
import { baseDim, Scorer } from "@trimtab/search-core";
import type { Device } from "@trimtab/tensor-core";
import manifestOfPackage from "../package.json" with { type: "json" };
import { captureModel, type ModelParts } from "./capture.ts";
import { dlrmConfig } from "./configs/dlrm.ts";
import { type OtherTrainer, torchrecConfig } from "./configs/torchrec.ts";
import { ExportError, SelfTestError } from "./errors.ts";
import { FolderWriter } from "./files/folder.ts";
import {
  EMBEDDINGS,
  type ExportField,
  type ExportManifest,
  NETWORK,
  ONNX,
  ONNX_DATA,
} from "./files/manifest.ts";
import { encodeExported } from "./files/safetensors.ts";
import { IR_VERSION, OPSET } from "./onnx/graph.ts";
import { idsName, weightsName } from "./onnx/inputs.ts";
import { buildGraph, LOGITS, PROBABILITIES } from "./onnx/model.ts";
import { SCALE_BLOCK } from "./precision/quantise.ts";
import { bytesOf, type Precision } from "./precision/stored.ts";
import { selfTest } from "./self-test.ts";

export interface ExportOptions {
  readonly device: Device;
  /** Trained; it is only read. */
  readonly model: Model;
  /** What it was trained on: for vocabularies, and for validation rows to test with. */
  readonly data: Dataset;
  /** The validation split where it is loaded already. */
  readonly valid?: Columns;
  /** The folder to make. */
  readonly out: string;
  /** In place of an exported folder that is there. */
  readonly force?: boolean;
  /** Default "f32". */
  readonly precision?: Precision;
  /** An ONNX file too. It is tested with onnxruntime-node, which must be installed. */
  readonly onnx?: boolean;
  /** "copy" (default): the folder can score raw values. "reference": the manifest names the dataset. */
  readonly vocabularies?: "copy" | "reference";
  /** What the run measured, for the manifest. */
  readonly run?: {
    readonly method: string;
    readonly budget: string | null;
    readonly metrics: { readonly valid: Metrics | null; readonly test: Metrics | null };
  };
  readonly command?: string;
  /** Validation rows that the self-test compares, default 2048. */
  readonly testRows?: number;
  /** Largest loss of validation AUC by narrower numbers; default 0.01. */
  readonly maxAucCost?: number;
  /** Rows a scoring step; default 1024. */
  readonly scoreBatch?: number;
  readonly onStep?: (step: string) => void;
}

/**
 * Writes the folder under a temporary name, tests it, and gives it its name. A folder that fails the test stays as `OUT.failed`.
 * @throws ExportFolderError where `out` is taken; SelfTestError; OnnxRuntimeError; ExportError for numbers a precision cannot hold
 */
export async function exportModel(options: ExportOptions): Promise<ExportManifest> {
  const { model, data, device, out, precision = "f32", onStep = () => {} } = options;
  checkFields(model, data);
  const writer = new FolderWriter(out, { force: options.force });
  try {
    onStep("writing");
    const parts = await captureModel(model, precision);
    writer.write(EMBEDDINGS, encodeExported(parts.embeddings));
    writer.write(NETWORK, encodeExported(parts.network));
    const fields = await writeVocabularies(writer, parts, options);
    const onnx = options.onnx ? writeOnnx(writer, parts, data) : null;
    const manifest = {
      ...headOf(parts, options),
      fields,
      onnx: onnx?.described ?? null,
      tables: writeConfigs(writer, parts),
      bytes: {
        embeddings: bytesOf(parts.embeddings),
        network: bytesOf(parts.network),
        onnx: onnx?.bytes ?? null,
      },
      selfTest: null,
    };
    writer.manifest(manifest);
    onStep("testing");
    const passed = await test(writer, options, device);
    const whole = writer.manifest({ ...manifest, selfTest: passed });
    writer.finish();
    return whole;
  } catch (reason) {
    if (reason instanceof SelfTestError) {
      const kept = writer.reject();
      throw new SelfTestError(`${reason.message} What was written is in ${kept}.`, { cause: reason });
    }
    if (existsSync(writer.path)) writer.abandon();
    throw reason;
  }
}

async function test(writer: FolderWriter, options: ExportOptions, device: Device) {
  const { model, data, testRows = 2048, scoreBatch = 1024, maxAucCost = 0.01 } = options;
  const valid = options.valid ?? (await data.load("valid"));
  const scorer = await Scorer.make(device, model, data.fields, scoreBatch);
  try {
    return await selfTest({
      folder: writer.path,
      device,
      reference: (columns) => scorer.logits(columns),
      valid,
      rows: testRows,
      scoreBatch,
      maxAucCost,
    });
  } finally {
    await scorer.close();
  }
}

function checkFields({ scheme }: Model, { fields, name }: Dataset): void {
  const shape = (list: readonly { name: string; rows: number; slots: number }[]) =>
    JSON.stringify(list.map((f) => [f.name, f.rows, f.slots]));
  if (shape(scheme.fields) === shape(fields)) return;
  throw new ExportError(
    `export: the model has the fields ${scheme.fields.map((f) => f.name).join(", ")}, the dataset ${name} has ` +
      `${fields.map((f) => f.name).join(", ")} or other rows; give the dataset that it was trained on.`,
  );
}

function headOf(parts: ModelParts, { data, run, command, precision = "f32", vocabularies }: ExportOptions) {
  const { scheme, config } = parts;
  return {
    format: "trimtab-export" as const,
    version: 1 as const,
    created: new Date().toISOString(),
    command: command ?? null,
    versions: { trimtab: manifestOfPackage.version, bun: process.versions.bun ?? "none" },
    model: config,
    scheme: {
      kind: scheme.kind,
      layout: scheme.layout ?? null,
      base: scheme.base,
      parameters: scheme.parameters,
      serveBytes: scheme.serveBytes(),
      uniformBytes: uniform(scheme.fields, baseDim(config)).serveBytes(),
    },
    precision: { name: precision, scaleBlock: SCALE_BLOCK },
    dataset: {
      name: data.name,
      hash: data.hash,
      synthetic: data.manifest.synthetic,
      folder: vocabularies === "reference" ? data.folder : null,
    },
    run: run ?? null,
  };
}

async function writeVocabularies(
  writer: FolderWriter,
  { scheme }: ModelParts,
  { data, vocabularies = "copy" }: ExportOptions,
): Promise<ExportField[]> {
  const out: ExportField[] = [];
  for (const [f, told] of data.manifest.fields.entries()) {
    let vocabulary: string | null = null;
    if (vocabularies === "copy") {
      // numbered: a field's name may be anything
      vocabulary = `vocabularies/${f}.json`;
      const values = (await data.vocabulary(told.name)).map(({ value }) => value);
      writer.text(vocabulary, `${JSON.stringify(values)}\n`);
    }
    out.push(fieldOf(told, scheme.dims[f]!, vocabulary));
  }
  return out;
}

function fieldOf(told: FieldManifest, dim: number, vocabulary: string | null): ExportField {
  const { name, kind, rows, slots, column, derived, separator, buckets, missing } = told;
  const id = missing.rule === "error" ? null : (missing.id ?? 0);
  return { name, kind, rows, slots, dim, column, derived, separator, buckets, missing: id, vocabulary };
}

function writeOnnx(writer: FolderWriter, parts: ModelParts, data: Dataset) {
  const { graph, used } = buildGraph(parts);
  const { scheme, config, fields } = parts;
  const synthetic = data.manifest.synthetic ? " (synthetic)" : "";
  const { model, external } = graph.encode({
    version: manifestOfPackage.version,
    doc:
      `${config.kind} trained on ${data.name}${synthetic}, ${scheme.kind} scheme, ${showBytes(scheme.serveBytes())}. ` +
      "Feed ids/FIELD int64 [batch], of multi-valued fields [batch, slots] with weights/FIELD float32 (1/k for k values, 0 for none). " +
      "Ids that a field does not have are read as 0, out of vocabulary.",
    metadata: { "trimtab.dataset": data.hash, "trimtab.scheme": scheme.kind },
    externalName: ONNX_DATA,
  });
  let { bytes } = writer.write(ONNX, [model]);
  if (external) bytes += writer.write(ONNX_DATA, external).bytes;
  const inputs = used.flatMap((f): NonNullable<ExportManifest["onnx"]>["inputs"] => {
    const { name, slots } = fields[f]!;
    if (slots === 1) return [{ name: idsName(name), type: "int64", shape: ["batch"] }];
    return [
      { name: idsName(name), type: "int64", shape: ["batch", slots] },
      { name: weightsName(name), type: "float32", shape: ["batch", slots] },
    ];
  });
  const outputs = [LOGITS, PROBABILITIES].map((name) => ({
    name,
    type: "float32" as const,
    shape: ["batch" as const],
  }));
  return { bytes, described: { opset: OPSET, ir: IR_VERSION, inputs, outputs, expanded: false } };
}

function writeConfigs(writer: FolderWriter, { scheme }: ModelParts): ExportManifest["tables"] {
  const put = (name: "torchrec" | "dlrm", made: OtherTrainer | string) => {
    if (typeof made === "string") return { file: null, why: made };
    const file = `configs/${name}.json`;
    writer.text(file, `${JSON.stringify(made.json, null, 2)}\n`);
    writer.text(`configs/${made.script}`, made.python);
    return { file, why: null };
  };
  const torchrec = put("torchrec", torchrecConfig(scheme));
  const dlrm = put("dlrm", dlrmConfig(scheme));
  return {
    torchrec: torchrec.file,
    dlrm: dlrm.file,
    why: { torchrec: torchrec.why, dlrm: dlrm.why },
  };
}
