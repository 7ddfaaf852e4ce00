/** Result rows of trained models: everything needed to run them again, and everything they showed. */
import { createRequire } from "node:module";
import type { Dataset } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { type Metrics, parseResultRow, type ResultRow } from "@trimtab/eval";
import { type ModelConfig, trainCost } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import manifest from "../../package.json" with { type: "json" };
import type { Task } from "../task.ts";
import type { Trained } from "../training/contract.ts";

export interface RowFacts {
  readonly command: string;
  readonly task: Task;
  /** The searcher or baseline; "base" for the uniform model. */
  readonly method: string;
  readonly budget: string | null;
  readonly scheme: Scheme;
  readonly trained: Pick<
    Trained,
    "valid" | "bestEpoch" | "epochs" | "history" | "steps" | "trainBytes" | "tableBytes" | "model"
  >;
  /** Metrics of the test split where it was read. */
  readonly test?: Metrics;
  readonly seconds: Readonly<Record<string, number>>;
  /** More of the configuration: the training settings with defaults, the searcher's own. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Builds and checks a row. */
export function resultRow(facts: RowFacts): ResultRow {
  const { task, scheme, trained } = facts;
  const { data, device } = task;
  return parseResultRow({
    version: 1,
    command: facts.command,
    config: JSON.parse(
      JSON.stringify({
        ...facts.config,
        // a method may have trained by another optimizer than it was asked for
        model: trained.model.config,
        scheme: scheme.toJSON(),
        bestEpoch: trained.bestEpoch,
        epochs: trained.epochs,
        // few beside the base model's tell of a training that stopped on a plateau
        fullRateEpochs: trained.history.filter(({ learningRateScale }) => learningRateScale === 1).length,
        steps: trained.steps,
        // the whole model: first-order weights, tower and running moments beside the embeddings
        modelBytes: { serve: trained.model.bytes, train: trained.trainBytes },
      }),
    ),
    dataset: data.name,
    datasetHash: data.hash,
    synthetic: isSynthetic(data),
    seeds: { run: task.seed },
    engine: device.info.engine,
    adapter: device.info.adapter,
    versions: versions(device),
    model: modelLabel(task.model),
    method: facts.method,
    budget: facts.budget,
    metrics: { valid: trained.valid, test: facts.test ?? null },
    parameters: scheme.parameters,
    bytes: {
      serve: scheme.serveBytes(),
      train: trained.tableBytes ?? scheme.trainBytes(trainCost(trained.model.config)),
      uniform: task.uniform.serveBytes(),
    },
    seconds: facts.seconds,
    date: new Date().toISOString(),
  });
}

function isSynthetic(data: Dataset): boolean {
  return data.manifest.synthetic;
}

/** The model with what tells it from its siblings: "deepfm d16 64-32", "dlrm d16 bottom 64-32 64-32". */
export function modelLabel(model: ModelConfig): string {
  const parts: string[] = [model.kind];
  if ("dim" in model) parts.push(`d${model.dim}`);
  if (model.kind === "dlrm" && model.dense.length > 0) parts.push(`bottom ${model.bottom.join("-")}`);
  if ("hidden" in model) parts.push(model.hidden.join("-"));
  return parts.join(" ");
}

function versions(device: Device): ResultRow["versions"] {
  return {
    bun: process.versions.bun ?? `node ${process.versions.node}`,
    webgpu: device.info.engine === "webgpu" ? webgpuVersion() : null,
    trimtab: manifest.version,
  };
}

/** The version of the binding, which belongs to tensor-core; null in a browser or where it cannot be told. */
function webgpuVersion(): string | null {
  try {
    const require = createRequire(import.meta.resolve("@trimtab/tensor-core"));
    return (require("webgpu/package.json") as { version: string }).version;
  } catch {
    return null;
  }
}
