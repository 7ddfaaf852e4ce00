/** A compiled step: feeds in, outputs back when asked for, variables changed. */
import { type HostArray, viewAs } from "./dtype.ts";
import type { EngineProgram, KernelTime } from "./engines/engine.ts";
import { DisposedError, FeedError } from "./errors.ts";
import type { Tensor } from "./graph/tensor.ts";
import type { KernelList } from "./kernels/ir.ts";
import { printKernels } from "./kernels/print.ts";
import { type Feeds, Staging } from "./staging.ts";

/** A compiled step on its device; made by `Device.compile`. */
export class Program<O extends Record<string, Tensor>> {
  /** The kernels as plain data. */
  readonly list: KernelList;
  readonly #engine: EngineProgram;
  readonly #onDispose: () => void;
  readonly #staging: Staging;
  #disposed = false;

  constructor(list: KernelList, engine: EngineProgram, onDispose: () => void) {
    this.list = list;
    this.#engine = engine;
    this.#onDispose = onDispose;
    this.#staging = new Staging(list.buffers[0]!.length, list.feeds);
  }

  /** Names of the inputs that every run must feed. */
  get inputs(): string[] {
    return this.list.feeds.map(({ name }) => name);
  }

  /** Queues one step and returns at once. Feeds are copied. Throws FeedError for a missing, unknown or misshapen feed. */
  run(feeds: Feeds = {}): void {
    this.#stage(feeds);
    this.#engine.run(this.#staging.image, [], this.#staging.written());
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
      this.#staging.image,
      wanted.map((o) => o.buffer),
      this.#staging.written(),
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
    return this.#engine.profile(this.#staging.image);
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
    this.#staging.put(feeds);
  }
}
