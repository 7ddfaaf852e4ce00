/**
 * Keeps the state of a run: the latest of everything (to resume) and the best weights (to hand over). With a folder both
 * are files that are whole or absent; without one the best weights stay in memory.
 *
 * A kill between the two files is harmless: `latest` is then older than `best`, and the run replayed from it reaches the
 * same best again.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LiveTables } from "@trimtab/embeddings";
import {
  CheckpointError,
  captureVariables,
  loadTensors,
  removeLeftovers,
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
/** Prefix of the tensors of live tables; the file's metadata has theirs under the same word. */
const LIVE = "live";

/** Everything that a run changes on the device. */
export interface Kept {
  readonly variables: ReadonlyMap<string, Variable>;
  /** Tables that are no variables of their own. */
  readonly live?: LiveTables;
}

export class Keeper {
  readonly #folder: string | undefined;
  readonly #run: string;
  #best: TensorFile | undefined;

  constructor(folder: string | undefined, run: string) {
    this.#folder = folder;
    this.#run = run;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    for (const name of [LATEST, BEST]) removeLeftovers(join(folder, name));
  }

  get canResume(): boolean {
    return this.#folder !== undefined && existsSync(join(this.#folder, LATEST));
  }

  /** Puts the latest state back and returns where it stood, and what else was told to keep. Throws RunFolderError if it is of another run. */
  async resume(state: Kept): Promise<{ readonly position: Position; readonly more: unknown }> {
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
          "use the same settings to resume, start over with --force, or use another folder.",
      );
    }
    await restore(state, file, path);
    const { more } = file.metadata;
    return { position, more: more === undefined ? undefined : JSON.parse(more) };
  }

  /** `more` is plain JSON. */
  async saveLatest(state: Kept, position: Position, more?: unknown): Promise<void> {
    if (!this.#folder) return;
    const metadata: Record<string, string> = { position: JSON.stringify(position) };
    if (more !== undefined) metadata.more = JSON.stringify(more);
    saveTensors(join(this.#folder, LATEST), await capture(state, metadata));
  }

  async saveBest(weights: Kept): Promise<void> {
    const file = await capture(weights, { run: this.#run });
    if (this.#folder) saveTensors(join(this.#folder, BEST), file);
    else this.#best = file;
  }

  /** Writes the best weights into the model's variables. */
  async restoreBest(weights: Kept): Promise<void> {
    const source = this.#folder ? join(this.#folder, BEST) : "the best weights";
    const file = this.#folder ? load(source) : this.#best;
    if (!file) throw new RunFolderError("training: no best weights were kept; run at least one evaluation.");
    await restore(weights, file, source);
  }
}

/** One file of everything, so that tables and weights are never of two times. */
async function capture({ variables, live }: Kept, metadata: Record<string, string>): Promise<TensorFile> {
  const tensors = new Map(await captureVariables(variables));
  if (!live) return { tensors, metadata };
  const own = await live.capture();
  for (const [name, tensor] of own.tensors) tensors.set(`${LIVE}.${name}`, tensor);
  return { tensors, metadata: { ...metadata, [LIVE]: JSON.stringify(own.metadata) } };
}

async function restore({ variables, live }: Kept, file: TensorFile, source: string): Promise<void> {
  if (live) {
    const tensors = new Map(
      [...file.tensors].flatMap(([name, tensor]) =>
        name.startsWith(`${LIVE}.`) ? [[name.slice(LIVE.length + 1), tensor] as const] : [],
      ),
    );
    const metadata = JSON.parse(file.metadata[LIVE] ?? "{}") as Record<string, string>;
    await live.restore({ tensors, metadata }, source);
  }
  restoreVariables(variables, file, source);
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
