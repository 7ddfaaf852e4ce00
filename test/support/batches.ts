/** Batches for tests, made in the plainest way: ids, pooling weights and batch plans (design section 4, "Sparse tables"). */

import type { FieldSpec, TableLayout } from "@trimtab/embeddings";
import { PIECE } from "@trimtab/tensor-core";
import type { Random } from "./random.ts";

/** [row][field]: the ids a row has in a field; fewer than the field's slots are padded. */
export type Values = readonly (readonly (readonly number[])[])[];

/** Random ids; multi-valued fields get 0 to all of their slots. */
export function randomValues(fields: readonly FieldSpec[], rows: number, random: Random): number[][][] {
  return Array.from({ length: rows }, () =>
    fields.map((f) => {
      const count = f.slots === 1 ? 1 : random.below(f.slots + 1);
      return Array.from({ length: count }, () => random.below(f.rows));
    }),
  );
}

export type Feeds = Record<string, Uint32Array | Float32Array | number>;

/** Everything a layout's lookup is fed. */
export function feedsOf(layout: TableLayout, fields: readonly FieldSpec[], values: Values): Feeds {
  const ids: number[] = [];
  const weights: number[] = [];
  const positions = new Map<number, number[]>();
  for (const row of values) {
    for (const { field, base } of layout.fields) {
      const own = row[field]!;
      for (let s = 0; s < fields[field]!.slots; s++) {
        const id = own[s];
        if (id !== undefined) {
          const at = base + id;
          positions.set(at, [...(positions.get(at) ?? []), ids.length]);
        }
        ids.push(id === undefined ? 0 : base + id);
        weights.push(id === undefined ? 0 : 1 / own.length);
      }
    }
  }
  const feeds: Feeds = {};
  feeds[`${layout.name}.ids`] = Uint32Array.from(ids);
  feeds[`${layout.name}.weights`] = Float32Array.from(weights);
  Object.assign(feeds, planOf(layout.name, positions, ids.length));
  return feeds;
}

function planOf(name: string, positions: ReadonlyMap<number, readonly number[]>, length: number): Feeds {
  const rows = [...positions.keys()].sort((a, b) => a - b);
  const sorted: number[] = [];
  const offsets = [0];
  const pieceOffsets = [0];
  const pieceFrom: number[] = [];
  const pieceTo: number[] = [];
  const places = new Array<number>(length).fill(0);
  for (const [u, row] of rows.entries()) {
    for (const position of positions.get(row)!) places[position] = u;
    const from = sorted.length;
    sorted.push(...positions.get(row)!);
    const to = sorted.length;
    for (let at = from; to - from > PIECE && at < to; at += PIECE) {
      pieceFrom.push(at);
      pieceTo.push(Math.min(to, at + PIECE));
    }
    offsets.push(to);
    pieceOffsets.push(pieceFrom.length);
  }
  const arrays = { sorted, rows, offsets, pieceOffsets, pieceFrom, pieceTo, places };
  const feeds: Feeds = { [`${name}.count`]: rows.length, [`${name}.pieceCount`]: pieceFrom.length };
  for (const [part, list] of Object.entries(arrays)) feeds[`${name}.${part}`] = Uint32Array.from(list);
  return feeds;
}

/** The feeds that a program asks for. */
export function needed(program: { readonly inputs: readonly string[] }, feeds: Feeds): Feeds {
  return Object.fromEntries(program.inputs.flatMap((name) => (name in feeds ? [[name, feeds[name]!]] : [])));
}
