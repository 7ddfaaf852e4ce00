// Makes one batch into one slot of memory. The worker and the in-thread path both run exactly this, so their bytes agree.

import type { Columns, FieldInfo } from "./columns.ts";
import { BatchError } from "./errors.ts";
import type { FieldHash } from "./hashed-row.ts";
import { type BatchPlan, type PlanArrays, planArrays, planView, planWords } from "./plan.ts";
import { PlanBuilder } from "./plan-builder.ts";
import { TableRows } from "./table-rows.ts";

/** Which fields share a table, and where each field's rows start: row of a field value = base + id, or base + hashedRow(id). */
export interface TableLayout {
  name: string;
  /** Rows of the whole table. */
  rows: number;
  /** `field` is an index into the fields of the dataset; with `hash` its ids share fewer rows. */
  fields: { field: number; base: number; hash?: FieldHash }[];
}

/** One table's part of a batch. S is the sum of the slots of its fields, in layout order. */
export interface BatchTable {
  name: string;
  /** [rows * S] table rows, row-major; padded slots hold 0. */
  ids: Uint32Array;
  /** [rows * S] 1/k for the k ids of a multi-valued field, 1 for single ids, 0 for padding. Only with a multi field. */
  weights?: Float32Array;
  plan?: BatchPlan;
}

/** A batch: views of a ring slot, valid until `release()`. */
export interface Batch {
  rows: number;
  labels: Float32Array;
  users?: Uint32Array;
  /** Number of the batch in its epoch. */
  index: number;
  epoch: number;
  tables: BatchTable[];
  /** Gives the slot back to the ring; the arrays are overwritten after that. Twice is the same as once. */
  release(): void;
}

/** What fixes the contents of every batch. */
export interface BatchShape {
  fields: readonly FieldInfo[];
  tables: readonly TableLayout[];
  /** Rows of a batch; the last one of an epoch may have fewer. */
  batch: number;
  seed: number;
  shuffle: boolean;
  plans: boolean;
  /** Leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
}

/** The sizes that turn a slot's memory into a {@link Batch}. */
export interface SlotSizes {
  rows: number;
  /** Per table [used, count, pieceCount] of its plan; empty without plans. */
  plans: [used: number, count: number, pieceCount: number][];
}

interface SlotTable {
  ids: Uint32Array;
  weights?: Float32Array;
  plan?: PlanArrays;
}

/** Typed arrays over the memory of one ring slot. */
export interface Slot {
  labels: Float32Array;
  users?: Uint32Array;
  tables: SlotTable[];
}

/** Rows are signed numbers while batches are made, see PADDING. */
const MOST_ROWS = 2 ** 31 - 1;

/** Slots (ids a row) of a layout's table. */
export function tableSlots(table: TableLayout, fields: readonly FieldInfo[]): number {
  return table.fields.reduce((sum, { field }) => sum + (fields[field]?.slots ?? 0), 0);
}

function hasMulti(table: TableLayout, fields: readonly FieldInfo[]): boolean {
  return table.fields.some(({ field }) => fields[field]?.kind === "multi");
}

/** Bytes of one ring slot. */
export function slotBytes(shape: BatchShape, users: boolean): number {
  let words = shape.batch * (users ? 2 : 1);
  for (const table of shape.tables) {
    const positions = shape.batch * tableSlots(table, shape.fields);
    words += positions * (hasMulti(table, shape.fields) ? 2 : 1);
    if (shape.plans) words += planWords(positions);
  }
  return words * 4;
}

/** Lays a slot's arrays over its memory; both threads do this over the same shared buffer. */
export function slotOver(memory: ArrayBufferLike, shape: BatchShape, users: boolean): Slot {
  let at = 0;
  const u32 = (length: number): Uint32Array => {
    const view = new Uint32Array(memory, at, length);
    at += length * 4;
    return view;
  };
  const f32 = (length: number): Float32Array => {
    const view = new Float32Array(memory, at, length);
    at += length * 4;
    return view;
  };
  const slot: Slot = { labels: f32(shape.batch), tables: [] };
  if (users) slot.users = u32(shape.batch);
  for (const table of shape.tables) {
    const positions = shape.batch * tableSlots(table, shape.fields);
    const part: SlotTable = { ids: u32(positions) };
    if (hasMulti(table, shape.fields)) part.weights = f32(positions);
    if (shape.plans) {
      part.plan = planArrays(positions, memory, at);
      at += planWords(positions) * 4;
    }
    slot.tables.push(part);
  }
  return slot;
}

/** Cuts a filled slot to the size of its batch. */
export function batchOf(
  slot: Slot,
  shape: BatchShape,
  sizes: SlotSizes,
  index: number,
  epoch: number,
  release: () => void,
): Batch {
  const { rows } = sizes;
  const tables = shape.tables.map((layout, t) => {
    const from = slot.tables[t] as SlotTable;
    const length = rows * tableSlots(layout, shape.fields);
    const table: BatchTable = { name: layout.name, ids: from.ids.subarray(0, length) };
    if (from.weights) table.weights = from.weights.subarray(0, length);
    const size = sizes.plans[t];
    if (from.plan && size) table.plan = planView(from.plan, ...size);
    return table;
  });
  const batch: Batch = { rows, labels: slot.labels.subarray(0, rows), index, epoch, tables, release };
  if (slot.users) batch.users = slot.users.subarray(0, rows);
  return batch;
}

/** Batches of an epoch over `rows` rows. */
export function batchCount(rows: number, shape: { batch: number; dropLast?: boolean }): number {
  return shape.dropLast ? Math.floor(rows / shape.batch) : Math.ceil(rows / shape.batch);
}

/** @throws BatchError on a batch larger than the data and on layouts that do not fit the fields */
export function checkShape(columns: Columns, shape: BatchShape): void {
  if (!Number.isInteger(shape.batch) || shape.batch < 1) {
    throw new BatchError(`batch is ${shape.batch}`, "Give a whole number of rows from 1 up");
  }
  if (shape.batch > columns.rows) {
    throw new BatchError(
      `a batch of ${shape.batch} rows was asked of data with ${columns.rows} rows`,
      `Give a batch of at most ${columns.rows}`,
    );
  }
  for (const table of shape.tables) {
    if (table.fields.length === 0)
      throw new BatchError(`table "${table.name}" has no fields`, "Leave the table out");
    for (const { field, base, hash } of table.fields) {
      const info = shape.fields[field];
      if (!info) {
        throw new BatchError(
          `table "${table.name}" names field ${field}, but there are ${shape.fields.length} fields`,
          "Field numbers are indexes into the dataset's fields",
        );
      }
      if (hash && (!Number.isInteger(hash.rows) || hash.rows < 2)) {
        throw new BatchError(
          `field "${info.name}" is hashed to ${hash.rows} rows`,
          "Give a whole number from 2 up: row 0 is the out-of-vocabulary row's own",
        );
      }
      const rows = hash?.rows ?? info.rows;
      if (!Number.isInteger(base) || base < 0 || base + rows > table.rows) {
        throw new BatchError(
          `table "${table.name}" has ${table.rows} rows, but field "${info.name}" takes rows ${base} to ${base + rows - 1}`,
          "Give the table enough rows, or mend the field's base",
        );
      }
    }
    if (table.rows > MOST_ROWS) {
      throw new BatchError(
        `table "${table.name}" has ${table.rows} rows`,
        `Split it: a table has at most ${MOST_ROWS}`,
      );
    }
  }
}

/** Fills slots with batches. Belongs to one thread. */
export class BatchMaker {
  readonly #tables: readonly TableMaker[];

