/**
 * First values, made on the device. A number depends on (seed, field, base column, row) and on nothing else: not on which
 * fields share a table, nor on how many columns were kept. So a smaller scheme starts from the very values that the
 * uniform scheme has in its kept columns, as the lottery-ticket retraining of PEP needs it.
 */
import {
  assign,
  type Device,
  type Feeds,
  gather,
  ge,
  input,
  iota,
  mul,
  randomNormal,
  reshape,
  sub,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import type { TableLayout } from "../fields.ts";

/** Values for variables, and the feeds that they are computed from. */
export interface InitialValues {
  readonly values: ReadonlyMap<Variable, Tensor>;
  readonly feeds: Feeds;
}

/** Keys of a field: its number in the upper half, a column in the lower. These columns are no embedding's. */
export const LINEAR_COLUMN = 0xffff;
export const PROJECTION_COLUMN = 0xfffe;
/** Keys from here on belong to no field. */
const NO_FIELD = 0xffff0000;

/** The random key of a field's column. */
export function columnKey(field: number, column: number): number {
  return ((field << 16) | column) >>> 0;
}

/** Standard normals by (seed, key, counter); keys and counters (u32) broadcast. The key is a number or a u32 tensor. */
function normals(key: Tensor | number, counter: Tensor, seed: number): Tensor {
  // an rng of scalar shape: the shape comes from key and counter
  return randomNormal([], { seed: key, step: counter }, seed);
}

/**
 * Standard normals [rows, d] for a table. `columns[i]` are the d columns of the layout's i-th field; the lists go in as
 * the feeds `<name>.keys` and `<name>.bases`, so that the kernel does not grow with the number of fields.
 */
export function tableNormals(
  name: string,
  layout: TableLayout,
  columns: readonly (readonly number[])[],
  seed: number,
): { readonly value: Tensor; readonly feeds: Feeds } {
  const members = layout.fields;
  const dim = columns[0]!.length;
  const keys = input(`${name}.keys`, [members.length, dim], "u32");
  const bases = input(`${name}.bases`, [members.length, 1], "u32");
  const row = iota([layout.rows, 1]);
  // the last field that starts at or before this row
  const starts = ge(row, reshape(bases, [1, members.length]));
  const member = reshape(sub(sum(starts, [1]), 1), [layout.rows]);
  const own = sub(row, gather(bases, member));
  const value = normals(gather(keys, member), own, seed);
  return {
    value,
    feeds: {
      [`${name}.keys`]: Uint32Array.from(
        members.flatMap(({ field }, i) => columns[i]!.map((c) => columnKey(field, c))),
      ),
      [`${name}.bases`]: Uint32Array.from(members.map(({ base }) => base)),
    },
  };
}

/** Standard normals [fields, d, base] for stacked projections; a number depends on (seed, field, its row and column). */
export function projectionNormals(
  name: string,
  fields: readonly number[],
  dim: number,
  base: number,
  seed: number,
): { readonly value: Tensor; readonly feeds: Feeds } {
  const keys = input(`${name}.keys`, [fields.length, 1], "u32");
  const value = normals(keys, iota([1, dim * base]), seed);
  return {
    value: reshape(value, [fields.length, dim, base]),
    feeds: { [`${name}.keys`]: Uint32Array.from(fields.map((f) => columnKey(f, PROJECTION_COLUMN))) },
  };
}

/** Standard normals for a weight of no field; `stream` (0 to 65535) tells such weights of one model apart. */
export function denseNormals(shape: readonly number[], stream: number, seed: number): Tensor {
  return normals((NO_FIELD | stream) >>> 0, iota(shape), seed);
}

/** The union of several initial values. */
export function joinInitial(parts: readonly InitialValues[]): InitialValues {
  const values = new Map<Variable, Tensor>();
  const feeds: Record<string, Feeds[string]> = {};
  for (const part of parts) {
    for (const [variable, value] of part.values) values.set(variable, value);
    Object.assign(feeds, part.feeds);
  }
  return { values, feeds };
}

/** Writes initial values into their variables with one program, and frees it. */
export async function initialise(device: Device, initial: InitialValues): Promise<void> {
  if (initial.values.size === 0) return;
  const updates = [...initial.values].map(([variable, value]) => assign(variable, value));
  using program = await device.compile({ updates });
  program.run(initial.feeds);
  await device.idle();
}

/** Scales standard normals. */
export function scaled(value: Tensor, std: number): Tensor {
  return mul(value, std);
}
