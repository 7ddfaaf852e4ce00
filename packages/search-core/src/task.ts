/**
 * A task: what a scheme is searched for. It carries the base model too, trained on first use and shared by every searcher
 * that asks, so that a comparison trains it once.
 */
import { join } from "node:path";
import type { Dataset, FieldInfo } from "@trimtab/data";
import { type FieldSpec, type Scheme, uniform } from "@trimtab/embeddings";
import type { ModelConfig } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import type { TrainConfigInput } from "./training/config.ts";
import type { Trained, TrainingData } from "./training/contract.ts";
import type { TrainEvent } from "./training/progress.ts";
import { train } from "./training/trainer.ts";

export interface TaskOptions {
  readonly data: Dataset;
  readonly model: ModelConfig;
  readonly device: Device;
  readonly seed: number;
  readonly train?: TrainConfigInput;
  /** Where checkpoints go; each part of the task gets a folder of its own in it. */
  readonly folder?: string;
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
}

export class Task {
  readonly data: Dataset;
  readonly model: ModelConfig;
  readonly device: Device;
  readonly seed: number;
  readonly train: TrainConfigInput;
  readonly folder: string | undefined;
  readonly resume: boolean;
  readonly signal: AbortSignal | undefined;
  #training: Promise<TrainingData> | undefined;
  #base: Promise<Trained> | undefined;

  constructor(options: TaskOptions) {
    this.data = options.data;
    this.model = options.model;
    this.device = options.device;
    this.seed = options.seed;
    this.train = options.train ?? {};
    this.folder = options.folder;
    this.resume = options.resume ?? false;
    this.signal = options.signal;
  }

  /** The dataset's fields as the embeddings package wants them. */
  get fields(): FieldSpec[] {
    return fieldSpecs(this.data.fields);
  }

  /** The uniform scheme that shares and savings are measured against. */
  get uniform(): Scheme {
    return uniform(this.fields, baseDim(this.model));
  }

  /** The training and validation splits, read once. */
  splits(): Promise<TrainingData> {
    this.#training ??= this.#load();
    return this.#training;
  }

  /** The base model under the uniform scheme, trained on first use. */
  base(onEvent?: (event: TrainEvent) => void): Promise<Trained> {
    this.#base ??= this.trainUnder(this.uniform, { name: "base", onEvent });
    return this.#base;
  }

  /** Trains the task's model under a scheme; `name` is the sub-folder of its checkpoints. */
  async trainUnder(
    scheme: Scheme,
    options: {
      readonly name: string;
      readonly onEvent?: (event: TrainEvent) => void;
      readonly prepare?: Parameters<typeof train>[0]["prepare"];
      /** As in `train`: what tells this `prepare` from others. */
      readonly start?: unknown;
    },
  ): Promise<Trained> {
    return train({
      device: this.device,
      data: await this.splits(),
      model: this.model,
      scheme,
      seed: this.seed,
      config: this.train,
      folder: this.folder && join(this.folder, options.name),
      resume: this.resume,
      signal: this.signal,
      onEvent: options.onEvent,
      prepare: options.prepare,
      start: options.start,
    });
  }

  async dispose(): Promise<void> {
    const base = this.#base;
    this.#base = undefined;
    if (base) await (await base.catch(() => undefined))?.dispose();
  }

  async #load(): Promise<TrainingData> {
    const [train, valid] = await Promise.all([this.data.load("train"), this.data.load("valid")]);
    return { hash: this.data.hash, fields: this.data.fields, train, valid };
  }
}

export function fieldSpecs(fields: readonly FieldInfo[]): FieldSpec[] {
  return fields.map(({ name, rows, slots }) => ({ name, rows, slots }));
}

/** The dim of the uniform scheme; models without embeddings (LR) have dim 0. */
export function baseDim(model: ModelConfig): number {
  return "dim" in model ? model.dim : 0;
}
