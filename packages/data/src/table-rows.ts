// The table rows that the rows of a batch read: gathered from the columns, or from a copy of them that holds each data row in one place.

import type { TableLayout } from "./batch-maker.ts";
import type { Columns, FieldInfo } from "./columns.ts";
import { type FieldHash, hashedRow } from "./hashed-row.ts";
import { PADDING } from "./plan.ts";

/** Rows gathered at a time: what a block reads and writes stays in the first-level cache between its fields. */
const BLOCK = 64;

/** A copy of the columns may take as many numbers of 4 bytes: 512 MiB. */
const MOST = 2 ** 27;

/** A field's column, and where its rows are in the table and its slots in a data row. */
interface Source {
  ids: Int32Array;
  slots: number;
  multi: boolean;
  base: number;
  hash: FieldHash | undefined;
  /** Slots of the table's fields before this one. */
  column: number;
}

/** Gathers the rows of one table. Belongs to one thread. */
export class TableRows {
  /** Slots of the table: rows gathered for a data row. */
  readonly width: number;
  /** First slot and number of slots of each multi-valued field. */
  readonly multi: readonly { column: number; slots: number }[];
  readonly #sources: readonly Source[];
  readonly #dataRows: number;
  readonly #picked = new Int32Array(BLOCK);
  /** [data rows * width] table rows; see `gather`. */
  #records: Int32Array | undefined;
  #scattered = 0;

  constructor(columns: Columns, fields: readonly FieldInfo[], layout: TableLayout) {
    let width = 0;
    this.#sources = layout.fields.map(({ field, base, hash }) => {
      const { slots, kind } = fields[field] as FieldInfo;
      const { buffer, byteOffset, length } = columns.ids[field] as Uint32Array;
      const ids = new Int32Array(buffer, byteOffset, length);
      const source = { ids, slots, multi: kind === "multi", base, hash, column: width };
      width += slots;
      return source;
    });
    this.width = width;
    this.multi = this.#sources.filter(({ multi }) => multi);
    this.#dataRows = columns.rows;
  }

  /**
   * Fills `out` [rows * width] for the data rows `order[from..from+rows)`, or `from..from+rows` where `order` is null; padding is PADDING.
   *
   * In mixed order every id of a data row is a cache miss of its own, as long as it comes from its column. So once a quarter of an
   * epoch was gathered like that, all rows are copied, in the order of the data, into records where the ids of a row lie side by side.
   */
  gather(order: Uint32Array | null, from: number, rows: number, out: Int32Array): void {
    if (order && !this.#records) {
      const few = this.#dataRows * this.width <= MOST;
      if (few && this.#scattered * 4 >= this.#dataRows) this.#records = this.#copy();
      else this.#scattered += rows;
    }
    const records = order && this.#records;
    for (let first = 0; first < rows; first += BLOCK) {
      const count = Math.min(BLOCK, rows - first);
      const picked = this.#pick(order, from + first, count);
      if (records) pickRecords(records, picked, count, this.width, out, first * this.width);
      else this.#pickColumns(picked, count, out, first * this.width);
    }
  }

  #copy(): Int32Array {
    const records = new Int32Array(this.#dataRows * this.width);
    this.gather(null, 0, this.#dataRows, records);
    return records;
  }

  #pick(order: Uint32Array | null, from: number, count: number): Int32Array {
    const picked = this.#picked;
    if (order) for (let i = 0; i < count; i++) picked[i] = order[from + i] as number;
    else for (let i = 0; i < count; i++) picked[i] = from + i;
    return picked;
  }

  #pickColumns(picked: Int32Array, count: number, out: Int32Array, at: number): void {
    const { width } = this;
    for (const { ids, slots, multi, base, hash, column } of this.#sources) {
      if (multi) pickSlots(ids, slots, picked, count, base, hash, out, at + column, width);
      else if (hash) pickHashed(ids, picked, count, base, hash, out, at + column, width);
      else pickSingle(ids, picked, count, base, out, at + column, width);
    }
  }
}

// The ends of all records first: these reads wait for memory side by side, then the records are near.
function pickRecords(
  records: Int32Array,
  picked: Int32Array,
  count: number,
  width: number,
  out: Int32Array,
  at: number,
): void {
  const last = width - 1;
  for (let i = 0, to = at; i < count; i++, to += width) {
    const from = (picked[i] as number) * width;
    out[to] = records[from] as number;
    out[to + last] = records[from + last] as number;
  }
  for (let i = 0, to = at; i < count; i++, to += width) {
    const from = (picked[i] as number) * width;
    for (let s = 1; s < last; s++) out[to + s] = records[from + s] as number;
  }
}

function pickSingle(
  ids: Int32Array,
  picked: Int32Array,
  count: number,
  base: number,
  out: Int32Array,
  at: number,
  width: number,
): void {
  for (let i = 0, to = at; i < count; i++, to += width) out[to] = base + (ids[picked[i] as number] as number);
}

function pickHashed(
  ids: Int32Array,
  picked: Int32Array,
  count: number,
  base: number,
  hash: FieldHash,
  out: Int32Array,
  at: number,
  width: number,
): void {
  for (let i = 0, to = at; i < count; i++, to += width) {
    out[to] = base + hashedRow((ids[picked[i] as number] as number) >>> 0, hash);
  }
}

function pickSlots(
  ids: Int32Array,
  slots: number,
  picked: Int32Array,
  count: number,
  base: number,
  hash: FieldHash | undefined,
  out: Int32Array,
  at: number,
  width: number,
): void {
  for (let i = 0, to = at; i < count; i++, to += width) {
    const from = (picked[i] as number) * slots;
    for (let s = 0; s < slots; s++) {
      const id = ids[from + s] as number;
      if (id === PADDING) out[to + s] = PADDING;
      else out[to + s] = base + (hash ? hashedRow(id >>> 0, hash) : id);
    }
  }
}
