/**
 * The chunk store (FIITED, Luo et al., arXiv 2401.04408; storage after its section on virtually-hashed, physically-indexed tables): vectors of
 * dim d cut into K chunks, of which only the live ones have memory, in one pool on the device that grows and shrinks while a
 * model trains. What is live changes in two ways: a row that is looked up for the first time gets its chunks while there is
 * room, and `adjust` prunes and restores what its caller decides by `utilities`.
 *
 * Host and device agree by order alone: the host's books change at once, the device's copies are queued before the step that
 * needs them, and steps run in the order they were queued. So no running step sees an address that was given to another.
 */
import type {
  Device,
  Feeds,
  PlanInputs,
  RowGradient,
  Tensor,
  TensorFile,
  Variable,
} from "@trimtab/tensor-core";
import { ChunkStoreError } from "../errors.ts";
import { type Adjustment, applyAdjustment, checkAdjustment } from "./adjustment.ts";
import { Arrivals } from "./arrivals.ts";
import { Books } from "./books.ts";
import { Clock } from "./clock.ts";
import type { ChunkTables } from "./compact.ts";
import { compactOf, schemeOf } from "./compacting.ts";
import { Exclusive } from "./exclusive.ts";
import { captureStore, readStore } from "./files.ts";
import { type ChunkMemory, memoryOf } from "./memory.ts";
import { type ChunkStoreOptions, type StoreShape, storeShape } from "./options.ts";
import { Pool } from "./pool.ts";
import { type PlannedBatch, type PlannedRows, Resolver } from "./resolver.ts";
import type { RowChunkScheme } from "./scheme.ts";
import { type StepInputs, type StepVectors, scoredVectors, stepFeeds, updatesOf, vectorsOf } from "./step.ts";
import { Utilities } from "./utilities.ts";

const FIRST_CAPACITY = 4096;
const GROWTH = 1.5;

export class ChunkStore {
  readonly shape: StoreShape;
  /** Programs built on the store's variables before this number changed must be compiled again. */
  generation = 0;
  readonly #device: Device;
  readonly #candidates: Variable;
  readonly #resolver: Resolver;
  readonly #arrivals: Arrivals;
  readonly #exclusive = new Exclusive();
  #books: Books;
  #clock: Clock;
  #pool: Pool;
  /** Counts up whenever books or utilities change. */
  #version = 0;

  private constructor(device: Device, shape: StoreShape, candidates: Variable, pool: Pool, books: Books) {
    this.shape = shape;
    this.#device = device;
    this.#candidates = candidates;
    this.#pool = pool;
    this.#books = books;
    this.#clock = new Clock(shape.gamma);
    this.#arrivals = new Arrivals(shape);
    this.#resolver = new Resolver(() => this.#books, shape.layout.rows);
  }

  /** An empty store. Throws ChunkStoreError for options that cannot be, BufferTooLarge over the binding limit. */
  static async make(device: Device, options: ChunkStoreOptions): Promise<ChunkStore> {
    const shape = storeShape(options);
    const { capacity = FIRST_CAPACITY, target = Number.POSITIVE_INFINITY } = options;
    const candidates = device.variable(`${shape.name}.candidates`, [shape.candidates + 1, 1]);
    try {
      const pool = await Pool.make(device, shape, capacity, candidates);
      const books = Books.empty(shape.chunks, capacity, shape.candidates, target);
      return new ChunkStore(device, shape, candidates, pool, books);
    } catch (reason) {
      candidates.dispose();
      throw reason;
    }
  }

  /** Chunks that exist now. */
  get live(): number {
    return this.#books.addresses.live;
  }

  /** Chunks that may become live before the pool must grow. live + free = capacity. */
  get free(): number {
    return this.#books.addresses.free;
  }

  /** Chunks that the pool has room for. */
  get capacity(): number {
    return this.#books.addresses.capacity;
  }

  /** Chunks that are tracked without being live. */
  get candidates(): number {
    return this.#books.candidates.size;
  }

  /** Rows that have a chunk, live or candidate. */
  get rows(): number {
    return this.#books.map.size;
  }

  /** Training steps so far. */
  get step(): number {
    return this.#clock.step;
  }

  /**
   * Chunks that may be live: arriving rows get chunks below it only. Lowering it prunes nothing; `adjust` may go beyond it.
   */
  get target(): number {
    return this.#books.target;
  }

