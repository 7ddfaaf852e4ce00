/**
 * First values. A number depends on (seed, field, base column, row) and on nothing else: not on which fields share a table,
 * nor on how many columns were kept. So a smaller scheme starts from the very values that the uniform scheme has in its
 * kept columns, as the lottery-ticket retraining of PEP needs it.
 *
 * Large variables are filled on the device. Small ones on the host: a device must first compile a kernel for each shape,
 * which on a software device takes 0.25 s, while the host draws a number in 75 ns. Both draw the same random
 * words and follow the same formula; they differ in the last bits of a logarithm.
 */
import { assign, type Device, type Feeds, type Tensor, type Variable } from "@trimtab/tensor-core";
import type { TableLayout } from "../fields.ts";
import { deviceNormals } from "./device-normals.ts";
import { hostNormals } from "./host-normals.ts";

/** Rows that share the random keys of their columns. */
export interface DrawBlock {
  readonly rows: number;
  /** One key a column; the same number for every block of a draw. */
  readonly keys: readonly number[];
}

/** A field of a draw of single numbers. */
export interface NumberBlock {
  readonly field: number;
  readonly rows: number;
}

/** What to draw: each number of a variable gets std * normal(seed, key of its column, its row inside the block). */
export type Draw = BlockDraw | NumberDraw;

/** A draw of single numbers: number k of `variable` is the one at `addresses[k]`, row x dim + column over all blocks. */
export interface NumberDraw {
  readonly variable: Variable;
  readonly std: number;
  /** Ascending. */
  readonly addresses: Uint32Array;
  readonly dim: number;
  readonly numberBlocks: readonly NumberBlock[];
  /** Numbers of the uniform table they belong to: drawn where that is, so that they have its very bits. */
  readonly whole: number;
}

/** `variable`, read as rows of blocks. */
export interface BlockDraw {
  readonly variable: Variable;
  readonly std: number;
  readonly blocks: readonly DrawBlock[];
}

/** Keys of a field: its number in the upper half, a column in the lower. These columns are no embedding's. */
export const LINEAR_COLUMN = 0xffff;
const PROJECTION_COLUMN = 0xfffe;
/** Keys from here on belong to no field. */
const NO_FIELD = 0xffff0000;

export function columnKey(field: number, column: number): number {
  return ((field << 16) | column) >>> 0;
}

/** A table [rows, d]; `columns[i]` are the base columns of the layout's i-th field. */
export function tableDraw(
  variable: Variable,
  layout: TableLayout,
  columns: readonly (readonly number[])[],
  std: number,
): Draw {
  const blocks = layout.fields.map(({ field, base }, i) => ({
    rows: (layout.fields[i + 1]?.base ?? layout.rows) - base,
    keys: columns[i]!.map((c) => columnKey(field, c)),
  }));
  return { variable, std, blocks };
}

/** Stacked projections [fields, d, base]. */
export function projectionDraw(variable: Variable, fields: readonly number[], std: number): Draw {
  const rows = variable.size / fields.length;
  return { variable, std, blocks: fields.map((f) => ({ rows, keys: [columnKey(f, PROJECTION_COLUMN)] })) };
}

/** A weight of no field; `stream` (0 to 65535) tells such weights of one model apart. */
export function denseDraw(variable: Variable, stream: number, std: number): Draw {
  return { variable, std, blocks: [{ rows: variable.size, keys: [(NO_FIELD | stream) >>> 0] }] };
}

/** Variables of more numbers are filled on the device. */
export const MOST_ON_HOST = 1 << 21;

/** Fills the drawn variables. `seed` counts by its lower 32 bits. `mostOnHost`: see above, in numbers of one variable. */
export async function initialise(
  device: Device,
  draws: readonly Draw[],
  seed: number,
  mostOnHost = MOST_ON_HOST,
): Promise<void> {
  const updates: Tensor[] = [];
  const feeds: Record<string, Feeds[string]> = {};
  using held = new DisposableStack();
  for (const draw of draws) {
    const size = "addresses" in draw ? draw.whole : draw.variable.size;
    if (size <= mostOnHost) hostNormals(draw, seed);
    else {
      const made = deviceNormals(device, draw, seed);
      if (made.held) held.use(made.held);
      updates.push(assign(draw.variable, made.value));
      Object.assign(feeds, made.feeds);
    }
  }
  if (updates.length === 0) return;
  using program = await device.compile({ updates });
  program.run(feeds);
  await device.idle();
}
