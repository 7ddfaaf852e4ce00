/** Chunks that become live: gathered on the host, handed to the device before the step that reads them. */
import type { Feeds } from "@trimtab/tensor-core";
import { normalOf, threefry } from "../tables/host-normals.ts";
import { columnKey } from "../tables/initial.ts";
import type { StoreShape } from "./options.ts";

/** Chunks that one run of the placing program takes. */
export const PLACED_AT_ONCE = 8192;

/** Chunks that became live since it was cleared. */
export class Arrivals {
  readonly #shape: StoreShape;
  readonly #bases: readonly number[];
  #addresses: number[] = [];
  #sources: number[] = [];
  /** Of chunks with drawn values: the row; -1 for those that start at zero. */
  #rows: number[] = [];
  #chunks: number[] = [];

  constructor(shape: StoreShape) {
    this.#shape = shape;
    this.#bases = shape.layout.fields.map(({ base }) => base);
  }

  get size(): number {
    return this.#addresses.length;
  }

  /** A chunk seen for the first time: the values that the uniform table has there. */
  draw(address: number, row: number, chunk: number): void {
    this.#push(address, 0, row, chunk);
  }

  /** A restored chunk: zeros, and the utility of candidate slot `source` (0: none). */
  restore(address: number, source: number): void {
    this.#push(address, source, -1, 0);
  }

  clear(): void {
    this.#addresses = [];
    this.#sources = [];
    this.#rows = [];
    this.#chunks = [];
  }

  /** Feeds of the placing program, a part at a time. */
  *feeds(): Generator<Feeds> {
    for (let from = 0; from < this.size; from += PLACED_AT_ONCE) {
      const to = Math.min(from + PLACED_AT_ONCE, this.size);
      yield {
        "placed.rows": Uint32Array.from(this.#addresses.slice(from, to)),
        "placed.source": Uint32Array.from(this.#sources.slice(from, to)),
        "placed.count": to - from,
        ...(this.#shape.drawnOnHost ? this.#values(from, to) : this.#keys(from, to)),
      };
    }
  }

  #push(address: number, source: number, row: number, chunk: number): void {
    this.#addresses.push(address);
    this.#sources.push(source);
    this.#rows.push(row);
    this.#chunks.push(chunk);
  }

  #values(from: number, to: number): Feeds {
    const { width, std, seed } = this.#shape;
    const values = new Float32Array(PLACED_AT_ONCE * width);
    for (let i = from, at = 0; i < to; i++, at += width) {
      const row = this.#rows[i]!;
      if (row < 0) continue;
      const { key, counter } = this.#drawOf(row, this.#chunks[i]!);
      for (let j = 0; j < width; j++) values[at + j] = std * normalOf(threefry(key + j, seed, counter));
    }
    return { "placed.values": values };
  }

  #keys(from: number, to: number): Feeds {
    const keys = new Uint32Array(to - from);
    const counters = new Uint32Array(to - from);
    const fresh = new Uint32Array(to - from);
    for (let i = from; i < to; i++) {
      const row = this.#rows[i]!;
      if (row < 0) continue;
      const { key, counter } = this.#drawOf(row, this.#chunks[i]!);
      keys[i - from] = key;
      counters[i - from] = counter;
      fresh[i - from] = 1;
    }
    return { "placed.keys": keys, "placed.counters": counters, "placed.fresh": fresh };
  }

  /** The random key of the chunk's first column, and its row inside the field: see `initial.ts`. */
  #drawOf(row: number, chunk: number): { readonly key: number; readonly counter: number } {
    let low = 0;
    let high = this.#bases.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#bases[middle]! <= row) low = middle;
      else high = middle;
    }
    const { field } = this.#shape.layout.fields[low]!;
    return { key: columnKey(field, chunk * this.#shape.width), counter: row - this.#bases[low]! };
  }
}
