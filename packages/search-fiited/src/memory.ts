/** The most bytes that a store held, as it was asked before and after everything that changes its size. */
import type { ChunkStore } from "@trimtab/embeddings";
import { z } from "zod";

const bytes = z.number().nonnegative();

export const peaksSchema = z.strictObject({
  /** Values of live chunks. */
  payload: bytes,
  /** Variables of the store on the device. */
  device: bytes,
  /** Device and host together. */
  total: bytes,
  /** As `total`, with what exists for a moment: an adjustment's lists, an old pool beside the new one. */
  moving: bytes,
  /** Chunks. */
  live: bytes,
});

export type Peaks = z.output<typeof peaksSchema>;

export class MemoryWatch {
  #peaks: Peaks = { payload: 0, device: 0, total: 0, moving: 0, live: 0 };
  #before: { readonly total: number; readonly pool: number } | undefined;

  get peaks(): Peaks {
    return this.#peaks;
  }

  set peaks(peaks: Peaks) {
    this.#peaks = peaks;
  }

  /** Looks at the store as it is. */
  look(store: ChunkStore): void {
    const { payload, device, total } = store.memory();
    const own = device.values + device.state + device.utility + device.candidates;
    const { peaks } = this;
    this.#peaks = {
      payload: Math.max(peaks.payload, payload),
      device: Math.max(peaks.device, own),
      total: Math.max(peaks.total, total),
      moving: Math.max(peaks.moving, total),
      live: Math.max(peaks.live, store.live),
    };
  }

  /** So many bytes more are held on the host for a moment. */
  extra(store: ChunkStore, bytes: number): void {
    this.look(store);
    this.#peaks = { ...this.#peaks, moving: Math.max(this.#peaks.moving, store.memory().total + bytes) };
  }

  /** Before the pool is made anew. */
  before(store: ChunkStore): void {
    const { total } = store.memory();
    this.#before = { total, pool: poolOf(store) };
  }

  /** After it was. */
  after(store: ChunkStore): void {
    this.look(store);
    if (!this.#before) return;
    // and a list of where each chunk comes from
    const moving = this.#before.total + poolOf(store) + 4 * (store.capacity + 1);
    this.#peaks = { ...this.#peaks, moving: Math.max(this.#peaks.moving, moving) };
    this.#before = undefined;
  }
}

function poolOf(store: ChunkStore): number {
  const { values, state, utility } = store.memory().device;
  return values + state + utility;
}
