/**
 * Compiled phases by their text: programs with equal kernels share them, and their machine code is made and warmed up once. A module
 * stays while a program uses one of its functions; some that nobody uses are kept for the next program.
 */
import type { Pool } from "./host/index.ts";
import { encode } from "./wat/encode.ts";
import { moduleText, type PhaseText } from "./wat/module.ts";

/** Modules that no program uses and that are kept all the same. */
const KEPT = 32;

interface Loaded {
  readonly texts: readonly string[];
  readonly ids: readonly number[];
  users: number;
}

/** What a program holds until it gives it back. */
export interface Held {
  /** A function number for each phase asked for. */
  readonly ids: readonly number[];
  readonly modules: ReadonlySet<Loaded>;
}

export class Functions {
  readonly #pool: Pool;
  readonly #shared: boolean;
  readonly #byText = new Map<string, Loaded>();
  /** Without users, longest unused first. */
  readonly #idle = new Set<Loaded>();
  /** Loads run one after the other, so that equal texts asked for at once are compiled once. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#shared = pool.arena.shared;
  }

  /** The phases' functions, on every thread. What is new becomes one module. */
  take(phases: readonly PhaseText[]): Promise<Held> {
    const taken = this.#last.then(() => this.#take(phases));
    this.#last = taken.catch(() => {});
    return taken;
  }

  give({ modules }: Held): void {
    for (const loaded of modules) if (--loaded.users === 0) this.#idle.add(loaded);
    for (const loaded of this.#idle) {
      if (this.#idle.size <= KEPT) break;
      this.#idle.delete(loaded);
      for (const text of loaded.texts) this.#byText.delete(text);
      this.#pool.unload(loaded.ids);
    }
  }

  async #take(phases: readonly PhaseText[]): Promise<Held> {
    const modules = new Set<Loaded>();
    // hold what is there before anything else can let it go
    for (const { text } of phases) this.#hold(this.#byText.get(text), modules);
    const fresh = new Map<string, PhaseText>();
    for (const phase of phases) if (!this.#byText.has(phase.text)) fresh.set(phase.text, phase);
    try {
      if (fresh.size > 0) this.#hold(await this.#load([...fresh.values()]), modules);
    } catch (error) {
      this.give({ ids: [], modules });
      throw error;
    }
    const ids = phases.map(({ text }) => {
      const { texts, ids } = this.#byText.get(text)!;
      return ids[texts.indexOf(text)]!;
    });
    return { ids, modules };
  }

  #hold(loaded: Loaded | undefined, modules: Set<Loaded>): void {
    if (loaded === undefined || modules.has(loaded)) return;
    modules.add(loaded);
    loaded.users++;
    this.#idle.delete(loaded);
  }

  async #load(phases: readonly PhaseText[]): Promise<Loaded> {
    const module = await WebAssembly.compile(await encode(moduleText(phases, this.#shared)));
    const ids = await this.#pool.load(
      module,
      phases.map((_, i) => `p${i}`),
    );
    const loaded: Loaded = { texts: phases.map(({ text }) => text), ids, users: 0 };
    for (const text of loaded.texts) this.#byText.set(text, loaded);
    return loaded;
  }
}
