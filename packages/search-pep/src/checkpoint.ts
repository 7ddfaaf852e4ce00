/** Where a search stands, in a file that is whole or as it was: a search killed at any moment goes on with the same bits. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ElementScheme, elements, type FieldSpec } from "@trimtab/embeddings";
import {
  captureVariables,
  loadTensors,
  restoreVariables,
  type StoredTensor,
  saveTensors,
  type Variable,
} from "@trimtab/tensor-core";
import { z } from "zod";
import { PepCheckpointError } from "./errors.ts";
import { rampSchema, START } from "./schedule.ts";

const positionSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of what fixes the search; also the folder's name. */
  search: z.string(),
  step: z.int().nonnegative(),
  /** The next batch to train. */
  epoch: z.int().nonnegative(),
  batch: z.int().nonnegative(),
  ramp: rampSchema,
  /** The last count that was asked for. */
  counts: z.array(z.strictObject({ level: z.number(), numbers: z.number(), filledRows: z.number() })),
  /** The step at which the mask of each budget was taken, largest budget first. */
  taken: z.array(z.int()),
  /** Seconds of steps and counts, over all sessions. */
  seconds: z.number(),
  finished: z.boolean(),
});

export type Position = Readonly<z.output<typeof positionSchema>>;

export function startPosition(search: string): Position {
  return {
    version: 1,
    search,
    step: 0,
    epoch: 0,
    batch: 0,
    ramp: START,
    counts: [],
    taken: [],
    seconds: 0,
    finished: false,
  };
}

export interface Saved {
  readonly position: Position;
  /** A scheme for each mask that was taken. */
  readonly schemes: readonly ElementScheme[];
}

export class Checkpoint {
  readonly #path: string | undefined;
  readonly #search: string;

  /** Without a folder nothing is written. */
  constructor(folder: string | undefined, search: string) {
    this.#search = search;
    if (!folder) return;
    const own = join(folder, `pep-${search}`);
    mkdirSync(own, { recursive: true });
    this.#path = join(own, "latest.safetensors");
  }

  get exists(): boolean {
    return this.#path !== undefined && existsSync(this.#path);
  }

  get path(): string | undefined {
    return this.#path;
  }

  async save({ position, schemes }: Saved, state: ReadonlyMap<string, Variable>): Promise<void> {
    if (!this.#path) return;
    // a finished search needs no numbers any more
    const tensors = position.finished ? new Map<string, StoredTensor>() : await captureVariables(state);
    schemes.forEach((scheme, i) => {
      scheme.fields.forEach((_, f) => {
        const data = scheme.mask(f);
        tensors.set(maskName(i, f), { dtype: "u32", shape: [data.length], data });
      });
    });
    saveTensors(this.#path, { tensors, metadata: { position: JSON.stringify(position) } });
  }

  /** Puts variables back (unless the search had finished) and tells where it stood. Throws PepCheckpointError, CheckpointError. */
  load(fields: readonly FieldSpec[], dim: number, state: ReadonlyMap<string, Variable>): Saved {
    const path = this.#path!;
    const file = loadTensors(path);
    let json: unknown;
    try {
      json = JSON.parse(file.metadata.position ?? "");
    } catch {
      json = undefined;
    }
    const parsed = positionSchema.safeParse(json);
    if (!parsed.success || parsed.data.search !== this.#search) {
      throw new PepCheckpointError(
        `${path}: is not a checkpoint of this search; remove it to start the search over.`,
      );
    }
    const position = parsed.data;
    const schemes = position.taken.map((_, i) => {
      const masks = fields.map((__, f) => file.tensors.get(maskName(i, f))?.data as Uint32Array);
      return elements(fields, { dim, masks });
    });
    if (!position.finished) restoreVariables(state, file, path);
    return { position, schemes };
  }
}

function maskName(mask: number, field: number): string {
  return `mask.${mask}.${field}`;
}
