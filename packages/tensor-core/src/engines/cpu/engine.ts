/**
 * The cpu engine: WebAssembly vectors on all cores. At most one program is in flight: its workers go on while the caller makes the next
 * step's feeds, and the caller joins them before anything of the engine is touched, at the latest a turn of the event loop later.
 */
import type { HostArray } from "../../dtype.ts";
import { BufferTooLarge, DisposedError } from "../../errors.ts";
import type { KernelList } from "../../kernels/ir.ts";
import type { Engine, EngineBuffer, EngineInfo, EngineMemory, EngineProgram } from "../engine.ts";
import { checkRange } from "../range.ts";
import { Functions } from "./functions.ts";
import type { Arena, Pool } from "./host/index.ts";
import { CpuProgram } from "./program.ts";
import { turn } from "./turn.ts";
import { Workspace } from "./workspace.ts";

export class CpuBuffer implements EngineBuffer {
  readonly bytes: number;
  readonly label: string;
  /** Changes when the engine moves to another memory. */
  address: number;

  constructor(address: number, bytes: number, label: string) {
    this.address = address;
    this.bytes = bytes;
    this.label = label;
  }
}

/** How long memory lies idle before it is given back, in milliseconds. */
const IDLE_MS = 2000;

export class CpuEngine implements Engine {
  readonly info: EngineInfo;
  readonly pool: Pool;
  readonly functions: Functions;
  readonly workspace: Workspace;
  readonly programs = new Set<CpuProgram>();
  readonly #live = new Set<CpuBuffer>();
  /** How many buffers were freed so far: programs look anew at their variables when it has changed. */
  frees = 0;
  #joining = false;
  #shrinking: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor(pool: Pool, info: EngineInfo) {
    this.pool = pool;
    this.info = info;
    this.functions = new Functions(pool);
    this.workspace = new Workspace(pool.threads);
  }

  get arena(): Arena {
    return this.pool.arena;
  }

  get lost(): Promise<never> {
    return this.pool.lost;
  }

  allocate(bytes: number, label: string): CpuBuffer {
    this.check();
    const buffer = new CpuBuffer(this.reserve(bytes, label), bytes, label);
    this.#live.add(buffer);
    return buffer;
  }

  /** Zeroed bytes of the engine's memory; the caller frees them. */
  reserve(bytes: number, label: string): number {
    const { adapter, maxBindingBytes } = this.info;
    if (bytes > maxBindingBytes) {
      throw new BufferTooLarge(
        `"${label}" needs ${bytes} bytes, but ${adapter} holds at most ${maxBindingBytes} bytes in one buffer; ` +
          "use a smaller dim, batch or table, or a GPU with a higher limit.",
      );
    }
    return this.arena.allocate(bytes, label);
  }

  free(buffer: EngineBuffer): void {
    const own = buffer as CpuBuffer;
    if (this.#disposed || !this.#live.delete(own)) return;
    this.pool.settle();
    this.frees++;
    this.arena.free(own.address);
    this.shrinkLater();
  }

  /** Gives memory back if most of it still lies idle after a while: whoever freed it may be about to ask for as much again. */
  shrinkLater(): void {
    if (this.#shrinking !== undefined || !this.arena.wasteful()) return;
    this.#shrinking = setTimeout(() => {
      this.#shrinking = undefined;
      if (!this.#disposed) this.shrink();
    }, IDLE_MS);
    // in Node.js and Bun a timer is an object, and must not keep a finished program from ending
    (this.#shrinking as { unref?: () => void }).unref?.();
  }

  /**
   * WebAssembly memory only grows: where most of it lies idle, everything moves to a fresh one and the old one goes back to the
   * system.
   */
  shrink(): void {
    if (!this.arena.wasteful()) return;
    this.pool.settle();
    if (this.pool.isLost) return;
    let moved: ReturnType<typeof this.arena.moveTo>;
    try {
      moved = this.arena.moveTo();
    } catch {
      // no memory for a second one just now: everything stays where it is
      return;
    }
    const { arena, translate } = moved;
    // who fails to follow is lost, and `lost` says so
    this.pool.move(arena, translate).catch(() => {});
    for (const buffer of this.#live) buffer.address = translate(buffer.address);
    this.workspace.move(translate);
    for (const program of this.programs) program.move(translate);
  }

  write(buffer: EngineBuffer, data: HostArray, offset = 0): void {
    this.check();
    const { address } = this.owned(buffer);
    checkRange(buffer, offset, data.byteLength, "write");
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.arena.u8.set(bytes, address + offset);
  }

  async read(buffer: EngineBuffer, offset = 0, bytes = buffer.bytes - offset): Promise<ArrayBuffer> {
    this.check();
    const { address } = this.owned(buffer);
    checkRange(buffer, offset, bytes, "read");
    const copy = this.copyOut(address + offset, bytes);
    await turn();
    return copy;
  }

  copyOut(address: number, bytes: number): ArrayBuffer {
    const copy = new Uint8Array(bytes);
    copy.set(this.arena.u8.subarray(address, address + bytes));
    return copy.buffer;
  }

  prepare(list: KernelList, variables: readonly EngineBuffer[]): Promise<EngineProgram> {
    this.check();
    return CpuProgram.prepare(
      this,
      list,
      variables.map((buffer) => this.owned(buffer)),
    );
  }

  async idle(): Promise<void> {
    this.check();
    await turn();
  }

  memory(): EngineMemory {
    return this.#disposed
      ? { buffers: 0, bytes: 0 }
      : { buffers: this.arena.buffers, bytes: this.arena.bytes };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    clearTimeout(this.#shrinking);
    this.#live.clear();
    this.pool.dispose();
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Ends what is in flight, for all that uses the engine's memory. Throws after dispose, and DeviceLost. */
  check(): void {
    if (this.#disposed) throw new DisposedError("The engine was disposed before this could run.");
    this.pool.join();
  }

  /** A program was started: if nothing else is asked of the engine before, it is joined when this turn of the event loop is over. */
  joinLater(): void {
    if (this.#joining) return;
    this.#joining = true;
    void turn().then(() => {
      this.#joining = false;
      this.pool.settle();
    });
  }

  /** The buffer as ours, if it still lives. */
  owned(buffer: EngineBuffer): CpuBuffer {
    if (this.#live.has(buffer as CpuBuffer)) return buffer as CpuBuffer;
    throw new DisposedError(`The buffer "${buffer.label}" was freed or belongs to another engine.`);
  }
}
