/** A trained model from its checkpoint folder, for scoring: the best weights, without optimizer or batches. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Columns, FieldInfo } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { buildModel, type Model, type ModelConfig } from "@trimtab/models";
import { type Device, loadTensors, restoreVariables } from "@trimtab/tensor-core";
import { RunFolderError } from "../errors.ts";
import { Scorer } from "../training/scorer.ts";

export interface SavedModelOptions {
  readonly device: Device;
  readonly model: ModelConfig;
  readonly scheme: Scheme;
  readonly fields: readonly FieldInfo[];
  readonly seed: number;
  /** The folder that training wrote into. */
  readonly folder: string;
  /** Rows a scoring step. */
  readonly scoreBatch: number;
}

export interface SavedModel {
  readonly model: Model;
  /** Logits of a split. */
  score(columns: Columns): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Builds the model and puts its best weights in place. Throws RunFolderError where there are none. */
export async function openSavedModel(options: SavedModelOptions): Promise<SavedModel> {
  const { device, folder, fields } = options;
  const path = join(folder, "best.safetensors");
  if (!existsSync(path)) {
    throw new RunFolderError(`${path}: no trained model is here; train first, or go on with --resume.`);
  }
  const model = await buildModel(device, options.model, options.scheme, { seed: options.seed });
  try {
    restoreVariables(model.state, loadTensors(path), path);
    const scorer = await Scorer.make(device, model, fields, options.scoreBatch);
    return {
      model,
      score: (columns) => scorer.logits(columns),
      dispose: async () => {
        await scorer.close();
        model.dispose();
      },
    };
  } catch (reason) {
    model.dispose();
    throw reason;
  }
}
