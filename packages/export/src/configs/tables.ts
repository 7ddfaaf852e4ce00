/** The tables of a scheme as other trainers would hold them: one a field, with a dim of its own. */
import { DimScheme, HashedScheme, type Scheme } from "@trimtab/embeddings";

export interface PlainTable {
  readonly field: string;
  /** Rows that are stored; fewer than ids where these share rows. */
  readonly rows: number;
  readonly dim: number;
  readonly multi: boolean;
}

export interface PlainTables {
  /** Fields that have an embedding, in scheme order. */
  readonly tables: readonly PlainTable[];
  readonly base: number;
  /** Fields without one. */
  readonly dropped: readonly string[];
  /** What whoever uses the configuration has to do that it cannot say. */
  readonly notes: readonly string[];
}

/** The tables, or a sentence why a table with one dim cannot hold them. */
export function plainTables(scheme: Scheme): PlainTables | string {
  if (!(scheme instanceof DimScheme) && !(scheme instanceof HashedScheme)) {
    const what = scheme.kind === "chunks" ? "chunks" : "numbers";
    return (
      `rows of a field keep different ${what} (scheme: ${scheme.kind}), and a table there has one dim for all its rows; ` +
      "use the folder itself or its ONNX file."
    );
  }
  const rowsOf = (f: number) => (scheme instanceof HashedScheme ? scheme.rows[f]! : scheme.fields[f]!.rows);
  const all = scheme.fields.map(({ name, slots }, f) => ({
    field: name,
    rows: rowsOf(f),
    dim: scheme.dims[f]!,
    multi: slots > 1,
  }));
  const tables = all.filter(({ dim }) => dim > 0);
  if (tables.length === 0) return "the model has no embeddings, so there are no tables.";
  const notes: string[] = [];
  if (scheme instanceof HashedScheme && scheme.fields.some((_, f) => scheme.isHashed(f))) {
    const how = scheme.rule === "mixed" ? "the 32-bit finalizer of MurmurHash3 of the id" : "id - 1";
    notes.push(
      `Ids share rows: feed row 0 for id 0, else 1 + h mod (rows - 1) with h = ${how}, where a table has fewer rows than ids.`,
    );
  }
  if (scheme instanceof DimScheme && tables.some(({ dim }) => dim < scheme.base)) {
    if (scheme.projection === "linear") {
      notes.push(
        `Vectors of fewer than ${scheme.base} numbers have a linear map to ${scheme.base}: FIELD/projection [dim, base].`,
      );
    }
    if (scheme.projection === "positions") {
      notes.push(
        `Vectors of fewer than ${scheme.base} numbers belong to the columns FIELD/columns of ${scheme.base}; the others are zero.`,
      );
    }
  }
  return {
    tables,
    base: scheme.base,
    dropped: all.flatMap(({ field, dim }) => (dim > 0 ? [] : [field])),
    notes,
  };
}