  set target(chunks: number) {
    if (!(chunks >= 0)) throw new ChunkStoreError(`chunk store: target ${chunks} must be 0 or more.`);
    this.#books.target = Math.floor(chunks);
  }

  /** f32 [capacity + 1, c]: row 0 is zero. Another one after the generation changed. */
  get values(): Variable {
    return this.#pool.values;
  }

  /** Variables of this generation: values, the rule's state, utilities. */
  get variables(): Variable[] {
    return this.#pool.variables;
  }

  isLive(row: number, chunk: number): boolean {
    return this.#books.placeOf(row, chunk) > 0;
  }

  isCandidate(row: number, chunk: number): boolean {
    return this.#books.placeOf(row, chunk) < 0;
  }

  /**
   * Grows the pool if the rows of a training batch that are new would not fit and may be live. Await it before the batch's
   * program is taken, because it may change the generation; a store without it is right too, but gives new rows no more than
   * what is free.
   */
  async makeRoom(batch: PlannedRows): Promise<void> {
    const { free, capacity, live } = this;
    const most = batch.count * this.shape.chunks;
    if (free >= Math.min(most, this.#books.room)) return;
    const wanted = this.#resolver.wanted(batch);
    if (wanted <= free) return;
    const all = Math.min(this.target, this.shape.layout.rows * this.shape.chunks);
    const grown = Math.min(Math.ceil(capacity * GROWTH), all);
    await this.resize(Math.max(live + wanted, grown));
  }

  /**
   * Feeds of `stepInputs` for a training step on a batch of `positions` = B x S ids with this plan. It is a step of the store: new
   * rows arrive, touched candidates are remembered. Call it right before a program of this generation runs, once a step, in
   * the order of the steps. The arrays are used again by the next call; running a program copies them. Throws ChunkStoreError,
   * and changes nothing, for rows that no field has.
   */
  resolve(plan: PlannedBatch, positions: number): Feeds {
    this.#exclusive.check();
    const resolver = this.#resolver;
    resolver.train(plan, this.#arrivals);
    this.#version++;
    this.#placeArrivals();
    this.#clock.next((factor) => this.#pool.rescale(factor));
    return stepFeeds(this.shape, resolver, { plan, positions, gain: this.#clock.gain });
  }

  /** Addresses of `rows` for scoring: [rows.length x K], 0 where a chunk is not live. Changes nothing. */
  look(rows: ArrayLike<number>, out = new Uint32Array(rows.length * this.shape.chunks)): Uint32Array {
    this.#exclusive.check();
    this.#resolver.look(rows, out);
    return out;
  }

  /** The vectors of a training step. */
  vectors(inputs: StepInputs, plan: PlanInputs): StepVectors {
    this.#exclusive.check();
    return vectorsOf(this.shape, this.#pool, inputs, plan);
  }

  /** Vectors [B, S, d] for scoring, from the addresses u32 [B, S, K] that `look` gives. */
  scored(addresses: Tensor): Tensor {
    this.#exclusive.check();
    return scoredVectors(this.shape, this.#pool, addresses);
  }

  /** The update nodes of a training step: values, optimizer state and utilities of the touched chunks. `gradient` is that of the touched vectors. */
  updates(gradient: RowGradient, inputs: StepInputs): Tensor[] {
    this.#exclusive.check();
    return updatesOf({ shape: this.shape, pool: this.#pool }, gradient, inputs);
  }

  /** A copy of all utilities as they are after what is queued, to decide an adjustment by. It is void after the next step or adjustment. */
  async utilities(): Promise<Utilities> {
    this.#exclusive.check();
    const version = this.#version;
    const { factor } = this.#clock;
    // both are asked for before anything can be queued between them
    const reads = [this.#pool.utility.read(), this.#candidates.read()] as Promise<Float32Array>[];
    const [live, candidates] = await Promise.all(reads);
    const stored = { live: live!, candidates: candidates!, factor };
    return new Utilities(this.shape, this.#books, stored, () => {
      if (this.#version === version) return;
      throw new ChunkStoreError(
        "chunk store: the store has changed since these utilities were read; read them again before adjusting.",
      );
    });
  }

  /**
   * Prunes and restores. The device's part is queued: steps queued before see the store as it was, later ones as it is. Throws
   * ChunkStoreError, and changes nothing, where a chunk to prune is not live, one to restore is, a chunk is named
   * twice, or more are restored than are free afterwards.
   */
  adjust({ evict, restore }: Adjustment): void {
    this.#exclusive.check();
    checkAdjustment({ evict, restore }, this.shape, this.#books);
    this.#version++;
    const { from, to } = applyAdjustment({ evict, restore }, this.#books, this.#arrivals);
    this.#pool.retire(from, to);
    this.#placeArrivals();
  }

  /** Grows the pool to `capacity` chunks. Throws ChunkStoreError where that is less than now, BufferTooLarge over the binding limit. */
  async grow(capacity: number): Promise<void> {
    if (capacity < this.capacity) {
      throw new ChunkStoreError(
        `chunk store: cannot grow from ${this.capacity} to ${capacity} chunks; use shrink to make it smaller.`,
      );
    }
    await this.resize(capacity);
  }

  /**
   * Shrinks the pool to `capacity` chunks and hands the rest of its memory back; live chunks move together. Throws ChunkStoreError
   * where more are live: prune them first.
   */
  async shrink(capacity = this.live): Promise<void> {
    if (capacity > this.capacity) {
      throw new ChunkStoreError(
        `chunk store: cannot shrink from ${this.capacity} to ${capacity} chunks; use grow to make it larger.`,
      );
    }
    await this.resize(capacity);
  }

  /** Gives the pool room for `capacity` chunks. On any error the store is as it was. */
  async resize(capacity: number): Promise<void> {
    this.#exclusive.check();
    if (!Number.isInteger(capacity) || capacity < this.live) {
      throw new ChunkStoreError(
        `chunk store: capacity ${capacity} must be a whole number from ${this.live}, the live chunks, up; prune first.`,
      );
    }
    if (capacity === this.capacity) return;
    const { moves, from, addresses } = this.#books.relocation(capacity);
    await this.#exclusive.alone("resize", async () => {
      const next = await this.#pool.resized(capacity, from);
      for (const [at, address] of moves) this.#books.map.words[at] = address;
      this.#books.addresses = addresses;
      this.#take(next);
    });
  }

  /** Bytes as they are allocated now. */
  memory(): ChunkMemory {
    const batch = this.#resolver.bytes + this.#arrivals.bytes;
    return memoryOf({ shape: this.shape, pool: this.#pool, books: this.#books, batch });
  }

  /** The chunks that are live now, as a scheme. Throws SchemeError where the fields have 2^32 chunks or more together. */
  scheme(): RowChunkScheme {
    return schemeOf(this.shape, this.#books);
  }

  /**
   * Compact tables with the live chunks as they are after what is queued, for serving: they score what the store scores. The caller
   * disposes them.
   */
  async compact(name?: string): Promise<ChunkTables> {
    this.#exclusive.check();
    const parts = { shape: this.shape, pool: this.#pool, books: this.#books };
    return await this.#exclusive.alone("compact", () => compactOf(this.#device, parts, name));
  }

  /** Everything a store is, after what is queued: for `saveTensors`. A store that `restore`s it goes on to the same bits. */
  async capture(): Promise<TensorFile> {
    this.#exclusive.check();
    return await this.#exclusive.alone("capture", () =>
      captureStore({
        shape: this.shape,
        pool: this.#pool,
        candidates: this.#candidates,
        books: this.#books,
        clock: this.#clock,
      }),
    );
  }

  /** Becomes what `capture` gave. Throws ChunkStoreError naming `source`, and changes nothing, where the file is damaged or of another store. */
  async restore(file: TensorFile, source: string): Promise<void> {
    this.#exclusive.check();
    const { books, clock, fill } = readStore(this.shape, file, source);
    await this.#exclusive.alone("restore", async () => {
      const pool = await Pool.make(this.#device, this.shape, books.addresses.capacity, this.#candidates);
      try {
        fill(pool, this.#candidates);
      } catch (reason) {
        pool.dispose();
        throw reason;
      }
      this.#books = books;
      this.#clock = clock;
      this.#take(pool);
    });
  }

  dispose(): void {
    if (!this.#exclusive.dispose()) return;
    this.#pool.dispose();
    this.#candidates.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #placeArrivals(): void {
    if (this.#arrivals.size === 0) return;
    try {
      this.#pool.place(this.#arrivals);
    } finally {
      this.#arrivals.clear();
    }
  }

  #take(pool: Pool): void {
    const old = this.#pool;
    this.#pool = pool;
    this.generation++;
    this.#version++;
    old.dispose();
  }
}
