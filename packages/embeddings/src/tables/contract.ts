/** What a model asks of embedding tables, whatever scheme they are built from. */
import type { Feeds, RowGradient, Rule, Tensor, TensorFile, Variable } from "@trimtab/tensor-core";
import type { PlannedBatch } from "../chunks/resolver.ts";
import type { TableLayout } from "../fields.ts";
import type { Projection } from "../scheme/per-field.ts";
import type { Scheme } from "../scheme/scheme.ts";
import type { Draw } from "./initial.ts";
import type { LookupInputs } from "./inputs.ts";
import type { VectorTransform } from "./lookup.ts";
import type { FieldPlace, TablePart } from "./tables.ts";

/** The vectors of one batch. Only what is asked for enters the graph. */
export interface Vectors {
  /** [B, F_g, d_g] for each layout of the tables. */
  readonly raw: readonly Tensor[];
  /** [B, sum d_f] in the order of `tables.order`. */
  readonly concat: Tensor;
  /**
   * `concat` times a matrix [sum d_f, n], by way of products made once for each touched row: [B, n]. In training alone, and undefined where
   * it would cost more. Its gradient reaches tables and the matrix, but not `raw`, `concat`, `projected` and `lookedUp`.
   */
  readonly times?: ((weight: Tensor) => Tensor) | undefined;
  /** [B, F', d] for the F' fields that have an embedding, in the order of `tables.order`. Throws SchemeError if dims differ and nothing projects them. */
  readonly projected: Tensor;
  /** [B, F, d] in scheme order where every field has an embedding of one dim: what all else is computed from. */
  readonly lookedUp: Tensor | undefined;
  /** Of live tables in training: how this lookup is trained. */
  readonly live?: LiveLookup;
}

/** A lookup whose tables no optimizer holds: whoever builds the step asks for the gradient and adds the updates. */
export interface LiveLookup {
  /** f32 [capacity, d]: the vectors of the plan's rows, from which all positions have theirs, before they are transformed and pooled. */
  readonly touched: Tensor;
  /** `grad(loss, [touched])` as the gradient of rows, so that it can be clipped with the others. */
  rowGradient(gradient: Tensor): RowGradient;
  /** What a step changes. Reads the scalars of the optimizer's group `tables`: `tables.lr` and those of the rule. */
  updates(gradient: RowGradient): Tensor[];
}

/** What live tables look at of a batch; batches of the data package are such. */
export interface LookupBatch {
  readonly tables: readonly {
    readonly name: string;
    readonly ids: Uint32Array;
    readonly plan?: PlannedBatch;
  }[];
}

/**
 * Tables whose rows get and lose memory while training (a chunk store). Their variables change, so no optimizer and no checkpoint holds
 * them. A training step is: `await prepare(batch)`; compile again what was compiled under another `generation`; feed `feeds(batch,
 * true)` beside the rest, and run at once. Scoring needs the last two, with `false`.
 */
export interface LiveTables {
  /** Counts up whenever programs that look up must be compiled again. */
  readonly generation: number;
  /** Those of this generation that change with it, in an order that stays: `Device.compileAgain` can put them in the place of another generation's. */
  readonly variables: readonly Variable[];
  /** Makes room for the rows of a training batch; may change the generation. */
  prepare(batch: LookupBatch): Promise<void>;
  /** Feeds of one run beside ids, weights and plans. In training it counts as a step: call it once a step, right before it runs. */
  feeds(batch: LookupBatch, training: boolean): Feeds;
  /** Everything that training has made of the tables; `restore` makes other tables of the same options go on to the same bits. */
  capture(): Promise<TensorFile>;
  restore(file: TensorFile, source: string): Promise<void>;
}

export interface EmbeddingTables {
  readonly scheme: Scheme;
  /** How vectors of different dims meet. */
  readonly projection: Projection;
  /** Tables that are dense, [rows, d_g]; none under an element mask. */
  readonly parts: readonly TablePart[];
  /** What a lookup is fed ids, weights and plans for. */
  readonly layouts: TableLayout[];
  /** Fields that have an embedding, in the order in which vectors hold them. */
  readonly order: number[];
  /** Dim of `projected`. */
  readonly modelDim: number;
  /** True if `projected` can be asked for. */
  readonly canProject: boolean;
  /** What gradients move: looked-up numbers. */
  readonly tableVariables: Variable[];
  readonly projectionVariables: Variable[];
  /** Everything a checkpoint needs, by name; the rest follows from the scheme. */
  readonly state: Map<string, Variable>;
  /** Bytes of the device buffers that serving needs; equal to the scheme's serve bytes. */
  readonly bytes: number;
  /** Bytes that lookups for training made beside them, until disposed. */
  readonly trainingBytes: number;
  /** Of tables whose rows get and lose memory while training; undefined for all others. */
  readonly live?: LiveTables;
  /** Columns of the base dim that vectors of field f hold. */
  columnsOf(f: number): readonly number[];
  /** Where field f is in a dense table; undefined if it is in none. */
  placeOf(f: number): FieldPlace | undefined;
  /** The vectors of a batch, by way of `transform` where one is given. Throws TablesError where no field has an embedding. */
  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors;
  /** The optimizer's rule in the form that `tableVariables` take. */
  ruleOf(rule: Rule): Rule;
  /** First values: normals of standard deviation `std` for embeddings. */
  draws(std: number): Draw[];
  dispose(): void;
  [Symbol.dispose](): void;
}
