/**
 * The address manager: which places of the pool are free. Addresses are 1 to capacity; 0 is the zero chunk and never
 * handed out. live + free = capacity, always. What was freed last is taken first (FIITED's stack); addresses that were never
 * used need no stack, so it holds what was freed and nothing else.
 */
import { ChunkStoreError } from "../errors.ts";

const LEAST = 16;

export class Addresses {
  /** Addresses that exist. */
  readonly capacity: number;
  /** The lowest address that was never handed out. */
  #next = 1;
  #stack = new Uint32Array(LEAST);
  #freed = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The manager that was saved: `next` and the freed addresses, the last freed last. */
  static over(capacity: number, next: number, freed: Uint32Array): Addresses {
    const made = new Addresses(capacity);
    made.#next = next;
    made.#stack = freed.slice();
    made.#freed = freed.length;
    return made;
  }

  get free(): number {
    return this.capacity - this.#next + 1 + this.#freed;
  }

  get live(): number {
    return this.capacity - this.free;
  }

  get next(): number {
    return this.#next;
  }

  get bytes(): number {
    return this.#stack.byteLength;
  }

  /** A copy of the freed addresses, the last freed last. */
  freed(): Uint32Array {
    return this.#stack.slice(0, this.#freed);
  }

  /** An address that nobody has. Throws ChunkStoreError where none is left; ask `free` first. */
  take(): number {
    if (this.#freed > 0) return this.#stack[--this.#freed]!;
    if (this.#next > this.capacity) {
      throw new ChunkStoreError(
        `chunk store: all ${this.capacity} chunks are taken; grow the store or prune first.`,
      );
    }
    return this.#next++;
  }

  /** Gives an address back. */
  give(address: number): void {
    if (this.#freed === this.#stack.length) {
      const larger = new Uint32Array(Math.max(LEAST, Math.ceil(this.#stack.length * 1.5)));
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#freed++] = address;
  }
}
