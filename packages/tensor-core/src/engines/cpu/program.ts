/** A kernel list made ready: one function a phase, its addresses in a block of the engine's memory. */
import { DisposedError, FeedError } from "../../errors.ts";
import type { KernelList } from "../../kernels/ir.ts";
import type { EngineProgram, KernelTime } from "../engine.ts";
import { PhaseBlock } from "./addresses.ts";
import type { CpuBuffer, CpuEngine } from "./engine.ts";
import type { Held } from "./functions.ts";
import { turn } from "./turn.ts";
import { type KernelText, kernelText } from "./wat/module.ts";
import type { Need } from "./workspace.ts";

interface Parts {
  readonly list: KernelList;
  readonly kernels: readonly KernelText[];
  readonly variables: readonly CpuBuffer[];
  readonly functions: Held;
  readonly need: Need;
}

export class CpuProgram implements EngineProgram {
  readonly #engine: CpuEngine;
  readonly #parts: Parts;
  /** Blocks of the arena for all buffers but variables, by buffer. */
  readonly #owned = new Map<number, number>();
  readonly #feeds: number;
  #block: PhaseBlock | undefined;
  #id: number | undefined;
  /** `engine.frees` when the variables were last seen alive. */
  #frees = -1;
  #disposed = false;

  private constructor(engine: CpuEngine, parts: Parts) {
    this.#engine = engine;
    this.#parts = parts;
    this.#feeds = parts.list.buffers.findIndex((spec) => spec.role === "feeds");
  }

  static async prepare(
    engine: CpuEngine,
    list: KernelList,
    variables: readonly CpuBuffer[],
  ): Promise<CpuProgram> {
    const kernels = list.kernels.map((kernel) => kernelText(kernel, engine.pool.threads));
    const phases = kernels.flatMap((kernel) => kernel.phases);
    const need = {
      scratch: Math.max(0, ...kernels.map((k) => k.scratch)),
      work: Math.max(0, ...kernels.map((k) => k.work)),
    };
    const functions = await engine.functions.take(phases);
    const program = new CpuProgram(engine, { list, kernels, variables, functions, need });
    try {
      await program.#bind();
    } catch (error) {
      program.dispose();
      throw error;
    }
    return program;
  }

  async #bind(): Promise<void> {
    const { list, kernels, functions, need } = this.#parts;
    const { arena, pool, workspace } = this.#engine;
    this.#engine.check();
    for (const [id, spec] of list.buffers.entries()) {
      if (spec.role !== "variable") this.#owned.set(id, this.#engine.reserve(spec.length * 4, spec.label));
    }
    const phases = kernels.flatMap((kernel) => kernel.phases);
    const labels = kernels.flatMap((kernel, i) => kernel.phases.map(() => list.kernels[i]!.label));
    workspace.add(arena, need);
    this.#block = new PhaseBlock(arena, phases);
    this.#block.write(arena, this.#addresses());
    // the pool takes the program before it waits, and may move from then on
    const added = pool.addProgram(this.#block.steps(functions.ids, labels), this.#block.counters);
    this.#engine.programs.add(this);
    this.#id = await added;
  }

  run(feeds: Uint32Array, read: readonly number[], written?: Uint32Array): Promise<ArrayBuffer>[] {
    this.#feed(feeds, written);
    const { pool, workspace } = this.#engine;
    pool.start(this.#id!, workspace.scratches, workspace.work);
    if (read.length === 0) {
      if (pool.threads > 1) this.#engine.joinLater();
      return [];
    }
    pool.join();
    const { buffers } = this.#parts.list;
    const copies = read.map((id) => this.#engine.copyOut(this.#addressOf(id), buffers[id]!.length * 4));
    const later = turn();
    return copies.map((copy) => later.then(() => copy));
  }

  async profile(feeds: Uint32Array): Promise<KernelTime[]> {
    this.#feed(feeds);
    const { pool, workspace } = this.#engine;
    const seconds = pool.profile(this.#id!, workspace.scratches, workspace.work);
    let phase = 0;
    return this.#parts.list.kernels.map(({ label, kind }, i) => {
      const count = this.#parts.kernels[i]!.phases.length;
      const own = seconds.slice(phase, phase + count);
      phase += count;
      return { label, kind, seconds: own.reduce((a, b) => a + b, 0) };
    });
  }

  sources(): { label: string; text: string }[] {
    return this.#parts.list.kernels.map(({ label }, i) => ({
      label,
      text: this.#parts.kernels[i]!.phases.map((p) => p.text).join("\n"),
    }));
  }

  /** The engine has moved to another memory. */
  move(translate: (address: number) => number): void {
    for (const [id, address] of this.#owned) this.#owned.set(id, translate(address));
    this.#block!.address = translate(this.#block!.address);
    this.#block!.write(this.#engine.arena, this.#addresses());
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#engine.isDisposed) return;
    this.#engine.pool.settle();
    const { arena, pool, workspace, functions, programs } = this.#engine;
    if (this.#id !== undefined) pool.removeProgram(this.#id);
    programs.delete(this);
    workspace.remove(arena, this.#parts.need);
    for (const address of this.#owned.values()) arena.free(address);
    if (this.#block) arena.free(this.#block.address);
    functions.give(this.#parts.functions);
    this.#engine.shrinkLater();
  }

  /** A freed variable's bytes may be another's by now. */
  #checkVariables(): void {
    if (this.#frees === this.#engine.frees) return;
    for (const variable of this.#parts.variables) this.#engine.owned(variable);
    this.#frees = this.#engine.frees;
  }

  #addresses(): number[] {
    return this.#parts.list.buffers.map((_, id) => this.#addressOf(id));
  }

  #addressOf(buffer: number): number {
    const spec = this.#parts.list.buffers[buffer]!;
    return spec.role === "variable"
      ? this.#parts.variables[spec.variable!]!.address
      : this.#owned.get(buffer)!;
  }

  #feed(feeds: Uint32Array, written: Uint32Array = Uint32Array.of(0, feeds.length)): void {
    if (this.#disposed) throw new DisposedError("The program was disposed; prepare it again.");
    this.#engine.check();
    this.#checkVariables();
    if (this.#feeds < 0) return;
    const { length } = this.#parts.list.buffers[this.#feeds]!;
    if (feeds.length !== length)
      throw new FeedError(`run: the feed buffer holds ${length} numbers, got ${feeds.length}.`);
    const words = this.#engine.arena.u32;
    const to = this.#addressOf(this.#feeds) / 4;
    for (let i = 0; i < written.length; i += 2) {
      words.set(feeds.subarray(written[i]!, written[i + 1]!), to + written[i]!);
    }
  }
}
