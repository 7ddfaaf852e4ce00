/** A compiled step: feeds in, outputs back when asked for, variables changed. */
import { type HostArray, viewAs } from "./dtype.ts";
import type { EngineProgram, KernelTime } from "./engines/engine.ts";
import { DisposedError, FeedError } from "./errors.ts";
import type { Tensor } from "./graph/tensor.ts";
import type { FeedSlot, KernelList } from "./kernels/ir.ts";
import { printKernels } from "./kernels/print.ts";
import { showShape } from "./shape.ts";

/** Values of a step by input name; scalars may be bare numbers. */
export type Feeds = Readonly<Record<string, HostArray | number>>;

/** A compiled step on its device; made by `Device.compile`. */
export class Program<O extends Record<string, Tensor>> {
  /** The kernels as plain data. */
  readonly list: KernelList;
  readonly #engine: EngineProgram;
  readonly #onDispose: () => void;
  readonly #staging: { f32: Float32Array; i32: Int32Array; u32: Uint32Array };
  readonly #slots: ReadonlyMap<string, FeedSlot>;
  #disposed = false;

  constructor(list: KernelList, engine: EngineProgram, onDispose: () => void) {
    this.list = list;
    this.#engine = engine;
    this.#onDispose = onDispose;
    const bytes = new ArrayBuffer(list.buffers[0]!.length * 4);
    this.#staging = { f32: new Float32Array(bytes), i32: new Int32Array(bytes), u32: new Uint32Array(bytes) };
    this.#slots = new Map(list.feeds.map((f) => [f.name, f]));
  }

  /** Names of the inputs that every run must feed. */
  get inputs(): string[] {
    return [...this.#slots.keys()];
  }

  /** Queues one step and returns at once. Feeds are copied. Throws FeedError for a missing, unknown or misshapen feed. */
  run(feeds: Feeds = {}): void {
    this.#stage(feeds);
    this.#engine.run(this.#staging.u32, []);
  }

  /** Queues one step and resolves with the named outputs (all when left out) as they are after this very step. */
  async fetch<const K extends keyof O & string>(
    feeds: Feeds = {},
    names?: readonly K[],
  ): Promise<Record<K, HostArray>> {
    const wanted = names ? this.list.outputs.filter((o) => names.includes(o.name as K)) : this.list.outputs;
    for (const name of names ?? []) {
      if (!wanted.some((o) => o.name === name))
        throw new FeedError(`fetch: the program has no output "${name}".`);
    }
    this.#stage(feeds);
    const promises = this.#engine.run(
      this.#staging.u32,
      wanted.map((o) => o.buffer),
    );
    const bytes = await Promise.all(promises);
    const result = {} as Record<K, HostArray>;
    wanted.forEach((o, i) => {
      result[o.name as K] = viewAs(
        o.dtype,
        bytes[i]!,
        0,
        o.shape.reduce((n, d) => n * d, 1),
      );
    });
    return result;
  }

  /** Runs one step and tells the seconds of each kernel. */
  profile(feeds: Feeds = {}): Promise<KernelTime[]> {
    this.#stage(feeds);
    return this.#engine.profile(this.#staging.u32);
  }

  /** The kernel list as text: what runs, over which space, from which buffers. */
  print(): string {
    return printKernels(this.list);
  }

  /** The engine's own source for each kernel. */
  sources(): { label: string; text: string }[] {
    return this.#engine.sources();
  }

  /** Frees the program's temporaries and outputs; variables stay. Twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#engine.dispose();
    this.#onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #stage(feeds: Feeds): void {
    if (this.#disposed) throw new DisposedError("The program was disposed; compile it again.");
    let used = 0;
    for (const name in feeds) {
      const slot = this.#slots.get(name);
      if (!slot) {
        throw new FeedError(
          `run: the program has no input "${name}"; its inputs are ${this.inputs.join(", ") || "none"}.`,
        );
      }
      used++;
      this.#put(slot, feeds[name]!);
    }
    if (used < this.#slots.size) {
      const missing = this.inputs.filter((name) => !(name in feeds));
      throw new FeedError(`run: missing ${missing.map((n) => `"${n}"`).join(", ")}.`);
    }
  }

  #put(slot: FeedSlot, value: HostArray | number): void {
    const target = this.#staging[slot.dtype];
    if (typeof value === "number") {
      if (slot.length !== 1)
        throw new FeedError(`run: "${slot.name}" is ${showShape(slot.shape)}, got one number.`);
      target[slot.offset] = value;
      return;
    }
    const fits = slot.upTo ? value.length <= slot.length : value.length === slot.length;
    if (!fits || value.constructor !== target.constructor) {
      throw new FeedError(
        `run: "${slot.name}" must be ${slot.upTo ? "at most " : ""}${slot.length} ${slot.dtype} ${showShape(slot.shape)}, ` +
          `got ${value.length} elements of ${value.constructor.name}.`,
      );
    }
    target.set(value, slot.offset);
  }
}
