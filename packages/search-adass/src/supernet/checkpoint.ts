/** Where a supernet's training stands, in files that are whole or as they were: killed at any moment it goes on with the same bits. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  captureVariables,
  loadTensors,
  restoreVariables,
  saveTensors,
  type TensorFile,
  type Variable,
} from "@trimtab/tensor-core";
import { z } from "zod";
import { AdassCheckpointError } from "../errors.ts";
import { samplerStateSchema } from "./sampler.ts";

const drawSchema = z.strictObject({ path: z.array(z.int()), trained: z.array(z.int()) });

const positionSchema = z.strictObject({
  version: z.literal(2),
  /** Hash of what fixes the supernet; also the folder's name. */
  supernet: z.string(),
  /** The next batch to train. */
  epoch: z.int().nonnegative(),
  batch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  sampler: samplerStateSchema,
  /** Draws of the running block. */
  block: z.array(drawSchema),
  /** The block before, with what it showed, which the sampler has not been told yet. */
  waiting: z.strictObject({ draws: z.array(drawSchema), shown: z.array(z.number()) }).nullable(),
  /** Mean AUC of the probe paths after each epoch. */
  probes: z.array(z.number()),
  bestEpoch: z.int().nullable(),
  /** Epochs in a row without gain. */
  bad: z.int().nonnegative(),
  /** Seconds of steps and of probes, over all sessions. */
  seconds: z.strictObject({ steps: z.number(), probes: z.number() }),
  finished: z.boolean(),
});

export type Position = Readonly<z.output<typeof positionSchema>>;

/** Before the first step; the sampler has no state yet. */
export function startPosition(supernet: string): Omit<Position, "sampler"> {
  return {
    version: 2,
    supernet,
    epoch: 0,
    batch: 0,
    step: 0,
    block: [],
    waiting: null,
    probes: [],
    bestEpoch: null,
    bad: 0,
    seconds: { steps: 0, probes: 0 },
    finished: false,
  };
}

export class Checkpoint {
  readonly #supernet: string;
  readonly #folder: string | undefined;
  #best: TensorFile | undefined;

  /** Without a folder nothing is written, and the best weights stay in memory. */
  constructor(folder: string | undefined, supernet: string) {
    this.#supernet = supernet;
    if (!folder) return;
    this.#folder = join(folder, `adass-${supernet}`);
    mkdirSync(this.#folder, { recursive: true });
  }

  get folder(): string | undefined {
    return this.#folder;
  }

  get exists(): boolean {
    return this.#folder !== undefined && existsSync(this.#latest);
  }

  /** `state`: what training goes on with; of a finished one nothing but its position is needed beside the best weights. */
  async save(position: Position, state: ReadonlyMap<string, Variable>): Promise<void> {
    if (!this.#folder) return;
    const tensors = position.finished ? new Map() : await captureVariables(state);
    saveTensors(this.#latest, { tensors, metadata: { position: JSON.stringify(position) } });
  }

  /** Puts the state back (unless it had finished) and tells where it stood. Throws AdassCheckpointError, CheckpointError. */
  load(state: ReadonlyMap<string, Variable>): Position {
    const file = loadTensors(this.#latest);
    const parsed = positionSchema.safeParse(parseJson(file.metadata.position));
    if (!parsed.success || parsed.data.supernet !== this.#supernet) {
      throw new AdassCheckpointError(
        `${this.#latest}: is not a checkpoint of this supernet; remove it to train the supernet again.`,
      );
    }
    if (!parsed.data.finished) restoreVariables(state, file, this.#latest);
    return parsed.data;
  }

  /**
   * Named by its epoch: configurations that differ in their search alone have one supernet, and processes may train it side by side. Each reaches the
   * same weights in the same epoch, but not at the same time, and one that is behind must not take the place of what another goes on with.
   */
  async saveBest(weights: ReadonlyMap<string, Variable>, epoch: number): Promise<void> {
    const file = { tensors: await captureVariables(weights), metadata: { supernet: this.#supernet } };
    if (!this.#folder) {
      this.#best = file;
      return;
    }
    saveTensors(this.#bestPath(epoch), file);
    for (const name of readdirSync(this.#folder)) {
      const older = /^best-(\d+)\.safetensors$/.exec(name);
      if (older && Number(older[1]) < epoch) rmSync(join(this.#folder, name), { force: true });
    }
  }

  loadBest(weights: ReadonlyMap<string, Variable>, epoch: number): void {
    const file = this.#best ?? loadTensors(this.#bestPath(epoch));
    restoreVariables(weights, file, this.#folder ? this.#bestPath(epoch) : "the best weights");
  }

  get #latest(): string {
    return join(this.#folder!, "latest.safetensors");
  }

  #bestPath(epoch: number): string {
    return join(this.#folder!, `best-${epoch}.safetensors`);
  }
}

export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
