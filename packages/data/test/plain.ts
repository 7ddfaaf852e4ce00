// Batches and plans the slow and obvious way, to hold the fast ones against.

import {
  type BatchPlan,
  type Columns,
  type FieldInfo,
  hashedRow,
  PAD,
  PIECE,
  Random,
  type TableLayout,
} from "../src/index.ts";

/** Positions by row, rows rising. */
export function group(keys: Uint32Array): [row: number, positions: number[]][] {
  const groups = new Map<number, number[]>();
  keys.forEach((row, at) => {
    if (row === PAD) return;
    const positions = groups.get(row);
    if (positions) positions.push(at);
    else groups.set(row, [at]);
  });
  return [...groups].sort((a, b) => a[0] - b[0]);
}

export function plainPlan(keys: Uint32Array): BatchPlan {
  const groups = group(keys);
  const offsets = [0];
  const pieceOffsets = [0];
  const pieces: [from: number, to: number][] = [];
  for (const [, { length }] of groups) {
    const from = offsets.at(-1)!;
    for (let at = from; length > PIECE && at < from + length; at += PIECE) {
      pieces.push([at, Math.min(at + PIECE, from + length)]);
    }
    offsets.push(from + length);
    pieceOffsets.push(pieces.length);
  }
  return {
    sorted: Uint32Array.from(groups.flatMap(([, positions]) => positions)),
    rows: Uint32Array.from(groups, ([row]) => row),
    offsets: Uint32Array.from(offsets),
    pieceOffsets: Uint32Array.from(pieceOffsets),
    pieceFrom: Uint32Array.from(pieces, ([from]) => from),
    pieceTo: Uint32Array.from(pieces, ([, to]) => to),
    count: groups.length,
    pieceCount: pieces.length,
  };
}

/** Fisher-Yates by single draws. */
export function plainOrder(n: number, seed: number, epoch: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  const random = new Random(seed, epoch, n);
  for (let i = n - 1; i > 0; i--) {
    const mask = 2 ** (Math.floor(Math.log2(i)) + 1) - 1;
    let j = i + 1;
    while (j > i) j = (random.u32() & mask) >>> 0;
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** A table's ids, weights and plan for the data rows `picked`. */
export function plainTable(
  columns: Columns,
  fields: readonly FieldInfo[],
  layout: TableLayout,
  picked: readonly number[],
  plans: boolean,
) {
  const slots = picked.flatMap((row) =>
    layout.fields.flatMap(({ field, base, hash }) => {
      const { slots: width } = fields[field]!;
      const ids = [...columns.ids[field]!.subarray(row * width, (row + 1) * width)];
      const real = ids.filter((id) => id !== PAD).length;
      return ids.map((id) =>
        id === PAD
          ? { key: PAD, id: 0, weight: 0 }
          : { key: base + (hash ? hashedRow(id, hash) : id), id: null, weight: Math.fround(1 / real) },
      );
    }),
  );
  const multi = layout.fields.some(({ field }) => fields[field]!.kind === "multi");
  return {
    name: layout.name,
    ids: Uint32Array.from(slots, ({ key, id }) => id ?? key),
    ...(multi ? { weights: Float32Array.from(slots, ({ weight }) => weight) } : {}),
    ...(plans ? { plan: plainPlan(Uint32Array.from(slots, ({ key }) => key)) } : {}),
  };
}
