/** What a training is given and what it hands back. */
import type { Columns, FieldInfo } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import type { Metrics } from "@trimtab/eval";
import type { Model, ModelConfig } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import type { TrainConfigInput } from "./config.ts";
import type { TrainHooks } from "./hooks.ts";
import type { Position } from "./position.ts";
import type { TrainEvent } from "./progress.ts";

/** The splits a run reads. `test` is not among them: it is scored once, at the end, by whoever reports. */
export interface TrainingData {
  readonly hash: string;
  readonly fields: readonly FieldInfo[];
  readonly train: Columns;
  readonly valid: Columns;
}

export interface TrainOptions {
  readonly device: Device;
  readonly data: TrainingData;
  readonly model: ModelConfig;
  readonly scheme: Scheme;
  readonly seed: number;
  readonly config?: TrainConfigInput;
  /** Checkpoints go here; without it nothing is written. */
  readonly folder?: string;
  /** Go on from the folder's checkpoint if there is one. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Called with the fresh model before the first step (to inherit weights, say). Not called on resumption. */
  readonly prepare?: (model: Model) => Promise<void> | void;
  /** Plain JSON that tells one `prepare` from another: a checkpoint that started otherwise is of another run. */
  readonly start?: unknown;
  /** What a method adds that decides while the model trains. */
  readonly hooks?: TrainHooks;
}

/** A trained model with its best weights in place. Dispose it when done. */
export interface Trained {
  readonly model: Model;
  /** Metrics of the validation split with the best weights. */
  readonly valid: Metrics;
  readonly bestEpoch: number;
  readonly epochs: number;
  readonly steps: number;
  readonly history: Position["history"];
  readonly seconds: Position["seconds"];
  readonly rowsPerSecond: number;
  /** Bytes that training held on the device: the model's variables with their indexes, and the optimizer's. */
  readonly trainBytes: number;
  /** The most bytes that tables held which changed while training, on device and host; undefined for all others. */
  readonly tableBytes?: number;
  /** Logits of another split. */
  score(columns: Columns): Promise<Float32Array>;
  dispose(): Promise<void>;
}
