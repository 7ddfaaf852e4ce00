/** From a store to what is served: the scheme of its live chunks, and compact tables with their values. */
import type { Device } from "@trimtab/tensor-core";
import { setBit, wordsOf } from "../elements/bits.ts";
import type { Books } from "./books.ts";
import { ChunkTables } from "./compact.ts";
import { PLACES } from "./map.ts";
import type { StoreShape } from "./options.ts";
import type { Pool } from "./pool.ts";
import { type RowChunkScheme, rowChunks } from "./scheme.ts";

/** The live chunks as a scheme. */
export function schemeOf(shape: StoreShape, { map }: Books): RowChunkScheme {
  const { fields, layout, rowFields, dim, chunks } = shape;
  const masks = fields.map(({ rows }) => new Uint32Array(wordsOf(rows * chunks)));
  map.each((row, at) => {
    const { field, base } = layout.fields[rowFields.of(row)]!;
    const mask = masks[field]!;
    const first = (row - base) * chunks;
    for (let k = 0; k < chunks; k++) if (map.words[at + PLACES + k]! > 0) setBit(mask, first + k);
  });
  return rowChunks(fields, { dim, chunks, masks });
}

/** Tables of that scheme with the store's values. */
export async function compactOf(
  device: Device,
  { shape, pool, books }: { readonly shape: StoreShape; readonly pool: Pool; readonly books: Books },
  name?: string,
): Promise<ChunkTables> {
  const { chunks, width, layout } = shape;
  const scheme = schemeOf(shape, books);
  const tables = new ChunkTables(device, scheme, name);
  try {
    const all = (await pool.values.read()) as Float32Array;
    const values = new Float32Array(scheme.parameters);
    let at = 0;
    for (const { field, base } of layout.fields) {
      scheme.eachChunk(field, (owner) => {
        const row = Math.floor(owner / chunks);
        const address = books.placeOf(base + row, owner - row * chunks);
        values.set(all.subarray(address * width, (address + 1) * width), at);
        at += width;
      });
    }
    tables.values?.write(values);
    return tables;
  } catch (reason) {
    tables.dispose();
    throw reason;
  }
}
