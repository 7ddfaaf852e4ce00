/** What an adjustment is, and what it must fit. */
import { ChunkStoreError } from "../errors.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Books } from "./books.ts";
import { PLACES } from "./map.ts";
import type { StoreShape } from "./options.ts";

/** Chunks by row and number; both arrays are of one length. */
export interface ChunkList {
  readonly rows: ArrayLike<number>;
  /** 0 to K - 1 */
  readonly chunks: ArrayLike<number>;
}

export interface Adjustment {
  /** Live chunks to prune. They become candidates, with their utility, while there are slots. */
  readonly evict: ChunkList;
  /** Chunks to make live: they start at zero with fresh optimizer state; those that were candidates keep their utility. */
  readonly restore: ChunkList;
}

/** Throws ChunkStoreError for the first chunk that cannot be pruned or restored. */
export function checkAdjustment({ evict, restore }: Adjustment, shape: StoreShape, books: Books): void {
  const { chunks, layout } = shape;
  // a byte for each address and slot is cheaper than a set where many are named
  const live = new Uint8Array(evict.rows.length > 0 ? books.addresses.capacity + 1 : 0);
  const tracked = new Uint8Array(restore.rows.length > 0 ? books.candidates.slots + 1 : 0);
  const others = new Set<number>();
  const isNew = (owner: number, place: number): boolean => {
    if (place === 0) return others.size < others.add(owner).size;
    const named = place > 0 ? live : tracked;
    const before = named[Math.abs(place)];
    named[Math.abs(place)] = 1;
    return before === 0;
  };
  const each = (list: ChunkList, what: string, fits: (place: number) => boolean, must: string) => {
    if (list.rows.length !== list.chunks.length) {
      throw new ChunkStoreError(
        `chunk store: ${list.rows.length} rows and ${list.chunks.length} chunk numbers were given to ${what}; give one each.`,
      );
    }
    for (let i = 0; i < list.rows.length; i++) {
      const row = list.rows[i]!;
      const chunk = list.chunks[i]!;
      const exists = row >= 0 && row < layout.rows && chunk >= 0 && chunk < chunks;
      const place = exists ? books.placeOf(row, chunk) : 0;
      if (exists && fits(place) && isNew(row * chunks + chunk, place)) continue;
      const why = !exists ? "does not exist" : fits(place) ? "is named twice" : must;
      throw new ChunkStoreError(
        `chunk store: chunk ${chunk} of row ${row}, to ${what}, ${why}; decide by fresh utilities.`,
      );
    }
  };
  each(evict, "prune", (place) => place > 0, "is not live");
  each(restore, "restore", (place) => place <= 0, "is live");
  const room = books.addresses.free + evict.rows.length;
  if (restore.rows.length > room) {
    throw new ChunkStoreError(
      `chunk store: ${restore.rows.length} chunks to restore, but only ${room} are free then; grow the store or prune more.`,
    );
  }
}

/**
 * Changes the books. `from` and `to` are the utilities that move before anything is placed: of addresses to candidates' slots. What
 * is restored goes to `arrivals`.
 */
export function applyAdjustment(
  { evict, restore }: Adjustment,
  books: Books,
  arrivals: Arrivals,
): { readonly from: Uint32Array; readonly to: Uint32Array } {
  const { map, addresses, candidates, chunks } = books;
  candidates.begin();
  // restored chunks give their slots back after all others have found theirs, or their utility would be lost
  const sources = new Uint32Array(restore.rows.length);
  for (let i = 0; i < sources.length; i++) {
    const slot = -books.placeOf(restore.rows[i]!, restore.chunks[i]!);
    sources[i] = slot;
    if (slot > 0) candidates.hold(slot);
  }
  const from = new Uint32Array(evict.rows.length);
  const to = new Uint32Array(evict.rows.length);
  let moved = 0;
  for (let i = 0; i < evict.rows.length; i++) {
    const row = evict.rows[i]!;
    const chunk = evict.chunks[i]!;
    const slot = books.track(row, chunk);
    const at = map.find(row) + PLACES + chunk;
    const address = map.words[at]!;
    addresses.give(address);
    if (slot > 0) {
      map.words[at] = -slot;
      from[moved] = address;
      to[moved++] = slot;
    } else books.forget(row * chunks + chunk);
  }
  for (let i = 0; i < sources.length; i++) {
    const address = addresses.take();
    books.put(restore.rows[i]!, restore.chunks[i]!, address);
    arrivals.restore(address, sources[i]!);
    if (sources[i]! > 0) candidates.free(sources[i]!);
  }
  map.fit();
  return { from: from.subarray(0, moved), to: to.subarray(0, moved) };
}
