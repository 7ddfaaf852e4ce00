/** Keeps a store from being used when it is disposed, or while work that takes turns of the event loop is under way. */
import { ChunkStoreError } from "../errors.ts";

export class Exclusive {
  #busy: string | undefined;
  #disposed = false;

  /** Throws ChunkStoreError where the store may not be used now. */
  check(): void {
    if (this.#disposed) throw new ChunkStoreError("chunk store: it was disposed; make a new one.");
    if (this.#busy === undefined) return;
    throw new ChunkStoreError(`chunk store: ${this.#busy} is still under way; await it first.`);
  }

  /** Does work that waits, and lets nothing else use the store meanwhile. */
  async alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#busy = what;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }

  /** Nothing may be used any more; false if that was so already. */
  dispose(): boolean {
    const first = !this.#disposed;
    this.#disposed = true;
    return first;
  }
}
