/**
 * What a method that decides while the model trains adds to the common trainer: tables of its own, work between steps, and
 * what of it a checkpoint holds. The loop, early stop, learning-rate drops, checkpoints and resumption stay the trainer's.
 */
import type { EmbeddingTables } from "@trimtab/embeddings";
import type { Model } from "@trimtab/models";

/** Where a training stands. */
export interface TrainPlace {
  /** Steps taken. */
  readonly step: number;
  /** The epoch that these steps are of, from 0. */
  readonly epoch: number;
}

export interface TrainHooks {
  /** What fixes the bits of the run beside data, model, scheme, seed and training configuration: plain JSON. */
  readonly identity: unknown;
  /** Tables to train instead of the scheme's own; the trainer disposes them. */
  tables?(): Promise<EmbeddingTables>;
  /** Before the first step of this process, with what `capture` gave where the run is resumed. */
  start?(model: Model, captured: unknown): void;
  /** After each step was queued. Nothing else is queued until it resolves. */
  stepped?(place: TrainPlace): Promise<void> | void;
  /**
   * May these weights become the best? Asked after the last step of an epoch. Where it says no, the evaluation is told and
   * kept in the history, but is neither a gain nor an evaluation without gain. The last evaluation of a run must be told yes.
   */
  eligible?(place: TrainPlace): boolean;
  /** Plain JSON for the checkpoint; what live tables hold is saved without it. */
  capture?(): unknown;
  /** With the best weights in place: the model to hand over in this one's place, which the trainer disposes then. */
  finish?(model: Model): Promise<Model>;
  /** The most bytes that the tables held at any time, on device and host; the model's own count is wrong for tables that change. */
  tableBytes?(): number;
}
