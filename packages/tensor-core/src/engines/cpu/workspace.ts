/** Scratch that programs use in turn: one block a thread, and one for all threads. As large as the neediest program that lives. */
import type { Arena } from "./host/arena.ts";

export interface Need {
  /** Bytes for each thread. */
  readonly scratch: number;
  /** Bytes that all threads share. */
  readonly work: number;
}

export class Workspace {
  readonly #arena: Arena;
  readonly #threads: number;
  readonly #needs = new Set<Need>();
  #has: Need = { scratch: 0, work: 0 };
  #scratches: number[];
  #work = 0;

  constructor(arena: Arena, threads: number) {
    this.#arena = arena;
    this.#threads = threads;
    this.#scratches = new Array<number>(threads).fill(0);
  }

  /** Addresses of each thread's scratch. */
  get scratches(): readonly number[] {
    return this.#scratches;
  }

  get work(): number {
    return this.#work;
  }

  /** Makes room for a program. */
  add(need: Need): void {
    this.#needs.add(need);
    try {
      this.#fit();
    } catch (error) {
      this.#needs.delete(need);
      this.#fit();
      throw error;
    }
  }

  remove(need: Need): void {
    if (this.#needs.delete(need)) this.#fit();
  }

  #fit(): void {
    const scratch = Math.max(0, ...[...this.#needs].map((n) => n.scratch));
    const work = Math.max(0, ...[...this.#needs].map((n) => n.work));
    if (scratch !== this.#has.scratch) {
      this.#has = { scratch: 0, work: this.#has.work };
      for (const address of this.#scratches) if (address > 0) this.#arena.free(address);
      this.#scratches = new Array<number>(this.#threads).fill(0);
      if (scratch > 0)
        this.#scratches = this.#scratches.map((_, i) => this.#arena.allocate(scratch, `scratch of thread ${i}`));
      this.#has = { scratch, work: this.#has.work };
    }
    if (work !== this.#has.work) {
      this.#has = { scratch, work: 0 };
      if (this.#work > 0) this.#arena.free(this.#work);
      this.#work = 0;
      if (work > 0) this.#work = this.#arena.allocate(work, "scratch of all threads");
      this.#has = { scratch, work };
    }
  }
}
