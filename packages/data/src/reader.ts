// Reads a split's Parquet file into typed arrays, block by block: for loading, and for the check after writing.

import type { DuckDBDataChunk, DuckDBUIntegerVector } from "@duckdb/node-api";
import { type Columns, checkColumns, type FieldInfo } from "./columns.ts";
import { type Duck, name, text } from "./duck.ts";
import { DatasetFolderError } from "./errors.ts";

/** What a split's file holds. */
export interface SplitColumns {
  file: string;
  users: boolean;
  fields: readonly FieldInfo[];
}

/** The file's column of a field's slot. */
export function slotColumn(field: string, slots: number, slot: number): string {
  return slots === 1 ? field : `${field}#${slot}`;
}

function columnNames(layout: SplitColumns): string[] {
  return [
    ":label",
    ...(layout.users ? [":user"] : []),
    ...layout.fields.flatMap((f) =>
      Array.from({ length: f.slots }, (_, s) => slotColumn(f.name, f.slots, s)),
    ),
  ];
}

function emptyColumns(layout: SplitColumns, rows: number, shared: boolean): Columns {
  const memory = (words: number): ArrayBufferLike =>
    shared ? new SharedArrayBuffer(words * 4) : new ArrayBuffer(words * 4);
  const columns: Columns = {
    rows,
    labels: new Float32Array(memory(rows)),
    ids: layout.fields.map((field) => new Uint32Array(memory(rows * field.slots))),
  };
  if (layout.users) columns.users = new Uint32Array(memory(rows));
  return columns;
}

// `getItem` keeps to the library's public surface; measured, it is as fast as copying its private array.
function copyChunk(chunk: DuckDBDataChunk, into: Columns, layout: SplitColumns, at: number): void {
  const rows = chunk.rowCount;
  let c = 0;
  copyColumn(chunk, c++, into.labels, at, 1, 0, rows);
  if (into.users) copyColumn(chunk, c++, into.users, at, 1, 0, rows);
  for (const [f, { slots }] of layout.fields.entries()) {
    for (let s = 0; s < slots; s++) copyColumn(chunk, c++, into.ids[f] as Uint32Array, at, slots, s, rows);
  }
}

function copyColumn(
  chunk: DuckDBDataChunk,
  column: number,
  into: Float32Array | Uint32Array,
  at: number,
  slots: number,
  slot: number,
  rows: number,
): void {
  const vector = chunk.getColumnVector(column) as DuckDBUIntegerVector;
  let to = at * slots + slot;
  for (let i = 0; i < rows; i++, to += slots) into[to] = vector.getItem(i) as number;
}

function selectOf(file: string, layout: SplitColumns): string {
  // Labels and users too as UINTEGER, so that one kind of vector is read.
  const columns = columnNames(layout).map((c) => `CAST(${name(c)} AS UINTEGER)`);
  return `SELECT ${columns.join(", ")} FROM read_parquet(${text(file)})`;
}

function readError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error.name !== "Error") return error;
  return new DatasetFolderError(
    `the file cannot be read (${error.message.split("\n")[0]})`,
    "Prepare the dataset again",
    { file },
  );
}

/** A whole split on shared memory. @throws DatasetFolderError, IdRangeError */
export async function loadSplit(
  duck: Duck,
  file: string,
  layout: SplitColumns,
  rows: number,
): Promise<Columns> {
  const columns = emptyColumns(layout, rows, true);
  let at = 0;
  try {
    for await (const chunk of duck.chunks(selectOf(file, layout))) {
      if (at + chunk.rowCount > rows) {
        at += chunk.rowCount;
        break;
      }
      copyChunk(chunk, columns, layout, at);
      at += chunk.rowCount;
    }
  } catch (error) {
    throw readError(error, file);
  }
  if (at !== rows) {
    throw new DatasetFolderError(
      `the file has ${at > rows ? "more" : "fewer"} rows than the ${rows} of the manifest`,
      "Prepare the dataset again",
      { file },
    );
  }
  checkColumns(columns, layout.fields);
  return columns;
}

/** A split in blocks of `block` rows; each block's arrays are reused for the next. */
export async function* readSplit(
  duck: Duck,
  file: string,
  layout: SplitColumns,
  block: number,
): AsyncGenerator<Columns> {
  // A block ends with the chunk that fills it, so it may be one chunk (2048 rows) larger.
  const columns = emptyColumns(layout, block + 2048, false);
  let at = 0;
  for await (const chunk of duck.chunks(selectOf(file, layout))) {
    copyChunk(chunk, columns, layout, at);
    at += chunk.rowCount;
    if (at >= block) {
      yield cut(columns, layout, at);
      at = 0;
    }
  }
  if (at > 0) yield cut(columns, layout, at);
}

function cut(columns: Columns, layout: SplitColumns, rows: number): Columns {
  const part: Columns = {
    rows,
    labels: columns.labels.subarray(0, rows),
    ids: columns.ids.map((ids, f) => ids.subarray(0, rows * (layout.fields[f]?.slots ?? 1))),
  };
  if (columns.users) part.users = columns.users.subarray(0, rows);
  checkColumns(part, layout.fields);
  return part;
}
