/** A trained model on the host, as it is written: what its scheme says exists, compact, and the rest of its numbers. */
import { captureTables, type FieldSpec, type Projection, type Scheme } from "@trimtab/embeddings";
import type { Model, ModelConfig } from "@trimtab/models";
import { captureVariables } from "@trimtab/tensor-core";
import { narrow, VALUES } from "./precision/quantise.ts";
import type { ExportedFile, Precision } from "./precision/stored.ts";

/** The name of the first-order weights in a model's state. */
export const LINEAR = "linear.weight";

export interface ModelParts {
  readonly config: ModelConfig;
  /** Of the model's tables: without embeddings for logistic regression. */
  readonly scheme: Scheme;
  readonly fields: readonly FieldSpec[];
  /** Fields that have an embedding, in the order in which towers read them. */
  readonly order: readonly number[];
  readonly modelDim: number;
  readonly projection: Projection;
  /** Tables in the form of `saveTables`, with narrower numbers where that was asked for. */
  readonly embeddings: ExportedFile;
  /** All other parameters and running moments by their names in the model's state. */
  readonly network: ExportedFile;
}

/** Copies of everything a model needs to score. Throws ExportError for numbers that the precision cannot hold. */
export async function captureModel(model: Model, precision: Precision): Promise<ModelParts> {
  const { tables, config } = model;
  const embeddings = await captureTables(tables);
  const rest = new Map([...model.state].filter(([name]) => !tables.state.has(name)));
  const network = { tensors: await captureVariables(rest), metadata: {} };
  return {
    config,
    scheme: tables.scheme,
    fields: tables.scheme.fields,
    order: [...tables.order],
    modelDim: tables.modelDim,
    projection: tables.projection,
    embeddings: narrow(embeddings, precision, isTable),
    network: narrow(network, precision, (name) => name === LINEAR),
  };
}

function isTable(name: string): boolean {
  return name === VALUES || name.endsWith("/table");
}
