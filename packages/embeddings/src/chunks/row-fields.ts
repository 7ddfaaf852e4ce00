/** Which field of a layout a row is of, for very many rows. */
import type { TableLayout } from "../fields.ts";

/** Parts that the rows are cut into; the field of each part's first row is kept. */
const PARTS = 1024;

export class RowFields {
  readonly #bases: Float64Array;
  /** Parts have 2^n rows, so that a row's part is exact. */
  readonly #perRow: number;
  readonly #first: Uint16Array;

  constructor({ rows, fields }: TableLayout) {
    this.#bases = Float64Array.from(fields, ({ base }) => base);
    const width = 2 ** Math.ceil(Math.log2(Math.max(1, rows / PARTS)));
    this.#perRow = 1 / width;
    this.#first = new Uint16Array(Math.ceil(rows / width));
    for (let part = 0, at = 0; part < this.#first.length; part++) {
      while (this.#isBehind(at, part * width)) at++;
      this.#first[part] = at;
    }
  }

  /** Index into `layout.fields` of the field that has a row of the layout. */
  of(row: number): number {
    let at = this.#first[Math.floor(row * this.#perRow)]!;
    while (this.#isBehind(at, row)) at++;
    return at;
  }

  #isBehind(at: number, row: number): boolean {
    return at + 1 < this.#bases.length && this.#bases[at + 1]! <= row;
  }
}
