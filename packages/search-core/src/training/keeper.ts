/**
 * Keeps the state of a run: the latest of everything (to resume) and the best weights (to hand over). With a folder both
 * are files that are whole or absent; without one the best weights stay in memory.
 *
 * A kill between the two files is harmless: `latest` is then older than `best`, and the run replayed from it reaches the
 * same best again.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  CheckpointError,
  captureVariables,
  loadTensors,
  restoreVariables,
  saveTensors,
  type TensorFile,
  type Variable,
} from "@trimtab/tensor-core";
import { parseConfig } from "../config.ts";
import { RunFolderError } from "../errors.ts";
import { type Position, positionSchema } from "./position.ts";

const LATEST = "latest.safetensors";
const BEST = "best.safetensors";

export class Keeper {
  readonly #folder: string | undefined;
  readonly #run: string;
  #best: TensorFile | undefined;

  constructor(folder: string | undefined, run: string) {
    this.#folder = folder;
    this.#run = run;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    // a killed process may leave a temporary file behind
    for (const name of readdirSync(folder))
      if (name.endsWith(".tmp")) rmSync(join(folder, name), { force: true });
  }

  get canResume(): boolean {
    return this.#folder !== undefined && existsSync(join(this.#folder, LATEST));
  }

  /** Puts the latest state back and returns where it stood. Throws RunFolderError if it is of another run. */
  resume(state: ReadonlyMap<string, Variable>): Position {
    const path = join(this.#folder!, LATEST);
    const file = load(path);
    let json: unknown;
    try {
      json = JSON.parse(file.metadata.position ?? "");
    } catch {
      throw new RunFolderError(
        `${path}: has no readable position; it is not a training checkpoint. Remove it to start over.`,
      );
    }
    const position = parseConfig(positionSchema, json, path);
    if (position.run !== this.#run) {
      throw new RunFolderError(
        `${path}: is of another run (data, model, scheme, seed or training configuration differ); ` +
          "use the same settings to resume, or another folder.",
      );
    }
    restoreVariables(state, file, path);
    return position;
  }

  async saveLatest(state: ReadonlyMap<string, Variable>, position: Position): Promise<void> {
    if (!this.#folder) return;
    const tensors = await captureVariables(state);
    saveTensors(join(this.#folder, LATEST), { tensors, metadata: { position: JSON.stringify(position) } });
  }

  async saveBest(weights: ReadonlyMap<string, Variable>): Promise<void> {
    const file = { tensors: await captureVariables(weights), metadata: { run: this.#run } };
    if (this.#folder) saveTensors(join(this.#folder, BEST), file);
    else this.#best = file;
  }

  /** Writes the best weights into the model's variables. */
  restoreBest(weights: ReadonlyMap<string, Variable>): void {
    const source = this.#folder ? join(this.#folder, BEST) : "the best weights";
    const file = this.#folder ? load(source) : this.#best;
    if (!file) throw new RunFolderError("training: no best weights were kept; run at least one evaluation.");
    restoreVariables(weights, file, source);
  }
}

/** A checkpoint of a run; one that is damaged says how to go on. */
function load(path: string): TensorFile {
  try {
    return loadTensors(path);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new RunFolderError(
      `${cause.message} To train this model again, remove ${dirname(path)}, or start over with --force.`,
      { cause },
    );
  }
}
