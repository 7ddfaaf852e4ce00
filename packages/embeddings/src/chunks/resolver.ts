/** From the rows of a batch to addresses: the work that the host does for each step, over arrays made once. */
import { ChunkStoreError } from "../errors.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Books } from "./books.ts";
import { PLACES } from "./map.ts";

/** Rows of a batch: a batch plan has them. */
export interface PlannedRows {
  /** [U] each row of the batch once, ascending. */
  readonly rows: ArrayLike<number>;
  /** U */
  readonly count: number;
}

/** A batch plan, as far as the store needs it. */
export interface PlannedBatch extends PlannedRows {
  /** Positions grouped by row. */
  readonly sorted: Uint32Array;
  /** [U + 1] bounds of each row's positions in `sorted`. */
  readonly offsets: Uint32Array;
}

/** Fills `places`, one for each position: the number of its row in the plan; 0 for padding, whose weight is 0. */
export function placesOf({ sorted, offsets, count }: PlannedBatch, places: Uint32Array): Uint32Array {
  if (offsets[count]! < places.length) places.fill(0);
  for (let u = 0, at = 0; u < count; u++) {
    for (const end = offsets[u + 1]!; at < end; at++) places[sorted[at]!] = u;
  }
  return places;
}

/** The first of ascending rows that is `least` or more; 0 where none is. */
function firstFrom(rows: ArrayLike<number>, count: number, least: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low === count ? 0 : low;
}

/** Marks a candidate that begins in this step, in the list of tracked chunks. */
export const FRESH = 0x8000_0000;
/** The same bit as a signed number, which is what the processor's own integers are. */
const FRESH_BIT = FRESH | 0;

export class Resolver {
  readonly #books: () => Books;
  readonly #rows: number;
  /** u32 [U x K]: the address of each chunk, 0 where it is not live. */
  chunks = new Uint32Array(0);
  /** Addresses of the live ones, and which chunk of `chunks` each is. */
  liveRows = new Uint32Array(0);
  liveSources = new Uint32Array(1);
  live = 0;
  /** Slots of the candidates, and which chunk of `chunks` each is, with FRESH. */
  trackedRows = new Uint32Array(0);
  trackedSources = new Uint32Array(1);
  tracked = 0;
  /** u32 [positions] */
  #inverse = new Uint32Array(0);

  /** `rows`: every row is below it. */
  constructor(books: () => Books, rows: number) {
    this.#books = books;
    this.#rows = rows;
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    const { chunks, liveRows, liveSources, trackedRows, trackedSources } = this;
    const all = [chunks, liveRows, liveSources, trackedRows, trackedSources, this.#inverse];
    return all.reduce((n, a) => n + a.byteLength, 0);
  }

  /** Chunks that rows of the batch would make live if there were room. */
  wanted({ rows, count }: PlannedRows): number {
    const { map, chunks, room } = this.#books();
    if (room === 0) return 0;
    let n = 0;
    for (let u = 0; u < count; u++) if (map.find(rows[u]!) < 0) n += chunks;
    return Math.min(n, room);
  }

  /** Addresses of a training batch: rows arrive, candidates are touched. Throws ChunkStoreError for a row that no field has, before anything changes. */
  train({ rows, count }: PlannedRows, arrivals: Arrivals): void {
    const books = this.#books();
    const { map, candidates, chunks: perRow } = books;
    this.#check(rows, count);
    this.#reserve(count * perRow, candidates.slots);
    const { chunks, liveRows, liveSources, trackedRows, trackedSources } = this;
    candidates.begin();
    // until its chunks are written, a row's first one holds where its entry was at the start
    map.findEach(rows, count, chunks, perRow);
    const found = map.moves;
    let { words } = map;
    let live = 0;
    let tracked = 0;
    const first = candidates.turn === 0 ? 0 : firstFrom(rows, count, candidates.turn);
    let turn = 0;
    // asked only after somebody asked for slots: most rows of a batch are known
    let late = false;
    for (let i = 0; i < count; i++) {
      const u = i < count - first ? first + i : first + i - count;
      const row = rows[u]!;
      if (late && turn === 0) turn = row;
      let out = u * perRow;
      let at = chunks[out]! - 1;
      // a row whose last slot went to one before it in the batch is not new: it becomes no live row, which only new ones and restored chunks do
      const mayLive = at < 0 ? perRow : 0;
      if (at >= 0 && map.moves !== found && !map.isAt(row, at)) at = map.find(row);
      let fresh = 0;
      if (at < 0) {
        at = books.arrive(row, arrivals, mayLive);
        late = candidates.exhausted;
        words = map.words;
        fresh = FRESH_BIT;
      }
      if (at < 0) {
        for (let k = 0; k < perRow; k++) chunks[out++] = 0;
        continue;
      }
      for (let k = 0; k < perRow; k++, out++) {
        let place = words[at + PLACES + k]!;
        if (place > 0) {
          chunks[out] = place;
          liveRows[live] = place;
          liveSources[live++] = out;
          continue;
        }
        chunks[out] = 0;
        let begun = fresh;
        if (place === 0) {
          if (fresh !== 0 || candidates.slots === 0) continue;
          const { moves } = map;
          const slot = books.track(row, k);
          late = candidates.exhausted;
          // the entry may have moved when another gave its slot up; if that was the row's last chunk, it is gone
          if (map.moves !== moves) {
            at = map.enter(row);
            words = map.words;
          }
          if (slot === 0) continue;
          place = -slot;
          words[at + PLACES + k] = place;
          begun = FRESH_BIT;
        }
        if (begun === 0) candidates.touch(-place);
        trackedRows[tracked] = -place;
        trackedSources[tracked++] = out | begun;
      }
    }
    candidates.turn = turn;
    this.live = live;
    this.tracked = tracked;
  }

  /** Which of the plan's rows each position has; 0 for padding, whose weight is 0. */
  invert(plan: PlannedBatch, positions: number): Uint32Array {
    if (this.#inverse.length !== positions) this.#inverse = new Uint32Array(positions);
    return placesOf(plan, this.#inverse);
  }

  /** Addresses of rows as they are: nothing arrives, nothing is touched. Writes `rows.length` x K of them to `out`. */
  look(rows: ArrayLike<number>, out: Uint32Array): void {
    const { map, chunks } = this.#books();
    const { words } = map;
    this.#check(rows, rows.length);
    for (let u = 0, to = 0; u < rows.length; u++) {
      const at = map.find(rows[u]!);
      for (let k = 0; k < chunks; k++) out[to++] = at < 0 ? 0 : Math.max(0, words[at + PLACES + k]!);
    }
  }

  #check(rows: ArrayLike<number>, count: number): void {
    for (let u = 0; u < count; u++) {
      const row = rows[u]!;
      if (row >= 0 && row < this.#rows) continue;
      throw new ChunkStoreError(
        `chunk store: row ${row} was looked up, but its fields have ${this.#rows} rows; give the field more rows.`,
      );
    }
  }

  #reserve(chunks: number, slots: number): void {
    if (this.chunks.length < chunks) {
      this.chunks = new Uint32Array(chunks);
      this.liveRows = new Uint32Array(chunks);
      this.liveSources = new Uint32Array(chunks);
    }
    const most = Math.min(chunks, slots);
    if (this.trackedRows.length < most) {
      this.trackedRows = new Uint32Array(most);
      this.trackedSources = new Uint32Array(most);
    }
  }
}
