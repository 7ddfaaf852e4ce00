// One split in memory: a column of labels, one of ids a field, on shared memory so that a worker reads it in place.

import { BatchError, IdRangeError } from "./errors.ts";
import { PAD } from "./plan.ts";

/** What a model needs to know of a field. */
export interface FieldInfo {
  name: string;
  kind: "categorical" | "numeric" | "multi";
  /** Rows of the field's table, n_f, including row 0 (out of vocabulary). */
  rows: number;
  /** Ids a row of data has in this field: 1, or the kept number of a multi-valued field. */
  slots: number;
}

/** A split as typed arrays. */
export interface Columns {
  rows: number;
  /** [rows] 0 or 1. */
  labels: Float32Array;
  /** [rows] a number per user, for per-user metrics; counts every user, not only those in the vocabulary. */
  users?: Uint32Array;
  /** Per field [rows * slots], row-major; unused slots of a multi-valued field hold 0xffffffff and come last. */
  ids: Uint32Array[];
}

/** Zeroed 32-bit memory that threads can share. */
export function sharedUint32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * 4));
}

/**
 * Checks lengths and that every id is a row of its field's table.
 * @throws IdRangeError naming field, row and id; BatchError on lengths that do not agree
 */
export function checkColumns(columns: Columns, fields: readonly FieldInfo[], from = 0): void {
  const { rows } = columns;
  if (columns.ids.length !== fields.length) {
    throw new BatchError(
      `${columns.ids.length} id columns were given for ${fields.length} fields`,
      "Give one column per field, in the order of the fields",
    );
  }
  if (columns.labels.length !== rows || (columns.users && columns.users.length !== rows)) {
    throw new BatchError(
      `the columns say ${rows} rows, but there are ${columns.labels.length} labels${columns.users ? ` and ${columns.users.length} users` : ""}`,
      "Give one label and one user per row",
    );
  }
  for (let f = 0; f < fields.length; f++) {
    const field = fields[f] as FieldInfo;
    const ids = columns.ids[f] as Uint32Array;
    if (ids.length !== rows * field.slots) {
      throw new BatchError(
        `field "${field.name}" has ${ids.length} ids, expected ${rows} rows x ${field.slots} slots`,
        "Give rows x slots ids, padded with 0xffffffff",
      );
    }
    checkIds(ids, field, from);
  }
}

function checkIds(ids: Uint32Array, field: FieldInfo, from: number): void {
  const { rows, slots } = field;
  const padded = field.kind === "multi";
  for (let i = from * slots; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id >= rows && !(padded && id === PAD)) {
      throw new IdRangeError(
        `field "${field.name}" has id ${id} in row ${Math.floor(i / slots)}, but its table has ${rows} rows`,
        "Prepare the dataset again; if you made the columns yourself, ids must lie in 0..rows-1",
      );
    }
  }
}

function toShared<T extends Float32Array | Uint32Array>(array: T, make: (b: SharedArrayBuffer) => T): T {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = make(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

/** The same columns on shared memory; arrays that already are shared are kept, not copied. */
export function shareColumns(columns: Columns): Columns {
  const u32 = (b: SharedArrayBuffer) => new Uint32Array(b);
  const shared: Columns = {
    rows: columns.rows,
    labels: toShared(columns.labels, (b) => new Float32Array(b)),
    ids: columns.ids.map((ids) => toShared(ids, u32)),
  };
  if (columns.users) shared.users = toShared(columns.users, u32);
  return shared;
}

/** Up to `rows` rows, spread evenly; without users. */
export function sampleRows(columns: Columns, rows: number): Columns {
  const n = Math.min(rows, columns.rows);
  const picked = Array.from({ length: n }, (_, i) => Math.floor((i * columns.rows) / n));
  return {
    rows: n,
    labels: Float32Array.from(picked, (row) => columns.labels[row]!),
    ids: columns.ids.map((ids) => {
      const slots = ids.length / columns.rows;
      const out = new Uint32Array(n * slots);
      picked.forEach((row, i) => {
        out.set(ids.subarray(row * slots, (row + 1) * slots), i * slots);
      });
      return out;
    }),
  };
}
