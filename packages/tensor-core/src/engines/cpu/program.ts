/** A kernel list made ready: one function a phase, its addresses in a block of the engine's memory. */
import { DisposedError, FeedError } from "../../errors.ts";
import type { BufferId, KernelList } from "../../kernels/ir.ts";
import type { EngineProgram, KernelTime } from "../engine.ts";
import type { CpuEngine } from "./engine.ts";
import { type KernelText, kernelText } from "./wat/module.ts";
import type { Need } from "./workspace.ts";

interface Prepared {
  readonly list: KernelList;
  readonly kernels: readonly KernelText[];
  /** Addresses of the list's buffers. */
  readonly addresses: readonly number[];
  /** Those to free, and the block of arguments and counters. */
  readonly owned: readonly number[];
  readonly need: Need;
  readonly id: number;
}

export class CpuProgram implements EngineProgram {
  readonly #engine: CpuEngine;
  readonly #prepared: Prepared;
  readonly #feeds: BufferId;
  #disposed = false;

  private constructor(engine: CpuEngine, prepared: Prepared) {
    this.#engine = engine;
    this.#prepared = prepared;
    this.#feeds = prepared.list.buffers.findIndex((spec) => spec.role === "feeds");
  }

  static async prepare(engine: CpuEngine, list: KernelList, variables: readonly number[]): Promise<CpuProgram> {
    const { arena, pool } = engine;
    const kernels = list.kernels.map((kernel) => kernelText(kernel, pool.threads));
    const phases = kernels.flatMap((kernel) => kernel.phases.map((phase) => phase));
    const functions = await engine.functions.of(phases);
    const need = {
      scratch: Math.max(0, ...kernels.map((k) => k.scratch)),
      work: Math.max(0, ...kernels.map((k) => k.work)),
    };
    const owned: number[] = [];
    try {
      const addresses = list.buffers.map((spec) => {
        if (spec.role === "variable") return variables[spec.variable!]!;
        const address = engine.reserve(spec.length * 4, spec.label);
        owned.push(address);
        return address;
      });
      const words = phases.reduce((sum, phase) => sum + phase.buffers.length, 0);
      const counters = arena.allocate((phases.length + words) * 4, "addresses of a program");
      owned.push(counters);
      let args = counters + phases.length * 4;
      const steps = phases.map((phase, i) => {
        const step = { fn: functions[i]!, args, counter: counters + i * 4 };
        arena.u32.set(
          phase.buffers.map((buffer) => addresses[buffer]!),
          args / 4,
        );
        args += phase.buffers.length * 4;
        return step;
      });
      engine.workspace.add(need);
      try {
        const id = await pool.addProgram(steps, { address: counters, count: phases.length });
        return new CpuProgram(engine, { list, kernels, addresses, owned, need, id });
      } catch (error) {
        engine.workspace.remove(need);
        throw error;
      }
    } catch (error) {
      if (!engine.isDisposed) for (const address of owned) arena.free(address);
      throw error;
    }
  }

  run(feeds: Uint32Array, read: readonly number[]): Promise<ArrayBuffer>[] {
    const { addresses, list, id } = this.#prepared;
    this.#feed(feeds);
    const { pool, workspace } = this.#engine;
    pool.run(id, workspace.scratches, workspace.work);
    return read.map((buffer) =>
      Promise.resolve(this.#engine.copyOut(addresses[buffer]!, list.buffers[buffer]!.length * 4)),
    );
  }

  async profile(feeds: Uint32Array): Promise<KernelTime[]> {
    this.#feed(feeds);
    const { pool, workspace } = this.#engine;
    const seconds = pool.profile(this.#prepared.id, workspace.scratches, workspace.work);
    let phase = 0;
    return this.#prepared.list.kernels.map(({ label, kind }, i) => {
      const count = this.#prepared.kernels[i]!.phases.length;
      const own = seconds.slice(phase, phase + count);
      phase += count;
      return { label, kind, seconds: own.reduce((a, b) => a + b, 0) };
    });
  }

  sources(): { label: string; text: string }[] {
    return this.#prepared.list.kernels.map(({ label }, i) => ({
      label,
      text: this.#prepared.kernels[i]!.phases.map((p) => p.text).join("\n"),
    }));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#engine.isDisposed) return;
    const { owned, need, id } = this.#prepared;
    this.#engine.pool.removeProgram(id);
    this.#engine.workspace.remove(need);
    for (const address of owned) this.#engine.arena.free(address);
  }

  #feed(feeds: Uint32Array): void {
    if (this.#disposed) throw new DisposedError("The program was disposed; prepare it again.");
    this.#engine.check();
    if (this.#feeds < 0) return;
    const { length } = this.#prepared.list.buffers[this.#feeds]!;
    if (feeds.length !== length)
      throw new FeedError(`run: the feed buffer holds ${length} numbers, got ${feeds.length}.`);
    this.#engine.arena.u32.set(feeds, this.#prepared.addresses[this.#feeds]! / 4);
  }
}
