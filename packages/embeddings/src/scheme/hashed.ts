/** Schemes whose ids share rows: the hashing trick (Weinberger et al., 2009), one table a field. */
import { SchemeError } from "../errors.ts";
import { type FieldSpec, HASH_RULES, type HashRule, ownFields } from "../fields.ts";
import { describeScheme } from "./describe.ts";
import { type DimScheme, uniform } from "./per-field.ts";
import {
  type FieldUse,
  type Scheme,
  type SchemeJSON,
  type ServeLayout,
  type TrainCost,
  VALUE_BYTES,
} from "./scheme.ts";

export interface HashedOptions {
  /** Numbers in every vector. */
  readonly dim: number;
  /** m_f for each field: its rows in the table, row 0 (out of vocabulary) included. n_f: every id keeps a row of its own. */
  readonly rows: readonly number[];
  /** Which ids share a row; default "mixed". */
  readonly rule?: HashRule;
}

/**
 * Field f has m_f x dim numbers for its n_f ids. Where m_f < n_f an id's row is computed (id 0 keeps row 0 to itself), so that no index
 * is stored and serve bytes are those of the values alone.
 */
export class HashedScheme implements Scheme {
  readonly kind = "hashed";
  readonly fields: readonly FieldSpec[];
  readonly dims: readonly number[];
  readonly base: number;
  /** m_f */
  readonly rows: readonly number[];
  readonly rule: HashRule;
  /** The tables that exist: a uniform scheme of fields of m_f rows. */
  readonly stored: DimScheme;

  constructor(fields: readonly FieldSpec[], { dim, rows, rule = "mixed" }: HashedOptions) {
    this.fields = ownFields(fields);
    if (!HASH_RULES.includes(rule)) {
      throw new SchemeError(`scheme: hash rule "${rule}" is not known; it is ${HASH_RULES.join(" or ")}.`);
    }
    if (dim === 0)
      throw new SchemeError("scheme: a hashed scheme has a dim from 1 up; uniform(fields, 0) has none.");
    if (rows.length !== this.fields.length) {
      throw new SchemeError(
        `scheme: rows of ${rows.length} fields were given, there are ${this.fields.length}; give each field a number.`,
      );
    }
    rows.forEach((kept, f) => {
      const { name, rows: ids } = this.fields[f]!;
      if (Number.isInteger(kept) && kept >= Math.min(2, ids) && kept <= ids) return;
      throw new SchemeError(
        `scheme: field "${name}" has ${ids} ids and ${kept} rows; rows are whole numbers from 2 (one is the out-of-vocabulary ` +
          "row's own) to the number of ids.",
      );
    });
    this.stored = uniform(
      this.fields.map((field, f) => ({ ...field, rows: rows[f]! })),
      dim,
    );
    this.dims = this.stored.dims;
    this.base = dim;
    this.rows = Object.freeze([...rows]);
    this.rule = rule;
    Object.freeze(this);
  }

  /** True if ids of field f share rows. */
  isHashed(f: number): boolean {
    return this.rows[f]! < this.fields[f]!.rows;
  }

  get parameters(): number {
    return this.stored.parameters;
  }

  serveBytes(layout: ServeLayout = "dense"): number {
    if (layout === "dense") return this.stored.serveBytes();
    throw new SchemeError(`scheme: a hashed scheme has no serve layout "${layout}"; it has "dense".`);
  }

  trainBytes(cost: TrainCost): number {
    return this.stored.trainBytes(cost);
  }

  uses(): FieldUse[] {
    const total = this.serveBytes();
    return this.fields.map(({ name, rows: ids }, f) => {
      const rows = this.rows[f]!;
      const parameters = rows * this.base;
      const bytes = parameters * VALUE_BYTES;
      const use = { field: name, rows, dim: this.base, parameters, bytes, share: bytes / total };
      return this.isHashed(f) ? { ...use, ids } : use;
    });
  }

  describe(): string {
    return describeScheme(this);
  }

  toJSON(): SchemeJSON {
    const { kind, fields, base: dim, rows, rule } = this;
    return { kind, fields, dim, rows, rule };
  }
}

/** Fewer rows than ids in some fields, `dim` numbers in each row. Throws SchemeError. */
export function hashed(fields: readonly FieldSpec[], options: HashedOptions): HashedScheme {
  return new HashedScheme(fields, options);
}
