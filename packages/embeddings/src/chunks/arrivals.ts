/** Chunks that become live: gathered on the host, handed to the device before the step that reads them. */
import type { Feeds } from "@trimtab/tensor-core";
import { normalOf, threefry } from "../tables/host-normals.ts";
import { columnKey } from "../tables/initial.ts";
import type { StoreShape } from "./options.ts";

/** Chunks that one run of the placing program takes. */
export const PLACED_AT_ONCE = 8192;

const [ADDRESS, SOURCE, ROW, CHUNK, COLUMNS] = [0, 1, 2, 3, 4];
const MOST_KEPT = 1 << 18;

/** Chunks that became live since it was cleared. */
export class Arrivals {
  readonly #shape: StoreShape;
  /** Columns of one array: address, candidate slot, row (-1: starts at zero), chunk. */
  #list = new Float64Array(0);
  #size = 0;

  constructor(shape: StoreShape) {
    this.#shape = shape;
  }

  get size(): number {
    return this.#size;
  }

  /** A chunk seen for the first time: the values that the uniform table has there. */
  draw(address: number, row: number, chunk: number): void {
    this.#push(address, 0, row, chunk);
  }

  /** A restored chunk: zeros, and the utility of candidate slot `source` (0: none). */
  restore(address: number, source: number): void {
    this.#push(address, source, -1, 0);
  }

  /** Bytes of the list. */
  get bytes(): number {
    return this.#list.byteLength;
  }

  clear(): void {
    this.#size = 0;
    // many arrive at first, few later: what one large batch needed is not kept
    if (this.#list.length > MOST_KEPT) this.#list = new Float64Array(0);
  }

  /** Feeds of the placing program, a part at a time. */
  *feeds(): Generator<Feeds> {
    for (let from = 0; from < this.size; from += PLACED_AT_ONCE) {
      const to = Math.min(from + PLACED_AT_ONCE, this.size);
      yield {
        "placed.rows": this.#column(ADDRESS, from, to),
        "placed.source": this.#column(SOURCE, from, to),
        "placed.count": to - from,
        ...(this.#shape.drawnOnHost ? this.#values(from, to) : this.#keys(from, to)),
      };
    }
  }

  #push(address: number, source: number, row: number, chunk: number): void {
    const at = this.#size * COLUMNS;
    if (at === this.#list.length) {
      const larger = new Float64Array(Math.max(1024, 2 * at));
      larger.set(this.#list);
      this.#list = larger;
    }
    this.#list[at + ADDRESS] = address;
    this.#list[at + SOURCE] = source;
    this.#list[at + ROW] = row;
    this.#list[at + CHUNK] = chunk;
    this.#size++;
  }

  #column(column: number, from: number, to: number): Uint32Array {
    const out = new Uint32Array(to - from);
    for (let i = from; i < to; i++) out[i - from] = this.#list[i * COLUMNS + column]!;
    return out;
  }

  #values(from: number, to: number): Feeds {
    const { width, std, seed } = this.#shape;
    const values = new Float32Array(PLACED_AT_ONCE * width);
    for (let i = from, at = 0; i < to; i++, at += width) {
      const row = this.#list[i * COLUMNS + ROW]!;
      if (row < 0) continue;
      const { key, counter } = this.#drawOf(row, this.#list[i * COLUMNS + CHUNK]!);
      for (let j = 0; j < width; j++) values[at + j] = std * normalOf(threefry(key + j, seed, counter));
    }
    return { "placed.values": values };
  }

  #keys(from: number, to: number): Feeds {
    const keys = new Uint32Array(to - from);
    const counters = new Uint32Array(to - from);
    const fresh = new Uint32Array(to - from);
    for (let i = from; i < to; i++) {
      const row = this.#list[i * COLUMNS + ROW]!;
      if (row < 0) continue;
      const { key, counter } = this.#drawOf(row, this.#list[i * COLUMNS + CHUNK]!);
      keys[i - from] = key;
      counters[i - from] = counter;
      fresh[i - from] = 1;
    }
    return { "placed.keys": keys, "placed.counters": counters, "placed.fresh": fresh };
  }

  /** The random key of the chunk's first column, and its row inside the field: see `initial.ts`. */
  #drawOf(row: number, chunk: number): { readonly key: number; readonly counter: number } {
    const { layout, rowFields, width } = this.#shape;
    const { field, base } = layout.fields[rowFields.of(row)]!;
    return { key: columnKey(field, chunk * width), counter: row - base };
  }
}
