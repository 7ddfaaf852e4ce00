/** What the process that conducts a study and its workers tell each other, over Bun's channel between processes. */
import type { EngineName } from "@trimtab/tensor-core";

/** One part of a comparison: the base model of a seed, or a method under a seed. */
export interface Order {
  /** Run folder of the comparison. Its config.json says which data, model and training. */
  readonly folder: string;
  readonly seed: number;
  /** Undefined: the base model alone. */
  readonly method?: { readonly name: string; readonly config: unknown };
  /** Modules of searchers that are not ours. */
  readonly modules: readonly string[];
  readonly budgets: readonly string[];
  readonly command: string;
  readonly cache?: string;
  readonly keep: boolean;
  readonly fieldWorth: boolean;
  readonly severalSeeds: boolean;
  readonly device: {
    readonly engine?: EngineName;
    readonly threads?: number;
    readonly adapter?: string;
    readonly debug?: boolean;
  };
}

export type ToWorker =
  | { readonly kind: "work"; readonly order: Order }
  /** Write a checkpoint and end the part. */
  | { readonly kind: "stop" }
  /** There is no more to do, and its last message was heard: a worker that ended by itself could take that message along. */
  | { readonly kind: "bye" };

export type FromWorker =
  /** It listens. */
  | { readonly kind: "ready" }
  | { readonly kind: "update"; readonly label: string; readonly share: number; readonly note: string }
  /** A training is done, or was known. */
  | {
      readonly kind: "row";
      readonly text: string;
      readonly budget: string | null;
      readonly known: boolean;
      readonly seconds: number;
    }
  /** Something a person should read. */
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "done" }
  /** It was told to stop, and did. */
  | { readonly kind: "stopped" }
  /** `text` is what the error says, with the stack where --debug was given. */
  | { readonly kind: "failed"; readonly text: string; readonly wrongUse: boolean };
