/** The programs of a pool: lists of phases in the shared memory, where all threads read them. */
import { DisposedError } from "../../../errors.ts";
import type { Arena } from "./arena.ts";

/** A wasm function that threads call at once: it takes units of work until none is left, whichever threads there are. */
export interface Phase {
  /** As `Pool.load` gave it. */
  readonly fn: number;
  /** Address of its arguments. */
  readonly args: number;
  /** Address of a u32 that is 0 when the program starts. */
  readonly counter: number;
  /** For error messages. */
  readonly label?: string;
}

/** Where a program's counters are, if side by side: then one fill zeroes them. */
export interface Counters {
  readonly address: number;
  readonly count: number;
}

export interface PoolProgram {
  readonly phases: readonly Phase[];
  readonly counters: Counters | undefined;
  /** Address of its list: three words a phase. */
  readonly list: number;
}

const WORDS = 3;

export class Programs {
  readonly #programs = new Map<number, PoolProgram>();
  #next = 1;

  /** The new program's id. It takes a small block of the arena until it is removed. */
  add(arena: Arena, phases: readonly Phase[], counters: Counters | undefined): number {
    const list = arena.allocate(4 * WORDS * phases.length, "phases");
    const id = this.#next++;
    this.#put(arena, id, { phases: [...phases], counters, list });
    return id;
  }

  /** Throws DisposedError for one that is not there. */
  find(id: number): PoolProgram {
    const program = this.#programs.get(id);
    if (!program) throw new DisposedError(`Program ${id} is not in the pool; it was removed or never added.`);
    return program;
  }

  /** Throws DisposedError for one that is not there. */
  remove(arena: Arena, id: number): void {
    arena.free(this.find(id).list);
    this.#programs.delete(id);
  }

  /** Goes over to another memory: `translate` maps old addresses to new ones. */
  move(arena: Arena, translate: (address: number) => number): void {
    for (const [id, { phases, counters, list }] of this.#programs)
      this.#put(arena, id, {
        phases: phases.map((phase) => ({
          ...phase,
          args: translate(phase.args),
          counter: translate(phase.counter),
        })),
        counters: counters && { ...counters, address: translate(counters.address) },
        list: translate(list),
      });
  }

  /** The arena is left alone. */
  clear(): void {
    this.#programs.clear();
  }

  #put(arena: Arena, id: number, program: PoolProgram): void {
    this.#programs.set(id, program);
    const words = arena.u32;
    let at = program.list >>> 2;
    for (const { fn, args, counter } of program.phases) {
      words[at++] = fn;
      words[at++] = args;
      words[at++] = counter;
    }
  }
}
