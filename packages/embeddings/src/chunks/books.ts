/** The host's part of the chunk store: who has which place. It knows no device; every change keeps its parts in agreement. */
import { Addresses } from "./addresses.ts";
import type { Arrivals } from "./arrivals.ts";
import { Candidates } from "./candidates.ts";
import { ChunkMap, PLACES } from "./map.ts";

export class Books {
  readonly chunks: number;
  readonly map: ChunkMap;
  addresses: Addresses;
  readonly candidates: Candidates;
  /** Chunks that may be live. */
  target: number;
  readonly #forget = (owner: number): void => this.forget(owner);
  /** The row that `forget` was last called for, and where its entry was. */
  #lastRow = -1;
  #lastAt = 0;
  /** Slots that an arriving row gets. */
  readonly #slots: Int32Array;

  constructor(parts: {
    readonly map: ChunkMap;
    readonly addresses: Addresses;
    readonly candidates: Candidates;
    readonly target: number;
  }) {
    this.chunks = parts.map.chunks;
    this.map = parts.map;
    this.addresses = parts.addresses;
    this.candidates = parts.candidates;
    this.target = parts.target;
    this.#slots = new Int32Array(this.chunks);
  }

  static empty(chunks: number, capacity: number, candidates: number, target: number): Books {
    return new Books({
      map: new ChunkMap(chunks),
      addresses: new Addresses(capacity),
      candidates: new Candidates(candidates),
      target: Math.floor(target),
    });
  }

  /** Chunks that may become live before the target is reached. */
  get room(): number {
    return Math.max(0, this.target - this.addresses.live);
  }

  /** Place of a chunk: an address above zero, a candidate's slot below zero, 0 for neither. */
  placeOf(row: number, chunk: number): number {
    const at = this.map.find(row);
    return at < 0 ? 0 : this.map.words[at + PLACES + chunk]!;
  }

  /**
   * A row that is not in the map: at most `most` chunks become live, while there is room, the others candidates while there are slots and the row
   * is let in. The offset of its entry, or -1 where it got nothing. Entries may move.
   */
  arrive(row: number, arrivals: Arrivals, most: number): number {
    const { chunks, map, addresses } = this;
    const slots = this.#slots;
    const live = Math.min(most, this.room, addresses.free);
    if (live === 0 && !this.candidates.admits(row)) return -1;
    let places = live;
    // slots first: those who give them up may move the entry
    for (let k = live; k < chunks; k++) {
      const slot = this.track(row, k);
      slots[k] = slot;
      if (slot > 0) places++;
    }
    if (places === 0) return -1;
    const at = map.add(row) + PLACES;
    for (let k = 0; k < live; k++) {
      const address = addresses.take();
      map.words[at + k] = address;
      arrivals.draw(address, row, k);
    }
    for (let k = live; k < chunks; k++) map.words[at + k] = -slots[k]!;
    return at - PLACES;
  }

  /** A slot for a chunk that is not live, or 0; the map does not say so yet. Entries of others may move. */
  track(row: number, chunk: number): number {
    return this.candidates.take(row * this.chunks + chunk, this.#forget);
  }

  /** Takes the place of row x K + chunk away, and the row's entry if that was its last. */
  forget(owner: number): void {
    const row = Math.floor(owner / this.chunks);
    // chunks of a row give up their slots one after another, as they took them
    const same = row === this.#lastRow && this.map.isAt(row, this.#lastAt);
    const at = same ? this.#lastAt : this.map.find(row);
    this.#lastRow = row;
    this.#lastAt = at;
    this.map.words[at + PLACES + (owner - row * this.chunks)] = 0;
    if (this.map.isEmpty(at)) this.map.remove(at);
  }

  /** Gives a chunk that has no place one. */
  put(row: number, chunk: number, place: number): void {
    const at = this.map.enter(row);
    this.map.words[at + PLACES + chunk] = place;
  }

  /**
   * How live chunks fit into `capacity` addresses: `from[a]` is the address that address a's chunk has now (0: none), `moves`
   * are the words of the map to change and to what, `addresses` what is free then. Nothing changes here.
   */
  relocation(capacity: number): {
    readonly from: Uint32Array;
    readonly moves: readonly (readonly [word: number, address: number])[];
    readonly addresses: Addresses;
  } {
    const { map, chunks, addresses } = this;
    const from = new Uint32Array(capacity + 1);
    const beyond: number[] = [];
    map.each((_, at) => {
      for (let word = at + PLACES; word < at + PLACES + chunks; word++) {
        const place = map.words[word]!;
        if (place > capacity) beyond.push(word);
        else if (place > 0) from[place] = place;
      }
    });
    if (capacity >= addresses.capacity) {
      const same = Addresses.over(capacity, addresses.next, addresses.freed());
      return { from, moves: [], addresses: same };
    }
    let low = 1;
    const moves = beyond.map((word): [number, number] => {
      while (from[low] !== 0) low++;
      from[low] = map.words[word]!;
      return [word, low];
    });
    let next = capacity + 1;
    while (next > 1 && from[next - 1] === 0) next--;
    const freed: number[] = [];
    for (let address = next - 1; address > 0; address--) if (from[address] === 0) freed.push(address);
    return { from, moves, addresses: Addresses.over(capacity, next, Uint32Array.from(freed)) };
  }

  /** Bytes of everything here. */
  get bytes(): { readonly map: number; readonly addresses: number; readonly candidates: number } {
    return {
      map: this.map.bytes,
      addresses: this.addresses.bytes,
      candidates: this.candidates.bytes,
    };
  }

  /** undefined, or what is wrong: for books that come from a file. */
  trouble(): string | undefined {
    const { map, addresses, candidates } = this;
    if (!map.check()) return "its map is damaged";
    const live = new Uint8Array(addresses.capacity + 1);
    const tracked = new Uint8Array(candidates.slots + 1);
    let wrong: string | undefined;
    map.each((row, at) => {
      let any = false;
      for (let k = 0; k < this.chunks; k++) {
        const place = map.words[at + PLACES + k]!;
        if (place === 0) continue;
        any = true;
        const taken = place > 0 ? live : tracked;
        const n = Math.abs(place);
        if (n >= taken.length || taken[n] === 1) wrong = "a place of it has two owners, or is none";
        else taken[n] = 1;
        if (place < 0 && candidates.owners[n] !== row * this.chunks + k)
          wrong = "a candidate of it has another owner";
      }
      if (!any) wrong = "a row of it has no place";
    });
    const count = (taken: Uint8Array) => taken.reduce((n, x) => n + x, 0);
    const frees = (list: Addresses, taken: Uint8Array): boolean => {
      const freed = list.freed();
      const unused = list.next >= 1 && list.next <= list.capacity + 1;
      return (
        unused &&
        new Set(freed).size === freed.length &&
        freed.every((a) => a >= 1 && a < list.next && taken[a] === 0) &&
        taken.subarray(list.next).every((x) => x === 0) &&
        count(taken) === list.live
      );
    };
    if (wrong) return wrong;
    if (!frees(addresses, live) || !frees(candidates.places, tracked))
      return "its free places do not go with its map";
    return undefined;
  }
}
