/** What one trial is asked and what it answers: the files of a study. */
import type { SchemeJSON } from "@trimtab/embeddings";
import type { ResultRow } from "@trimtab/eval";
import type { ChunkRunNotes, Settings as LiveSettings } from "@trimtab/search-fiited";
import type { EpochCost, Resident } from "./measure.ts";
import type { Settings } from "./options.ts";

export type Method = "dense" | "fiited" | "row-pruning" | "hashed-rows" | "smaller-dim";

export type Request = {
  /** The file's name. */
  readonly name: string;
  readonly seed: number;
} & (
  | { /** A process that loads the data and trains nothing. */ readonly kind: "data-only" }
  | { readonly kind: "scheme"; readonly method: Method; readonly scheme: SchemeJSON }
  | {
      readonly kind: "live";
      readonly method: "fiited" | "row-pruning";
      readonly budget: string;
      readonly config: Readonly<Record<string, unknown>>;
    }
);

/** One process's whole task. */
export interface Job {
  readonly settings: Settings;
  readonly threads: number;
  readonly request: Request;
  /** Where the answer goes. */
  readonly file: string;
}

/** Bytes of the embedding tables in training. First-order weights and towers, the same for all methods, are not in them. */
export interface TableBytes {
  /** Values alone, at the end. */
  readonly payload: number;
  /** Everything at the end: values, optimizer state; of live tables also map, utilities, candidates, address stack, arrays of a batch. */
  readonly end: number;
  /** The same at its most. */
  readonly peak: number;
  /** The most with what exists for a moment: a pool beside the one that replaces it, an adjustment's lists. */
  readonly moving: number;
}

export interface Trained {
  readonly row: ResultRow;
  readonly history: readonly { readonly epoch: number; readonly auc: number; readonly logloss: number }[];
  readonly bestEpoch: number;
  readonly steps: number;
  readonly bytes: TableBytes;
  /** Bytes on the device at their most: variables of the whole model, programs and their temporaries. */
  readonly devicePeak: number;
  /** Of the trainer's own clock: training steps alone. */
  readonly secondsPerStep: number;
  readonly epochCosts: readonly EpochCost[];
  readonly live?: { readonly settings: LiveSettings; readonly notes: ChunkRunNotes };
}

export interface Answer {
  /** The request as it was; a file of another request is not taken for this one. */
  readonly request: Request;
  readonly resident: Resident | null;
  /** Seconds of the process by the clock, and of processor time over its threads. */
  readonly took: number;
  readonly cpu: number;
  readonly trained?: Trained;
  /** Why this cannot be trained. */
  readonly impossible?: string;
}
