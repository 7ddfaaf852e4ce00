/** Scratch that programs use in turn: one block a thread, and one for all threads. As large as the neediest program that lives. */
import type { Arena } from "./host/index.ts";

export interface Need {
  /** Bytes for each thread. */
  readonly scratch: number;
  /** Bytes that all threads share. */
  readonly work: number;
}

export class Workspace {
  readonly #threads: number;
  readonly #needs = new Set<Need>();
  readonly #scratches: Block;
  readonly #work: Block;
  #addresses: readonly number[] = [];

  constructor(threads: number) {
    this.#threads = threads;
    this.#scratches = new Block("scratch of the threads");
    this.#work = new Block("scratch of all threads");
    this.#place();
  }

  /** Addresses of each thread's scratch. */
  get scratches(): readonly number[] {
    return this.#addresses;
  }

  get work(): number {
    return this.#work.address;
  }

  /** Makes room for a program. Throws BufferTooLarge, and is as before then. */
  add(arena: Arena, need: Need): void {
    this.#needs.add(need);
    try {
      this.#fit(arena);
    } catch (error) {
      this.remove(arena, need);
      throw error;
    }
  }

  remove(arena: Arena, need: Need): void {
    if (this.#needs.delete(need)) this.#fit(arena);
  }

  move(translate: (address: number) => number): void {
    this.#scratches.move(translate);
    this.#work.move(translate);
    this.#place();
  }

  #fit(arena: Arena): void {
    const needs = [...this.#needs];
    this.#scratches.resize(arena, this.#threads * stride(Math.max(0, ...needs.map((n) => n.scratch))));
    this.#work.resize(arena, Math.max(0, ...needs.map((n) => n.work)));
    this.#place();
  }

  #place(): void {
    const { address, bytes } = this.#scratches;
    this.#addresses = Array.from({ length: this.#threads }, (_, t) => address + (t * bytes) / this.#threads);
  }
}

/** Threads must not write to one cache line, nor to the two that are fetched together. */
const stride = (bytes: number): number => Math.ceil(bytes / 128) * 128;

/** A block of the arena that comes and goes with its size. */
class Block {
  readonly #label: string;
  bytes = 0;
  address = 0;

  constructor(label: string) {
    this.#label = label;
  }

  resize(arena: Arena, bytes: number): void {
    if (bytes === this.bytes) return;
    if (this.bytes > 0) arena.free(this.address);
    this.bytes = 0;
    this.address = 0;
    if (bytes === 0) return;
    this.address = arena.allocate(bytes, this.#label);
    this.bytes = bytes;
  }

  move(translate: (address: number) => number): void {
    if (this.bytes > 0) this.address = translate(this.address);
  }
}
