// A ring of batches made ahead of the training step, by a worker thread or in the calling thread: same bytes.

import {
  type Batch,
  type BatchShape,
  batchCount,
  batchOf,
  checkShape,
  type Slot,
  slotBytes,
  slotOver,
  type TableLayout,
} from "./batch-maker.ts";
import { type Columns, checkColumns, type FieldInfo, shareColumns } from "./columns.ts";
import { BatchError } from "./errors.ts";
import { type Pump, ThreadPump, WorkerPump } from "./pumps.ts";

/** Options of a {@link BatchSource}. */
export interface BatchSourceOptions {
  fields: readonly FieldInfo[];
  tables: readonly TableLayout[];
  /** Rows a batch. */
  batch: number;
  /** With the epoch number, fixes the order of the rows. */
  seed: number;
  shuffle: boolean;
  /** Build a {@link BatchPlan} per table (training) or not (scoring). */
  plans: boolean;
  /** Make batches in a worker thread (default) or in the calling thread. */
  worker?: boolean;
  dropLast?: boolean;
  /** Batches in memory at once, default 4. */
  ring?: number;
}

/** The batches of one epoch, to be iterated once. */
export interface BatchEpoch extends AsyncIterable<Batch> {
  /** Batches of a whole epoch, whatever `from` was. */
  batches: number;
  /** Ends the iteration; the source stays usable. */
  close(): Promise<void>;
}

/** Owns the columns, the ring and (if any) the worker; gives epoch after epoch. */
export interface BatchSource {
  batches: number;
  /** Starts epoch `epoch` at batch `from`. An epoch still running is ended. */
  epoch(epoch: number, options?: { from?: number }): BatchEpoch;
  /** Ends the worker at once. Twice is the same as once. */
  close(): Promise<void>;
}

/**
 * Opens a source of shuffled batches (and batch plans) over columns in memory.
 * @throws BatchError for a batch larger than the data or a layout that does not fit; IdRangeError for a bad id
 */
export function createBatchSource(columns: Columns, options: BatchSourceOptions): BatchSource {
  return new RingSource(columns, options);
}

/** The class behind {@link createBatchSource}; only tests look inside. */
export class RingSource implements BatchSource {
  readonly batches: number;
  readonly pump: Pump;
  readonly #shape: BatchShape;
  readonly #slots: Slot[];
  readonly #ring: number;
  #held = 0;
  #current: RingEpoch | undefined;
  #closed = false;

  constructor(columns: Columns, options: BatchSourceOptions) {
    const { fields, tables, batch, seed, shuffle, plans, dropLast } = options;
    // Plain copies: the shape crosses to the worker, where class instances and getters would not.
    const shape: BatchShape = {
      fields: fields.map(({ name, kind, rows, slots }) => ({ name, kind, rows, slots })),
      tables: tables.map(({ name, rows, fields: parts }) => ({
        name,
        rows,
        fields: parts.map(({ field, base, hash }) =>
          hash ? { field, base, hash: { rows: hash.rows, rule: hash.rule } } : { field, base },
        ),
      })),
      batch,
      seed,
      shuffle,
      plans,
      dropLast: dropLast ?? false,
    };
    checkShape(columns, shape);
    checkColumns(columns, shape.fields);
    this.#ring = options.ring ?? 4;
    if (!Number.isInteger(this.#ring) || this.#ring < 1) {
      throw new BatchError(`ring is ${options.ring}`, "Give a whole number of batches from 1 up");
    }
    const shared = shareColumns(columns);
    const users = shared.users !== undefined;
    const ring = Array.from(
      { length: this.#ring },
      () => new SharedArrayBuffer(Math.max(4, slotBytes(shape, users))),
    );
    this.#shape = shape;
    this.#slots = ring.map((memory) => slotOver(memory, shape, users));
    this.batches = batchCount(columns.rows, shape);
    this.pump =
      options.worker === false
        ? new ThreadPump(shared, shape, this.#slots)
        : new WorkerPump({ columns: shared, shape, ring });
  }

  epoch(epoch: number, options: { from?: number } = {}): BatchEpoch {
    if (this.#closed) throw new BatchError("the batch source is closed", "Open another one");
    const from = options.from ?? 0;
    if (!Number.isInteger(from) || from < 0 || from > this.batches) {
      throw new BatchError(
        `an epoch of ${this.batches} batches cannot start at batch ${from}`,
        `Give a whole number from 0 to ${this.batches}`,
      );
    }
    this.#current?.end();
    this.pump.start(epoch, from);
    this.#current = new RingEpoch(this, epoch, from);
    return this.#current;
  }

  /** The following batch of the running epoch, or null when it was ended. */
  async take(epoch: number): Promise<Batch | null> {
    if (this.#held >= this.#ring) {
      throw new BatchError(
        `all ${this.#ring} batches of the ring are held`,
        "Call release() on a batch once its data is uploaded, before asking for the next",
      );
    }
    const filled = await this.pump.next();
    if (!filled) return null;
    this.#held++;
    let mine = true;
    const release = (): void => {
      if (!mine) return;
      mine = false;
      this.#held--;
      this.pump.give(filled.slot);
    };
    return batchOf(this.#slots[filled.slot] as Slot, this.#shape, filled.sizes, filled.index, epoch, release);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.end();
    await this.pump.close();
  }
}

class RingEpoch implements BatchEpoch, AsyncIterator<Batch> {
  readonly batches: number;
  #next: number;
  #done = false;
  constructor(
    readonly source: RingSource,
    readonly epoch: number,
    from: number,
  ) {
    this.batches = source.batches;
    this.#next = from;
  }
  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    return this;
  }
  async next(): Promise<IteratorResult<Batch>> {
    if (this.#done || this.#next >= this.batches) {
      this.end();
      return { done: true, value: undefined };
    }
    try {
      const batch = await this.source.take(this.epoch);
      if (!batch) {
        this.#done = true;
        return { done: true, value: undefined };
      }
      this.#next++;
      return { done: false, value: batch };
    } catch (error) {
      this.end();
      throw error;
    }
  }
  async return(): Promise<IteratorResult<Batch>> {
    this.end();
    return { done: true, value: undefined };
  }
  /** Ends this epoch only; does nothing once another one has begun. */
  end(): void {
    if (this.#done) return;
    this.#done = true;
    this.source.pump.stop();
  }
  async close(): Promise<void> {
    this.end();
  }
}

/** Options of {@link openBatches}: those of a source, and the epoch. */
export interface OpenBatchesOptions extends BatchSourceOptions {
  epoch: number;
  /** Batch number to resume at. */
  from?: number;
}

/** One epoch with a source of its own, which closes at the end, on `break` and on `close()`. */
export function openBatches(columns: Columns, options: OpenBatchesOptions): BatchEpoch {
  const source = createBatchSource(columns, options);
  const inner = source.epoch(options.epoch, { from: options.from ?? 0 });
  const close = () => source.close();
  return {
    batches: inner.batches,
    close,
    async *[Symbol.asyncIterator]() {
      try {
        yield* inner;
      } finally {
        await close();
      }
    },
  };
}
