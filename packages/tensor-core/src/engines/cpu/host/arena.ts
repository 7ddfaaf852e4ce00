/**
 * One WebAssembly.Memory and who owns which bytes of it. It is not a pool of JavaScript arrays: addresses are bytes of the
 * memory, as the kernels see them. A WebAssembly memory can only grow; `wasteful` and `moveTo` are how it gets smaller.
 */
import { BufferTooLarge, DisposedError } from "../../../errors.ts";
import { CONTROL_BYTES } from "./control.ts";
import { FreeList } from "./free-list.ts";

const PAGE = 65536;
const MAX_BYTES = 65536 * PAGE;
const ALIGNMENT = 64;
const SMALL = 64 * 2 ** 20;

export interface ArenaOptions {
  /** Threads may share it. Default: where this place has shared memory. */
  readonly shared?: boolean;
  /** The most bytes it may have, control area included; at most 4 GiB, which is the default. */
  readonly limit?: number;
}

/** What `moveTo` hands back. */
export interface Move {
  readonly arena: Arena;
  /** Old address -> new address, of every live block. */
  readonly moved: Map<number, number>;
  /** The same for any address inside a live block; the control area stays where it is. */
  readonly translate: (address: number) => number;
}

interface Block {
  readonly bytes: number;
  readonly label: string;
}

