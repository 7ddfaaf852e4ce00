/** A scheme: which numbers of which rows exist. Plain immutable data; every searcher ends in one. */
import type { ElementLayout } from "../elements/layouts.ts";
import type { FieldSpec } from "../fields.ts";

/** What an optimizer keeps beside the numbers it trains. */
export interface TrainCost {
  /** Numbers of state for each number of a table: 0 for SGD, 1 for Adagrad, 2 for Adam. */
  readonly slots: number;
  /** True if each table row also has a 4-byte stamp of its last step (whole-table Adam). */
  readonly touched?: boolean;
  /** Numbers of state for each number of a projection; as `slots` when left out. */
  readonly denseSlots?: number;
}

/** How the numbers lie when they are served. Per-field dims need no index, so they lie densely; element masks have a choice. */
export type ServeLayout = "dense" | ElementLayout;

/** One field's line of a scheme. */
export interface FieldUse {
  readonly field: string;
  /** Rows of its table. */
  readonly rows: number;
  /** n_f, where ids share rows. */
  readonly ids?: number;
  readonly dim: number;
  /** Numbers of a row on average, where rows differ. */
  readonly meanDim?: number;
  /** Numbers of the field: its table part and its projection. */
  readonly parameters: number;
  /** Serve bytes of the field. */
  readonly bytes: number;
  /** Part of the scheme's serve bytes, 0 to 1. */
  readonly share: number;
}

/** What all kinds of scheme can tell. Later kinds (row chunks) implement it too. */
export interface Scheme {
  readonly kind: string;
  readonly fields: readonly FieldSpec[];
  /** Numbers in a vector of each field; where rows differ, the largest. 0: the field has no embedding. */
  readonly dims: readonly number[];
  /** The uniform dim that savings are measured against. */
  readonly base: number;
  /** The layout that is served, where the kind has several. */
  readonly layout?: ServeLayout;
  /** Numbers that exist: tables and projections. */
  readonly parameters: number;
  /** Bytes to serve: values, projections, and every index or mask the kind needs. */
  serveBytes(layout?: ServeLayout): number;
  /** Bytes held while training: what serving needs, and the optimizer's state and stamps. */
  trainBytes(optimizer: TrainCost): number;
  /** A line for each field, in field order. */
  uses(): FieldUse[];
  /** A table a person can read: field, rows, dim, bytes, share. */
  describe(): string;
  /** Data that `schemeFromJSON` reads back. */
  toJSON(): SchemeJSON;
}

/** A scheme as JSON; `kind` says how to read the rest. */
export interface SchemeJSON {
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** Bytes of one number. */
export const VALUE_BYTES = 4;
