/** Starting a smaller model from a trained one: kept columns are copied instead of drawn anew. */

import { ElementTables } from "../elements/tables.ts";
import { TablesError } from "../errors.ts";
import type { EmbeddingTables } from "./contract.ts";
import { DenseTables, type FieldPlace } from "./tables.ts";

/** Rows are copied in blocks of about this many numbers, so that a large table is never whole in memory. */
const BLOCK = 1 << 20;

/**
 * Copies into `to` the columns that its scheme kept (`columns`; the first d_f without it) of the uniform tables `from`, and
 * makes every projection put them back into their places. The model then starts as the masked base model exactly.
 * Ours: SSEDS retrains from scratch. Throws TablesError if `from` lacks a field, a row or a column that `to` wants.
 */
export async function inheritTables(from: EmbeddingTables, to: EmbeddingTables): Promise<void> {
  const { fields } = to.scheme;
  if (!(from instanceof DenseTables)) {
    throw new TablesError(
      `inheritTables: the source is a "${from.scheme.kind}" scheme; inherit from the uniform tables the scheme was searched on.`,
    );
  }
  for (const f of to.order) checkSource(from, to, f);
  if (to instanceof ElementTables) return copyNumbers(from, to);
  if (!(to instanceof DenseTables)) {
    throw new TablesError(`inheritTables: cannot fill tables of a "${to.scheme.kind}" scheme.`);
  }
  for (const f of to.order) {
    await copyField(from.placeOf(f)!, to.placeOf(f)!, sourceColumns(from, to, f), fields[f]!.rows);
  }
  for (const { group, projection } of to.parts) {
    if (!projection) continue;
    const { base } = to.scheme;
    const maps = new Float32Array(projection.size);
    group.fields.forEach((f, i) => {
      to.scheme.columnsOf(f).forEach((column, j) => {
        maps[(i * group.dim + j) * base + column] = 1;
      });
    });
    projection.write(maps);
  }
}

/** For each number of field f in `to`, its column in the table of `from`. -1: `from` does not have it. */
function sourceColumns(from: EmbeddingTables, to: EmbeddingTables, f: number): number[] {
  const held = from.columnsOf(f);
  return to.columnsOf(f).map((c) => held.indexOf(c));
}

function checkSource(from: EmbeddingTables, to: EmbeddingTables, f: number): void {
  const wanted = to.scheme.fields[f]!;
  const given = from.scheme.fields[f];
  if (!given || given.name !== wanted.name || given.rows !== wanted.rows) {
    throw new TablesError(
      `inheritTables: field "${wanted.name}" (${wanted.rows} rows) is not field ${f} of the source ` +
        `(${given ? `"${given.name}", ${given.rows} rows` : "which has fewer fields"}); use models of one dataset.`,
    );
  }
  if (sourceColumns(from, to, f).includes(-1)) {
    throw new TablesError(
      `inheritTables: field "${wanted.name}" wants columns [${to.columnsOf(f).join(", ")}], the source has ` +
        `[${from.columnsOf(f).join(", ")}]; inherit from the uniform tables the scheme was searched on.`,
    );
  }
}

async function copyField(
  source: FieldPlace,
  target: FieldPlace,
  columns: readonly number[],
  rows: number,
): Promise<void> {
  const wide = source.part.group.dim;
  const narrow = target.part.group.dim;
  const step = Math.max(1, Math.floor(BLOCK / wide));
  for (let at = 0; at < rows; at += step) {
    const count = Math.min(step, rows - at);
    const block = await source.part.table.read((source.base + at) * wide, count * wide);
    const kept = new Float32Array(count * narrow);
    for (let r = 0; r < count; r++) {
      for (let j = 0; j < narrow; j++) kept[r * narrow + j] = block[r * wide + columns[j]!]!;
    }
    target.part.table.write(kept, (target.base + at) * narrow);
  }
}

/** The numbers of an element mask, in its order, from whole rows. */
async function copyNumbers(from: DenseTables, to: ElementTables): Promise<void> {
  const dim = to.scheme.base;
  let written = 0;
  for (const f of to.order) {
    const { part, base } = from.placeOf(f)!;
    const wide = part.group.dim;
    const columns = sourceColumns(from, to, f);
    const addresses = new Uint32Array(to.scheme.count(f));
    let filled = 0;
    to.scheme.eachNumber(f, (address) => {
      addresses[filled++] = address;
    });
    const step = Math.max(1, Math.floor(BLOCK / wide));
    for (let k = 0; k < filled; ) {
      const first = Math.floor(addresses[k]! / dim);
      const count = Math.min(step, to.scheme.fields[f]!.rows - first);
      const block = await part.table.read((base + first) * wide, count * wide);
      const kept: number[] = [];
      for (; k < filled && addresses[k]! < (first + count) * dim; k++) {
        const row = Math.floor(addresses[k]! / dim);
        kept.push(block[(row - first) * wide + columns[addresses[k]! % dim]!]!);
      }
      to.values!.write(Float32Array.from(kept), written);
      written += kept.length;
    }
  }
}
