/** All tracked chunks in columns, for policies that look at every one of them, and the way back from what a policy takes. */
import type { Books } from "./books.ts";
import { PLACES, rowAt } from "./map.ts";
import type { StoreShape } from "./options.ts";

/** Every chunk that is live or a candidate, in columns of one length; the order is that of the store's map, the same for the same history. */
export interface Tracked {
  readonly utilities: Float32Array;
  /** LIVE and FIRST */
  readonly flags: Uint8Array;
  /** Index into the store's fields. */
  readonly fields: Uint16Array;
  /** 0 to K - 1 */
  readonly chunks: Uint16Array;
}

/** The chunk is live; else it is a candidate. */
export const LIVE = 1;
/** The chunk is the first of its row here; chunks of a row are next to each other. */
export const FIRST = 2;

/** Chunks by row and number, as `adjust` takes them. */
export interface ChunkArrays {
  readonly rows: Float64Array;
  readonly chunks: Uint16Array;
}

/** Utilities as they are stored, and what they are multiplied by. */
export interface StoredUtilities {
  /** By address. */
  readonly live: Float32Array;
  /** By slot. */
  readonly candidates: Float32Array;
  readonly factor: number;
}

export function trackedOf(
  { layout, rowFields }: StoreShape,
  { map, addresses, candidates, chunks: perRow }: Books,
  stored: StoredUtilities,
): Tracked {
  const fieldOf = Uint16Array.from(layout.fields, ({ field }) => field);
  const size = addresses.live + candidates.size;
  // one more than there are, because what has no place is written too, and then written over: which chunks have one is in no order, so that
  // a processor would guess a branch wrong often
  const utilities = new Float32Array(size + 1);
  const flags = new Uint8Array(size + 1);
  const fields = new Uint16Array(size + 1);
  const chunks = new Uint16Array(size + 1);
  // places stand where their utilities will: looked up in a loop of their own, so short that many are waited for at a time
  const places = new Int32Array(utilities.buffer);
  const { words, stride } = map;
  let n = 0;
  for (let at = 0; at < words.length; at += stride) {
    if (words[at + 1] === 0) continue;
    const field = fieldOf[rowFields.of(rowAt(words, at))]!;
    let first = FIRST;
    for (let k = 0; k < perRow; k++) {
      const place = words[at + PLACES + k]!;
      places[n] = place;
      flags[n] = first | (Number(place > 0) * LIVE);
      fields[n] = field;
      chunks[n] = k;
      const has = Number(place !== 0);
      first *= 1 - has;
      n += has;
    }
  }
  lookUp(utilities, places.subarray(0, size), stored);
  return {
    utilities: utilities.subarray(0, size),
    flags: flags.subarray(0, size),
    fields: fields.subarray(0, size),
    chunks: chunks.subarray(0, size),
  };
}

/** The utility at each place. */
function lookUp(out: Float32Array, places: Int32Array, { live, candidates, factor }: StoredUtilities): void {
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    out[i] = factor * (place > 0 ? live[place]! : candidates[-place]!);
  }
}

/**
 * Lists for `adjust`: live chunks that `taken` (0 or 1 for each of the tracked, read from the same books) does not mark, and others that it
 * does. Walks the map again, so that no list of all rows is held meanwhile.
 */
export function changesOf(
  { map, chunks: perRow }: Books,
  { flags }: Pick<Tracked, "flags">,
  taken: Uint8Array,
): { readonly evict: ChunkArrays; readonly restore: ChunkArrays } {
  const { words, stride } = map;
  let pruned = 0;
  let restored = 0;
  for (let i = 0; i < flags.length; i++) {
    const live = flags[i]! & LIVE;
    pruned += live & ~taken[i]!;
    restored += ~live & taken[i]!;
  }
  const evict = listOf(pruned);
  const restore = listOf(restored);
  let i = 0;
  let out = 0;
  let back = 0;
  for (let at = 0; at < words.length; at += stride) {
    if (words[at + 1] === 0) continue;
    for (let k = 0; k < perRow; k++) {
      const place = words[at + PLACES + k]!;
      if (place === 0 || Number(place > 0) === taken[i++]) continue;
      const list = place > 0 ? evict : restore;
      const to = place > 0 ? out++ : back++;
      list.rows[to] = rowAt(words, at);
      list.chunks[to] = k;
    }
  }
  return { evict, restore };
}

function listOf(length: number): ChunkArrays {
  return { rows: new Float64Array(length), chunks: new Uint16Array(length) };
}
