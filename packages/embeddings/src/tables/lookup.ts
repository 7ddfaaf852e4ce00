/** The vectors of one batch, in the forms that models ask for. Only what is asked for enters the graph. */
import {
  concat,
  eq,
  expandDims,
  gather,
  iota,
  matmul,
  mul,
  type PlanInputs,
  permute,
  reshape,
  rows,
  sliceAxis,
  sum,
  type Tensor,
  touched,
  where,
} from "@trimtab/tensor-core";
import { SchemeError } from "../errors.ts";
import type { FieldSpec, TableLayout } from "../fields.ts";
import { layerByRow } from "./by-row.ts";
import type { Vectors } from "./contract.ts";
import type { LookupInputs } from "./inputs.ts";
import type { DenseTables, TablePart } from "./tables.ts";

/** Which rows vectors were looked up from, for transforms that look up numbers of their own beside them. */
export interface LookupOrigin {
  readonly layout: TableLayout;
  /** u32 [B, S]: rows of the layout's table. */
  readonly ids: Tensor;
  /** In training: the plan of these ids. */
  readonly plan?: PlanInputs;
}

/**
 * What a method makes of looked-up vectors [B, S, d], one a slot, before pooling; it keeps their shape. (PEP prunes single
 * numbers here.) Rows that no batch looks up are never seen by it.
 */
export interface VectorTransform {
  (vectors: Tensor, origin: LookupOrigin): Tensor;
  /**
   * In training: the same of the touched rows, [capacity, d] in the plan's order, for a method that treats rows alike wherever they are
   * looked up. With it layers can be computed by touched rows (see `Vectors.times`).
   */
  readonly touched?: (origin: Required<LookupOrigin>) => Tensor;
}

/**
 * Looks up a table [rows, d] for a batch: [B, F_g, d], one pooled vector a field of the layout. Multi-valued fields are
 * weighted sums of their slots (fed weights 1/k make that the mean).
 */
export function lookUp(
  table: Tensor,
  layout: TableLayout,
  fields: readonly FieldSpec[],
  inputs: LookupInputs,
  transform: VectorTransform = (vectors) => vectors,
): Tensor {
  const { ids, weights, plan } = inputs.of(layout);
  return pool(transform(gather(table, ids, plan), { layout, ids, plan }), layout, fields, weights);
}

/** One vector a field of those of its slots [B, S, d]; `weights` [B, S] where a field has several. */
export function pool(
  vectors: Tensor,
  layout: TableLayout,
  fields: readonly FieldSpec[],
  weights: Tensor | undefined,
): Tensor {
  if (!weights) return vectors;
  const parts: Tensor[] = [];
  let at = 0;
  let single = 0;
  const closeRun = () => {
    if (at > single) parts.push(sliceAxis(vectors, 1, single, at));
  };
  for (const { field } of layout.fields) {
    const { slots } = fields[field]!;
    if (slots > 1) {
      closeRun();
      const weight = expandDims(sliceAxis(weights, 1, at, at + slots), 2);
      parts.push(sum(mul(sliceAxis(vectors, 1, at, at + slots), weight), [1], { keep: true }));
      single = at + slots;
    }
    at += slots;
  }
  closeRun();
  return concat(parts, 1);
}

/** [B, F_g, d_g] to [B, F_g, d]: number k of field f goes to column positions[f, k], other columns are zero. */
function place(raw: Tensor, positions: Tensor, dim: number): Tensor {
  const [batch, fields, kept] = raw.shape as [number, number, number];
  const hit = eq(reshape(positions, [1, fields, kept, 1]), iota([1, 1, 1, dim]));
  return sum(where(hit, reshape(raw, [batch, fields, kept, 1]), 0), [2]);
}

/** The vectors of dense tables. */
export class Lookup implements Vectors {
  readonly #tables: DenseTables;
  readonly #inputs: LookupInputs;
  readonly #transform: VectorTransform | undefined;
  #raw: readonly Tensor[] | undefined;
  #concat: Tensor | undefined;
  #projected: Tensor | undefined;

  constructor(tables: DenseTables, inputs: LookupInputs, transform?: VectorTransform) {
    this.#tables = tables;
    this.#inputs = inputs;
    this.#transform = transform;
  }

  /** [B, F_g, d_g] for each table, in the order of `tables.parts`. */
  get raw(): readonly Tensor[] {
    const { parts, scheme } = this.#tables;
    this.#raw ??= parts.map(({ table, group }) =>
      lookUp(table.value, group.layout, scheme.fields, this.#inputs, this.#transform),
    );
    return this.#raw;
  }

  /**
   * [B, sum d_f]: every vector beside the next, in the order of `tables.order`: tables by falling dim, scheme order inside
   * a table. (Not the scheme's order throughout: interleaving tables would cost a pass for every field and change nothing
   * for a layer that reads them all.)
   */
  get concat(): Tensor {
    const flat = (x: Tensor) => reshape(x, [this.#inputs.batch, x.shape[1]! * x.shape[2]!]);
    // of equal dims both forms are one tensor, so that its gradient is the gradient of the looked-up vectors
    this.#concat ??= this.#equal ? flat(this.projected) : concat(this.raw.map(flat), 1);
    return this.#concat;
  }

  get times(): ((weight: Tensor) => Tensor) | undefined {
    const { parts, scheme } = this.#tables;
    const transform = this.#transform;
    if (!this.#inputs.training || (transform && !transform.touched)) return undefined;
    const pieces = parts.map(({ table, group: { layout } }, i) => {
      const { ids, plan: maybe, weights } = this.#inputs.of(layout);
      const plan = maybe!;
      const own = transform?.touched?.({ layout, ids, plan }) ?? rows(table.value, plan);
      return { pooled: this.raw[i]!, touched: { vectors: touched(own, plan), layout, plan, weights } };
    });
    return layerByRow(pieces, scheme.fields);
  }

  /**
   * [B, F, d] in scheme order where every field has the same dim, else undefined. Whatever a model makes of the vectors
   * goes through this tensor, so `grad(loss, [lookedUp])` is each vector's whole gradient. It needs no batch plan.
   */
  get lookedUp(): Tensor | undefined {
    return this.#equal && this.#tables.order.length === this.#tables.scheme.fields.length
      ? this.projected
      : undefined;
  }

  get #equal(): boolean {
    const { parts, modelDim } = this.#tables;
    return parts.every(({ group }) => group.dim === modelDim);
  }

  /**
   * [B, F', d]: vectors of one dim for the F' fields that have one, in the order of `tables.order`; smaller fields by their
   * own linear map. With a uniform scheme this is the lookup itself, in scheme order.
   * Throws SchemeError if the dims differ and the scheme has no projection.
   */
  get projected(): Tensor {
    this.#projected ??= concat(
      this.#tables.parts.map((part, i) => this.#project(part, this.raw[i]!)),
      1,
    );
    return this.#projected;
  }

  #project({ group, projection, positions }: TablePart, raw: Tensor): Tensor {
    if (positions) return place(raw, positions.value, this.#tables.modelDim);
    if (projection) {
      // one stack of matrices: [F_g, B, d_g] x [F_g, d_g, d]
      return permute(matmul(permute(raw, [1, 0, 2]), projection.value), [1, 0, 2]);
    }
    const { modelDim, scheme } = this.#tables;
    if (group.dim === modelDim) return raw;
    const dims = [...new Set(scheme.dims.filter((d) => d > 0))].join(", ");
    throw new SchemeError(
      `lookup: the model needs vectors of one dim, but the scheme has dims ${dims} and projection "none"; ` +
        'make it with projection "linear" or "positions".',
    );
  }
}
