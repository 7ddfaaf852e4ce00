/** What a policy decides by: the utility of every chunk that is live or a candidate. */
import type { Books } from "./books.ts";
import { PLACES } from "./map.ts";

/** Called with a chunk; `live` false is a candidate. */
export type ChunkVisit = (row: number, chunk: number, utility: number, live: boolean) => void;

export class Utilities {
  readonly #books: Books;
  readonly #stored: { readonly live: Float32Array; readonly candidates: Float32Array };
  readonly #factor: number;
  readonly #check: () => void;

  constructor(
    books: Books,
    stored: { readonly live: Float32Array; readonly candidates: Float32Array },
    factor: number,
    check: () => void,
  ) {
    this.#books = books;
    this.#stored = stored;
    this.#factor = factor;
    this.#check = check;
  }

  /** Utility of a chunk now; 0 for one that is neither live nor a candidate. Throws ChunkStoreError if the store has changed. */
  of(row: number, chunk: number): number {
    this.#check();
    return this.#at(this.#books.placeOf(row, chunk));
  }

  /**
   * Visits every live chunk and every candidate, chunks of a row in order, rows in the order of the store's map: no order of
   * meaning, but the same for the same history. Throws ChunkStoreError if the store has changed.
   */
  each(visit: ChunkVisit): void {
    this.#check();
    const { map, chunks } = this.#books;
    map.each((row, at) => {
      for (let k = 0; k < chunks; k++) {
        const place = map.words[at + PLACES + k]!;
        if (place !== 0) visit(row, k, this.#at(place), place > 0);
      }
    });
  }

  #at(place: number): number {
    const { live, candidates } = this.#stored;
    return place === 0 ? 0 : this.#factor * (place > 0 ? live[place]! : candidates[-place]!);
  }
}
