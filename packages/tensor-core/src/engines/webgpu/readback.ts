/**
 * Copies from the device to the host: a pool of staging buffers, each used by one read at a time.
 *
 * The pool grows up to a bound; then the order queue (see Order) holds later work back until a buffer returns.
 */
import type { Health } from "./health.ts";
import { type Ledger, USAGE } from "./memory.ts";

const MOST_BUFFERS = 64;
const MOST_BYTES = 256 << 20;
/** Larger staging buffers (a whole table) are not kept for the next read. */
const KEPT_BYTES = 1 << 20;

export class Readback {
  readonly #ledger: Ledger;
  readonly #health: Health;
  readonly #free: GPUBuffer[] = [];
  readonly #returned: () => void;
  #buffers = 0;
  #bytes = 0;

  /** `returned` is called whenever a staging buffer becomes free. */
  constructor(ledger: Ledger, health: Health, returned: () => void) {
    this.#ledger = ledger;
    this.#health = health;
    this.#returned = returned;
  }

  /** Whether a read of so many bytes may start now. */
  hasRoom(bytes: number): boolean {
    const size = sizeClass(bytes);
    if (this.#free.some((buffer) => buffer.size === size)) return true;
    if (this.#buffers === this.#free.length) return true;
    const spare = this.#free.length > 0;
    return (this.#buffers < MOST_BUFFERS || spare) && this.#bytes - this.#spareBytes() + size <= MOST_BYTES;
  }

  take(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    const at = this.#free.findIndex((buffer) => buffer.size === size);
    if (at >= 0) return this.#free.splice(at, 1)[0]!;
    // Make room from buffers of other sizes, oldest first.
    while (this.#free.length > 0 && (this.#buffers >= MOST_BUFFERS || this.#bytes + size > MOST_BYTES)) {
      this.#drop(this.#free.shift()!);
    }
    this.#buffers++;
    this.#bytes += size;
    return this.#ledger.create(size, USAGE.mapRead | USAGE.copyDst, "staging for reads");
  }

  /** The first `bytes` of a staging buffer, once the copy into it (already submitted) is done. Gives the buffer back. */
  async finish(staging: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    try {
      await staging.mapAsync(1, 0, Math.max(4, bytes));
    } catch (error) {
      throw await this.#health.explain(error);
    }
    const copy = staging.getMappedRange(0, Math.max(4, bytes)).slice(0, bytes);
    staging.unmap();
    this.#free.push(staging);
    if (staging.size > KEPT_BYTES) this.trim();
    this.#returned();
    this.#health.check();
    return copy;
  }

  /** Destroys what is not in use. */
  trim(): void {
    while (this.#free.length > 0) this.#drop(this.#free.pop()!);
  }

  #drop(buffer: GPUBuffer): void {
    this.#buffers--;
    this.#bytes -= buffer.size;
    this.#ledger.destroy(buffer);
  }

  #spareBytes(): number {
    return this.#free.reduce((sum, buffer) => sum + buffer.size, 0);
  }
}

/** Powers of two, so that buffers fit many reads. What is not kept has its own size: rounded up it could be more than the device gives. */
function sizeClass(bytes: number): number {
  if (bytes > KEPT_BYTES) return 4 * Math.ceil(bytes / 4);
  return 2 ** Math.ceil(Math.log2(Math.max(256, bytes)));
}
