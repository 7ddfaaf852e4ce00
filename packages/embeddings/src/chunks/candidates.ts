/**
 * Candidates: chunks that are not live and whose utility is tracked, in a bounded number of slots. Slots are 1 to `slots`.
 *
 * When all are taken, a row that is not known must be seen twice before its chunks are (`Doorkeeper`), and a new one takes the place of a candidate that has not been touched for long, found by a clock with
 * counters: each touch adds 2 to the slot's counter (up to 254), the hand halves every counter it passes, and a slot
 * at 0 is given away. So a candidate lasts the longer, the more often it was touched, and a flood of rows seen once does not
 * sweep out those seen often. The hand goes at most 4 slots for each one asked, and at most one round in a batch: what a batch
 * touched is never given away in that batch. Where nothing is found, the chunk goes untracked until it is touched again. Rows come in the order of
 * the fields, so a batch whose first fields use the round up would leave the last ones without a slot for ever: the next batch begins with
 * the row that came too late (`turn`).
 */
import { Addresses } from "./addresses.ts";
import { BITS_A_SLOT, Doorkeeper } from "./doorkeeper.ts";

/** Bytes of a slot: the counter, the owner, a place in the stack of free slots, the utility on the device, the doorkeeper's bits. */
export const CANDIDATE_BYTES = 1 + 8 + 4 + 4 + BITS_A_SLOT / 8;

const STEPS = 4;
const TOUCH = 2;
const MOST = 254;

export class Candidates {
  readonly slots: number;
  /** row x K + chunk of each slot's candidate, -1 where there is none. */
  readonly owners: Float64Array;
  readonly counters: Uint8Array;
  readonly places: Addresses;
  readonly door: Doorkeeper;
  /** The slot that the hand looks at next. */
  hand = 1;
  #round = 0;
  /** The row that the next batch begins with; 0 where the last one had slots for all. */
  turn = 0;

  constructor(slots: number, places = new Addresses(slots)) {
    this.slots = slots;
    this.places = places;
    this.owners = new Float64Array(slots + 1).fill(-1);
    this.counters = new Uint8Array(slots + 1);
    this.door = new Doorkeeper(slots);
  }

  get size(): number {
    return this.places.live;
  }

  get bytes(): number {
    return this.owners.byteLength + this.counters.byteLength + this.places.bytes + this.door.bytes;
  }

  /** True if chunks of a row that is not known may ask for slots: there are free ones, or it was seen before. */
  admits(row: number): boolean {
    return this.places.free > 0 || (this.slots > 0 && this.door.admits(row));
  }

  /** Call at the start of each batch. */
  begin(): void {
    this.#round = 0;
  }

  /** True if the hand has gone its round in this batch: nobody gets a slot any more. */
  get exhausted(): boolean {
    return this.slots > 0 && this.#round >= this.slots && this.places.free === 0;
  }

  touch(slot: number): void {
    const n = this.counters[slot]!;
    if (n < MOST) this.counters[slot] = n + TOUCH;
  }

  /**
   * A slot for `owner` (row x K + chunk), or 0. Where it was another's, `give` is called with that one's number: it is no
   * candidate any more.
   */
  take(owner: number, give: (former: number) => void): number {
    if (this.places.free > 0) return this.#own(this.places.take(), owner);
    for (let step = 0; step < STEPS && this.#round < this.slots; step++) {
      const slot = this.hand;
      this.hand = slot === this.slots ? 1 : slot + 1;
      this.#round++;
      const counter = this.counters[slot]!;
      if (counter === 0) {
        const former = this.owners[slot]!;
        this.#own(slot, owner);
        give(former);
        return slot;
      }
      this.counters[slot] = counter >>> 1;
    }
    return 0;
  }

  /** Keeps a slot from being given away in this batch. */
  hold(slot: number): void {
    this.counters[slot] = MOST;
  }

  /** Frees a slot. */
  free(slot: number): void {
    this.owners[slot] = -1;
    this.counters[slot] = 0;
    this.places.give(slot);
  }

  #own(slot: number, owner: number): number {
    this.owners[slot] = owner;
    this.counters[slot] = TOUCH;
    return slot;
  }
}
