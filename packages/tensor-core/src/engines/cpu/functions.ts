/** Compiled phases by their text: programs with equal kernels share them, and their machine code is made and warmed up once. */
import type { Arena } from "./host/arena.ts";
import type { Pool } from "./host/pool.ts";
import { encode } from "./wat/encode.ts";
import { moduleText, type PhaseText } from "./wat/module.ts";

export class Functions {
  readonly #arena: Arena;
  readonly #pool: Pool;
  readonly #ids = new Map<string, number>();

  constructor(arena: Arena, pool: Pool) {
    this.#arena = arena;
    this.#pool = pool;
  }

  /** Function numbers of the phases, on every thread. What is new becomes one module. */
  async of(phases: readonly PhaseText[]): Promise<number[]> {
    const fresh = new Map<string, PhaseText>();
    for (const phase of phases) if (!this.#ids.has(phase.text)) fresh.set(phase.text, phase);
    if (fresh.size > 0) {
      const { shared, pages } = this.#arena;
      const bytes = await encode(moduleText([...fresh.values()], { shared, pages }));
      const module = await WebAssembly.compile(bytes);
      const names = [...fresh.keys()].map((_, i) => `p${i}`);
      const ids = await this.#pool.load(module, names);
      [...fresh.keys()].forEach((text, i) => {
        this.#ids.set(text, ids[i]!);
      });
    }
    return phases.map(({ text }) => this.#ids.get(text)!);
  }
}