/** Whether WebAssembly memory can be shared here (in a browser only on cross-origin isolated pages). */
export function hasSharedMemory(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) return false;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return (memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly limit: number;
  readonly #blocks = new Map<number, Block>();
  readonly #free = new FreeList();
  #bytes = 0;
  /** Nothing at or above this address was ever handed out, so it is still zero and need not be touched. */
  #touched = CONTROL_BYTES;
  #u8!: Uint8Array;
  #u32!: Uint32Array;
  #f32!: Float32Array;

  constructor(options: ArenaOptions = {}) {
    this.shared = options.shared ?? hasSharedMemory();
    const limit = options.limit ?? MAX_BYTES;
    if (!(limit >= CONTROL_BYTES && limit <= MAX_BYTES))
      throw new BufferTooLarge(
        `An arena's limit is between ${CONTROL_BYTES} bytes and 4 GiB, not ${limit}; leave it out for 4 GiB.`,
      );
    this.limit = Math.floor(limit / PAGE) * PAGE;
    this.memory = new WebAssembly.Memory({
      initial: CONTROL_BYTES / PAGE,
      maximum: this.limit / PAGE,
      shared: this.shared,
    });
    this.#refresh();
  }

  /** Views of the whole memory. Take them anew after an `allocate`: growth makes new ones, old ones stay short (or die). */
  get u8(): Uint8Array {
    return this.#u8;
  }

  get u32(): Uint32Array {
    return this.#u32;
  }

  get f32(): Float32Array {
    return this.#f32;
  }

  /** Bytes of all live blocks, each rounded up to 64. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Live blocks. */
  get buffers(): number {
    return this.#blocks.size;
  }

  /** Bytes of the memory itself, control area and free ranges included. */
  get reserved(): number {
    return this.#u8.length;
  }

  /** Free ranges, for tests and people. */
  get freeRanges(): readonly { readonly start: number; readonly end: number }[] {
    return this.#free.ranges;
  }

  /** The live blocks in the order of their addresses. */
  blocks(): { address: number; bytes: number; label: string }[] {
    return [...this.#blocks]
      .map(([address, block]) => ({ address, ...block }))
      .sort((a, b) => a.address - b.address);
  }

  /**
   * A zeroed block's address, a multiple of 64 and never 0. `bytes` is rounded up to a multiple of 64. Throws BufferTooLarge
   * over the limit.
   */
  allocate(bytes: number, label: string): number {
    if (!Number.isFinite(bytes) || bytes < 0)
      throw new BufferTooLarge(`"${label}" asks for ${bytes} bytes; a block has 0 bytes or more.`);
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    let address = this.#free.take(size);
    if (address === undefined) {
      this.#grow(size, label);
      address = this.#free.take(size)!;
    }
    const end = address + size;
    if (address < this.#touched) this.#u8.fill(0, address, Math.min(end, this.#touched));
    this.#touched = Math.max(this.#touched, end);
    this.#blocks.set(address, { bytes: size, label });
    this.#bytes += size;
    return address;
  }

  /** Throws DisposedError where no live block starts at `address`. */
  free(address: number): void {
    const block = this.#blocks.get(address);
    if (block === undefined)
      throw new DisposedError(
        `No live block starts at address ${address}; free each block once, by the address allocate gave.`,
      );
    this.#blocks.delete(address);
    this.#bytes -= block.bytes;
    this.#free.give(address, address + block.bytes);
  }

  /** True where more than 64 MiB are reserved and less than half of them is in use: then `moveTo` is worth its copy. */
  wasteful(): boolean {
    return this.reserved > SMALL && this.#bytes < this.reserved / 2;
  }

  /**
   * A fresh arena of the same kind with a copy of every live block, packed. This one stays as it is: the system gets its
   * memory back when nothing refers to it any more (on any thread) and the garbage is collected.
   */
  moveTo(): Move {
    const arena = new Arena({ shared: this.shared, limit: this.limit });
    const moved = new Map<number, number>();
    const blocks = this.blocks();
    // One growth to the exact size instead of many by a quarter.
    if (blocks.length > 0) arena.#extend(Math.ceil(this.#bytes / PAGE));
    for (const block of blocks) {
      const address = arena.allocate(block.bytes, block.label);
      moved.set(block.address, address);
      arena.#u8.set(this.#u8.subarray(block.address, block.address + block.bytes), address);
    }
    const translate = (address: number): number => {
      if (address < CONTROL_BYTES) return address;
      let low = 0;
      let high = blocks.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (blocks[middle]!.address <= address) low = middle + 1;
        else high = middle;
      }
      const block = blocks[low - 1];
      if (block === undefined || address >= block.address + block.bytes)
        throw new DisposedError(`Address ${address} lies in no block that was moved; it was freed before.`);
      return moved.get(block.address)! + (address - block.address);
    };
    return { arena, moved, translate };
  }

  #grow(size: number, label: string): void {
    const reserved = this.reserved;
    const needed = Math.ceil((size - this.#free.tail(reserved)) / PAGE);
    const possible = (this.limit - reserved) / PAGE;
    if (needed > possible) throw this.#tooLarge(size, label, `${gib(this.limit)} is the limit`);
    // A quarter more than needed keeps the number of growths (each makes new views) logarithmic.
    const extra = Math.floor((reserved / PAGE + needed) / 4);
    for (const pages of [Math.min(needed + extra, possible), needed]) if (this.#extend(pages)) return;
    throw this.#tooLarge(size, label, "the system gave no more memory");
  }

  #extend(pages: number): boolean {
    const before = this.reserved;
    try {
      this.memory.grow(pages);
    } catch {
      return false;
    }
    this.#refresh();
    this.#free.give(before, this.reserved);
    return true;
  }

  #refresh(): void {
    const buffer = this.memory.buffer;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f32 = new Float32Array(buffer);
  }

  #tooLarge(size: number, label: string, why: string): BufferTooLarge {
    return new BufferTooLarge(
      `"${label}" asks for ${gib(size)} while ${gib(this.#bytes)} are in use, and ${why}: the cpu engine lives in 32-bit WebAssembly memory, which ends at 4 GiB; take a smaller dim or batch, raise the min count of features, dispose programs no longer needed, or use a GPU.`,
    );
  }
}

function gib(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= size) return `${(bytes / size).toFixed(bytes % size === 0 ? 0 : 2)} ${unit}`;
  return `${bytes} bytes`;
}