  constructor(
    readonly columns: Columns,
    readonly shape: BatchShape,
  ) {
    this.#tables = shape.tables.map((table) => new TableMaker(columns, shape, table));
  }

  /** Batch `index` of the epoch whose row order is `order` (null: the order of the data). */
  make(order: Uint32Array | null, index: number, slot: Slot): SlotSizes {
    const { columns, shape } = this;
    const from = index * shape.batch;
    const rows = Math.min(shape.batch, columns.rows - from);
    gather(columns.labels, slot.labels, order, from, rows);
    if (columns.users && slot.users) gather(columns.users, slot.users, order, from, rows);
    const plans: SlotSizes["plans"] = [];
    this.#tables.forEach((table, t) => {
      const plan = table.make(order, from, rows, slot.tables[t] as SlotTable);
      if (plan) plans.push([plan.used, plan.count, plan.pieceCount]);
    });
    return { rows, plans };
  }
}

/** One table's part of every batch. */
class TableMaker {
  readonly #rows: TableRows;
  readonly #builder: PlanBuilder | undefined;
  /** [positions of a batch] table rows, PAD for padding; only with a multi-valued field, whose padding is row 0 in a batch. */
  readonly #keys: Uint32Array | undefined;

  constructor(columns: Columns, { fields, batch, plans }: BatchShape, table: TableLayout) {
    this.#rows = new TableRows(columns, fields, table);
    const positions = batch * this.#rows.width;
    if (hasMulti(table, fields)) this.#keys = new Uint32Array(positions);
    if (plans) this.#builder = new PlanBuilder(table.rows, positions);
  }

  /** Fills `part`; gives the builder with the sizes of the plan, if there is one. */
  make(order: Uint32Array | null, from: number, rows: number, part: SlotTable): PlanBuilder | undefined {
    const positions = rows * this.#rows.width;
    const keys = this.#keys ?? part.ids;
    const signed = signedOver(keys, positions);
    this.#rows.gather(order, from, rows, signed);
    if (part.weights) {
      const ids = signedOver(part.ids, positions);
      // rows, but 0 for padding, which is told from them by its sign
      for (let i = 0; i < positions; i++) ids[i] = (signed[i] as number) & ~((signed[i] as number) >> 31);
      part.weights.fill(1, 0, positions);
      for (const { column, slots } of this.#rows.multi) {
        shareWeights(signed, part.weights, column, slots, this.#rows.width);
      }
    }
    if (part.plan) this.#builder?.build(keys, positions, part.plan);
    return this.#builder;
  }
}

/** Weight 1/k for each of the k ids a data row has in a multi-valued field, 0 for padding. */
function shareWeights(
  keys: Int32Array,
  weights: Float32Array,
  column: number,
  slots: number,
  width: number,
): void {
  for (let at = column; at < keys.length; at += width) {
    let k = 0;
    for (let s = 0; s < slots; s++) k += 1 + ((keys[at + s] as number) >> 31);
    const weight = 1 / k;
    for (let s = 0; s < slots; s++) weights[at + s] = (keys[at + s] as number) < 0 ? 0 : weight;
  }
}

/** Copies by their bits: typed arrays of two kinds in one loop would cost it several times as much. */
function gather(
  source: Float32Array | Uint32Array,
  target: Float32Array | Uint32Array,
  order: Uint32Array | null,
  from: number,
  rows: number,
): void {
  const to = signedOver(target, rows);
  const values = signedOver(source, source.length);
  if (order === null) to.set(values.subarray(from, from + rows));
  else for (let r = 0; r < rows; r++) to[r] = values[order[from + r] as number] as number;
}

function signedOver({ buffer, byteOffset }: Float32Array | Uint32Array, length: number): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
