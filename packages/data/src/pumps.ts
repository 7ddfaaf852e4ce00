// The two ways to fill the ring's slots with batches. Both run the same BatchMaker, so their bytes agree.

import { Worker } from "node:worker_threads";
import { BatchMaker, type BatchShape, type Slot, type SlotSizes } from "./batch-maker.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./batch-worker.ts";
import type { Columns } from "./columns.ts";
import { WorkerError } from "./errors.ts";
import { permutation } from "./random.ts";

/** A slot that holds a batch. */
export interface Filled {
  slot: number;
  index: number;
  sizes: SlotSizes;
}

/** Fills slots: `start` begins an epoch, `next` gives the following filled slot, `give` hands a slot back. */
export interface Pump {
  start(epoch: number, from: number): void;
  next(): Promise<Filled | null>;
  give(slot: number): void;
  stop(): void;
  close(): Promise<void>;
}

/** Makes each batch when it is asked for, in the calling thread. */
export class ThreadPump implements Pump {
  readonly #maker: BatchMaker;
  readonly #free: number[];
  #order: Uint32Array | null = null;
  #index = 0;
  constructor(
    readonly columns: Columns,
    readonly shape: BatchShape,
    readonly slots: Slot[],
  ) {
    this.#maker = new BatchMaker(columns, shape);
    this.#free = slots.map((_, i) => i);
  }
  start(epoch: number, from: number): void {
    const { rows } = this.columns;
    this.#order = this.shape.shuffle ? permutation(rows, this.shape.seed, epoch) : null;
    this.#index = from;
  }
  async next(): Promise<Filled> {
    const slot = this.#free.shift() as number;
    const index = this.#index++;
    try {
      return { slot, index, sizes: this.#maker.make(this.#order, index, this.slots[slot] as Slot) };
    } catch (error) {
      this.#free.push(slot);
      throw error;
    }
  }
  give(slot: number): void {
    this.#free.push(slot);
  }
  stop(): void {
    this.#order = null;
  }
  async close(): Promise<void> {
    this.#order = null;
  }
}

/** Lets a worker thread make batches ahead, as long as there are free slots. */
export class WorkerPump implements Pump {
  readonly #worker: Worker;
  readonly #ready: Filled[] = [];
  #token = 0;
  #failure: WorkerError | undefined;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(start: WorkerStart) {
    this.#worker = new Worker(new URL("./batch-worker.ts", import.meta.url), { workerData: start });
    // An idle worker must not keep the process alive; a step that waits for a batch must.
    this.#worker.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error: Error) => this.#fail(error.message));
    this.#worker.on("exit", (code: number) => {
      if (!this.#closed) this.#fail(`it ended with code ${code}`);
    });
  }

  /** For tests: the thread itself. */
  get worker(): Worker {
    return this.#worker;
  }

  #receive(message: FromWorker): void {
    if (message.type === "failed") this.#fail(message.message);
    else if (message.token === this.#token) {
      this.#ready.push(message);
      this.#wake();
    } else this.give(message.slot);
  }
  #fail(reason: string): void {
    this.#failure ??= new WorkerError(
      `the batch worker stopped: ${reason}`,
      "Run again; with `worker: false` the batches are made in the calling thread, which shows where it fails",
    );
    this.#wake();
  }
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
  #post(message: ToWorker): void {
    if (!this.#closed && !this.#failure) this.#worker.postMessage(message);
  }
  #flush(): void {
    for (const { slot } of this.#ready.splice(0)) this.give(slot);
  }
  start(epoch: number, from: number): void {
    this.#token++;
    this.#post({ type: "epoch", token: this.#token, epoch, from });
    this.#flush();
  }
  async next(): Promise<Filled | null> {
    const token = this.#token;
    while (this.#ready.length === 0 && !this.#failure && !this.#closed && token === this.#token) {
      this.#worker.ref();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (!this.#closed) this.#worker.unref();
    }
    if (this.#closed || token !== this.#token) return null;
    const ready = this.#ready.shift();
    if (ready) return ready;
    if (this.#failure) throw this.#failure;
    return null;
  }
  give(slot: number): void {
    this.#post({ type: "slot", slot });
  }
  stop(): void {
    this.#token++;
    this.#post({ type: "stop" });
    this.#flush();
    this.#wake();
  }
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    await this.#worker.terminate();
  }
}
