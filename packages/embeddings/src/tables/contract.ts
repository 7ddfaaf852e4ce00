/** What a model asks of embedding tables, whatever scheme they are built from. */
import type { Rule, Tensor, Variable } from "@trimtab/tensor-core";
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
  /** [B, F', d] for the F' fields that have an embedding, in the order of `tables.order`. Throws SchemeError if dims differ and nothing projects them. */
  readonly projected: Tensor;
  /** [B, F, d] in scheme order where every field has an embedding of one dim: what all else is computed from. */
  readonly lookedUp: Tensor | undefined;
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
