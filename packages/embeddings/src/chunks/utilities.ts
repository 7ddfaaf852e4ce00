/** What a policy decides by: the utility of every chunk that is live or a candidate. */
import type { Books } from "./books.ts";
import { PLACES } from "./map.ts";
import type { StoreShape } from "./options.ts";
import { type ChunkArrays, changesOf, type StoredUtilities, type Tracked, trackedOf } from "./tracked.ts";

/** Called with a chunk; `live` false is a candidate. */
export type ChunkVisit = (row: number, chunk: number, utility: number, live: boolean) => void;

export class Utilities {
  readonly #shape: StoreShape;
  readonly #books: Books;
  readonly #stored: StoredUtilities;
  readonly #check: () => void;

  constructor(shape: StoreShape, books: Books, stored: StoredUtilities, check: () => void) {
    this.#shape = shape;
    this.#books = books;
    this.#stored = stored;
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

  /** What `each` visits, in columns. Throws ChunkStoreError if the store has changed. */
  tracked(): Tracked {
    this.#check();
    return trackedOf(this.#shape, this.#books, this.#stored);
  }

  /**
   * What to prune and restore so that those of `tracked` are live that are marked with 1, and no others; marks are 0 or 1. Throws
   * ChunkStoreError if the store has changed.
   */
  changes(
    tracked: Pick<Tracked, "flags">,
    taken: Uint8Array,
  ): { readonly evict: ChunkArrays; readonly restore: ChunkArrays } {
    this.#check();
    return changesOf(this.#books, tracked, taken);
  }

  #at(place: number): number {
    const { live, candidates, factor } = this.#stored;
    return place === 0 ? 0 : factor * (place > 0 ? live[place]! : candidates[-place]!);
  }
}
