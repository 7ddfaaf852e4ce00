/** Schemes with one dim a field: the uniform scheme, and what SSEDS, AdaS&S and the plain baselines find. */
import { SchemeError } from "../errors.ts";
import { type FieldSpec, MAX_DIM, ownFields } from "../fields.ts";
import { describeScheme } from "./describe.ts";
import {
  type FieldUse,
  type Scheme,
  type SchemeJSON,
  type ServeLayout,
  type TrainCost,
  VALUE_BYTES,
} from "./scheme.ts";

/**
 * How vectors of different dims meet. "linear": by a linear map to the base dim for each field. "positions": each number goes back
 * to its column of the base dim, the rest is zero (no parameters; the columns are stored). "none": not at all.
 */
export type Projection = "linear" | "positions" | "none";

export interface PerFieldOptions {
  /** The dim that smaller fields are projected to and that savings are measured against. */
  readonly base: number;
  readonly projection: Projection;
  /** For each field, which columns of the base table its numbers are (ascending); the first d_f when left out. */
  readonly columns?: readonly (readonly number[])[];
}

/**
 * Every field f has n_f x d_f numbers. Where 0 < d_f < base it also has a d_f x base projection (linear) or d_f column numbers
 * (positions).
 */
export class DimScheme implements Scheme {
  readonly kind: "uniform" | "per-field";
  readonly fields: readonly FieldSpec[];
  readonly dims: readonly number[];
  readonly base: number;
  readonly projection: Projection;
  /** As given; undefined where fields keep their first columns. */
  readonly columns: readonly (readonly number[])[] | undefined;

  constructor(
    kind: "uniform" | "per-field",
    fields: readonly FieldSpec[],
    dims: readonly number[],
    options: PerFieldOptions,
  ) {
    const { base, projection, columns } = options;
    this.kind = kind;
    this.fields = ownFields(fields);
    if (!Number.isInteger(base) || base < 0 || base > MAX_DIM) {
      throw new SchemeError(`scheme: base dim ${base} must be a whole number from 0 to ${MAX_DIM}.`);
    }
    if (projection !== "linear" && projection !== "positions" && projection !== "none") {
      throw new SchemeError(
        `scheme: projection "${projection}" is not known; it is "linear", "positions" or "none".`,
      );
    }
    if (dims.length !== this.fields.length) {
      throw new SchemeError(
        `scheme: ${dims.length} dims for ${this.fields.length} fields; give each field one.`,
      );
    }
    dims.forEach((dim, f) => {
      if (Number.isInteger(dim) && dim >= 0 && dim <= base) return;
      throw new SchemeError(
        `scheme: field "${this.fields[f]!.name}" has dim ${dim}; dims are whole numbers from 0 to the base dim ${base}.`,
      );
    });
    if (columns) checkColumns(this.fields, dims, base, columns);
    this.dims = Object.freeze([...dims]);
    this.base = base;
    this.projection = projection;
    this.columns = columns && Object.freeze(columns.map((c) => Object.freeze([...c])));
    Object.freeze(this);
  }

  /** Which base columns the numbers of field f are. */
  columnsOf(f: number): readonly number[] {
    return this.columns?.[f] ?? Array.from({ length: this.dims[f]! }, (_, j) => j);
  }

  /** True if field f has a linear map of its own to the base dim. */
  isProjected(f: number): boolean {
    const dim = this.dims[f]!;
    return this.projection === "linear" && dim > 0 && dim < this.base;
  }

  /** True if the numbers of field f are put back to their columns of the base dim. */
  isPlaced(f: number): boolean {
    const dim = this.dims[f]!;
    return this.projection === "positions" && dim > 0 && dim < this.base;
  }

  /** Column numbers that placed fields keep, four bytes each. */
  get positionCount(): number {
    return this.dims.reduce((n, dim, f) => n + (this.isPlaced(f) ? dim : 0), 0);
  }

  /** Numbers in the tables, projections not counted. */
  get tableParameters(): number {
    return this.fields.reduce((n, { rows }, f) => n + rows * this.dims[f]!, 0);
  }

  /** Numbers in the projections. */
  get projectionParameters(): number {
    return this.dims.reduce((n, dim, f) => n + (this.isProjected(f) ? dim * this.base : 0), 0);
  }

  get parameters(): number {
    return this.tableParameters + this.projectionParameters;
  }

  serveBytes(layout: ServeLayout = "dense"): number {
    if (layout === "dense") return (this.parameters + this.positionCount) * VALUE_BYTES;
    throw new SchemeError(`scheme: a ${this.kind} scheme has no serve layout "${layout}"; it has "dense".`);
  }

  trainBytes({ slots, touched = false, denseSlots = slots }: TrainCost): number {
    const stamped = this.fields.reduce((n, { rows }, f) => n + (this.dims[f]! > 0 ? rows : 0), 0);
    const numbers = this.tableParameters * (1 + slots) + this.projectionParameters * (1 + denseSlots);
    return (numbers + this.positionCount + (touched ? stamped : 0)) * VALUE_BYTES;
  }

  uses(): FieldUse[] {
    const total = this.serveBytes();
    return this.fields.map(({ name, rows }, f) => {
      const dim = this.dims[f]!;
      const parameters = rows * dim + (this.isProjected(f) ? dim * this.base : 0);
      const bytes = (parameters + (this.isPlaced(f) ? dim : 0)) * VALUE_BYTES;
      return { field: name, rows, dim, parameters, bytes, share: total === 0 ? 0 : bytes / total };
    });
  }

  describe(): string {
    return describeScheme(this);
  }

  toJSON(): SchemeJSON {
    const { kind, fields, dims, base, projection, columns } = this;
    if (kind === "uniform") return { kind, fields, dim: base };
    return { kind, fields, dims, base, projection, ...(columns ? { columns } : {}) };
  }
}

function checkColumns(
  fields: readonly FieldSpec[],
  dims: readonly number[],
  base: number,
  columns: readonly (readonly number[])[],
): void {
  if (columns.length !== fields.length) {
    throw new SchemeError(
      `scheme: columns of ${columns.length} fields were given, there are ${fields.length}.`,
    );
  }
  columns.forEach((list, f) => {
    const fits =
      list.length === dims[f] &&
      list.every((c, j) => Number.isInteger(c) && c >= 0 && c < base && (j === 0 || c > list[j - 1]!));
    if (fits) return;
    throw new SchemeError(
      `scheme: field "${fields[f]!.name}" has dim ${dims[f]} and columns [${list.join(", ")}]; ` +
        `give ${dims[f]} different columns from 0 to ${base - 1}, ascending.`,
    );
  });
}

/** The same dim in every field; 0 for models without embeddings. Throws SchemeError. */
export function uniform(fields: readonly FieldSpec[], dim: number): DimScheme {
  const own = ownFields(fields);
  return new DimScheme(
    "uniform",
    own,
    own.map(() => dim),
    { base: dim, projection: "none" },
  );
}

/** A dim for each field, 0 to `base`; 0 leaves the field without an embedding. Throws SchemeError. */
export function perField(
  fields: readonly FieldSpec[],
  dims: readonly number[],
  options: PerFieldOptions,
): DimScheme {
  return new DimScheme("per-field", fields, dims, options);
}

/** Narrows a scheme to one with a dim a field, which is what dense tables are built from. Throws SchemeError. */
export function asDimScheme(scheme: Scheme): DimScheme {
  if (scheme instanceof DimScheme) return scheme;
  throw new SchemeError(
    `scheme: dense tables are built from uniform and per-field schemes, not from a "${scheme.kind}" scheme.`,
  );
}
