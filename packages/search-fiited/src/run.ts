/** One training for one budget: the common trainer over a chunk store, with a pruner between its steps. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ChunkStore, ChunkStoreTables, type LookupBatch, type RowChunkScheme } from "@trimtab/embeddings";
import { inheritModel, Model, type ModelConfig, tableRule } from "@trimtab/models";
import {
  fileName,
  type Limit,
  type SearchEvent,
  type Task,
  type Trained,
  type TrainHooks,
  train,
} from "@trimtab/search-core";
import { captureVariables, saveTensors } from "@trimtab/tensor-core";
import { z } from "zod";
import { surelyFit } from "./capacity.ts";
import { FiitedCheckpointError } from "./errors.ts";
import { MemoryWatch, type Peaks, peaksSchema } from "./memory.ts";
import { type Adjusted, Pruner } from "./pruner.ts";
import type { Settings } from "./settings.ts";

const count = z.int().nonnegative();

const capturedSchema = z.strictObject({
  peaks: peaksSchema,
  adjustments: z.array(
    z.strictObject({ step: count, pruned: count, restored: count, live: count, capacity: count }),
  ),
});

/** Fits any budget that `surelyFit` any better than 4096 chunks does. */
const FIRST_CAPACITY = 4096;

export interface ChunkRunOptions {
  /** "fiited" or "row-pruning". */
  readonly name: string;
  /** With an optimizer by rows. */
  readonly model: ModelConfig;
  readonly settings: Settings;
  readonly limit: Limit;
  readonly emit: (event: SearchEvent) => void;
}

export interface ChunkRunResult {
  readonly scheme: RowChunkScheme;
  /** With compact tables: the store is gone. */
  readonly trained: Trained;
  readonly notes: ChunkRunNotes;
}

/** What a training showed, in bytes and chunks. */
export interface ChunkRunNotes {
  readonly peak: Peaks;
  /** The store at the end, with the best weights. */
  readonly final: {
    readonly payload: number;
    readonly device: number;
    readonly total: number;
    readonly live: number;
  };
  /** Bytes of the uniform table's values over those of the live chunks at the end. */
  readonly payloadRatio: number;
  /** Bytes that training the uniform table takes over the store's at the end, everything counted. */
  readonly totalRatio: number;
  /** The same over the most bytes the store ever held, but for moments. */
  readonly peakTotalRatio: number;
  readonly adjustments: readonly Adjusted[];
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8);
}

/** Tables that tell when the store makes room by itself. */
class WatchedTables extends ChunkStoreTables {
  readonly #watch: MemoryWatch;

  constructor(store: ChunkStore, watch: MemoryWatch) {
    super(store);
    this.#watch = watch;
  }

  override async prepare(batch: LookupBatch): Promise<void> {
    const { generation } = this;
    this.#watch.before(this.store);
    await super.prepare(batch);
    if (generation !== this.generation) this.#watch.after(this.store);
  }
}

export class ChunkRun implements TrainHooks {
  readonly identity: unknown;
  readonly #task: Task;
  readonly #options: ChunkRunOptions;
  readonly #watch = new MemoryWatch();
  #adjustments: Adjusted[] = [];
  #store: ChunkStore | undefined;
  #pruner: Pruner | undefined;
  #scheme: RowChunkScheme | undefined;
  #final: ChunkRunNotes["final"] | undefined;

  constructor(task: Task, options: ChunkRunOptions) {
    const { name, settings, limit } = options;
    const { retrain: _, ...decisive } = settings;
    this.identity = { name, settings: decisive, limit: { unit: limit.unit, value: limit.value } };
    this.#task = task;
    this.#options = options;
  }

  /** The folder of this budget: the weights handed over, and beside them the training they come from. */
  get #folder(): string | undefined {
    const { name, limit } = this.#options;
    return this.#task.folder && join(this.#task.folder, `${name}-${fileName(limit.text)}`);
  }

  async run(): Promise<ChunkRunResult> {
    const task = this.#task;
    const { name, model, limit, emit } = this.#options;
    const folder = this.#folder;
    const trained = await train({
      device: task.device,
      data: await task.splits(),
      model,
      scheme: task.uniform,
      seed: task.seed,
      config: task.train,
      // by the settings: with other ones it is another training, not one that cannot be resumed
      folder: folder && join(folder, `live-${hashOf(this.identity)}`),
      resume: task.resume,
      signal: task.signal,
      onEvent: (event) => emit({ kind: "train", name: `${name} ${limit.text}`, event }),
      hooks: this,
    });
    return { scheme: this.#scheme!, trained, notes: this.#notes() };
  }

  async tables(): Promise<ChunkStoreTables> {
    const { model, settings, limit } = this.#options;
    const { fields, device, seed } = this.#task;
    const { dim, std } = model as { dim: number; std: number };
    const { chunks, gamma, candidateBytes, firstValues } = settings;
    const store = await ChunkStore.make(device, {
      fields,
      dim,
      chunks,
      rule: tableRule(model),
      seed,
      std: firstValues === "zero" ? 0 : std,
      gamma,
      candidateBytes,
      capacity: Math.min(FIRST_CAPACITY, surelyFit({ fields, dim, chunks }, limit)),
    });
    this.#store = store;
    return new WatchedTables(store, this.#watch);
  }

  start(_: Model, captured: unknown): void {
    const store = this.#store!;
    const { limit, settings } = this.#options;
    if (captured !== undefined) {
      const parsed = capturedSchema.safeParse(captured);
      if (!parsed.success) {
        throw new FiitedCheckpointError(
          `${this.#folder}: the checkpoint has no record of adjustments; remove the folder to train again.`,
        );
      }
      this.#watch.peaks = parsed.data.peaks;
      this.#adjustments = parsed.data.adjustments;
    }
    const watch = {
      extra: (bytes: number) => this.#watch.extra(store, bytes),
      before: () => this.#watch.before(store),
      after: () => this.#watch.after(store),
    };
    this.#pruner = new Pruner(store, { ...settings, limit, watch });
  }

  async stepped({ step }: { readonly step: number }): Promise<void> {
    this.#watch.look(this.#store!);
    const done = await this.#pruner!.stepped(step);
    if (done) this.#adjustments.push(done);
  }

  /** Only weights that meet the budget. */
  eligible({ step }: { readonly step: number }): boolean {
    return this.#pruner!.schedule.isOver(step);
  }

  capture(): z.output<typeof capturedSchema> {
    return { peaks: this.#watch.peaks, adjustments: this.#adjustments };
  }

  tableBytes(): number {
    return this.#watch.peaks.total;
  }

  /** The same model over compact tables; with a folder its weights are kept there, as of any trained model. */
  async finish(model: Model): Promise<Model> {
    const store = this.#store!;
    const { payload, device, total } = store.memory();
    const own = device.values + device.state + device.utility + device.candidates;
    this.#final = { payload, device: own, total, live: store.live };
    const tables = await store.compact();
    this.#scheme = tables.scheme;
    // not by buildModel, which would draw first values over those of the store
    const compact = new Model(this.#task.device, model.config, tables.scheme, tables);
    try {
      await inheritModel(model, compact, { tables: false });
      const folder = this.#folder;
      if (folder) {
        const file = { tensors: await captureVariables(compact.state), metadata: {} };
        saveTensors(join(folder, "best.safetensors"), file);
      }
      return compact;
    } catch (reason) {
      compact.dispose();
      throw reason;
    }
  }

  #notes(): ChunkRunNotes {
    const { peaks } = this.#watch;
    const final = this.#final!;
    const { uniform } = this.#task;
    const { rule } = this.#store!.shape;
    const values = 4 * uniform.parameters;
    const whole = values * (1 + rule.slots.length);
    const over = (all: number, own: number) => (own === 0 ? 0 : all / own);
    return {
      peak: peaks,
      final,
      payloadRatio: over(values, final.payload),
      totalRatio: over(whole, final.total),
      peakTotalRatio: over(whole, peaks.total),
      adjustments: this.#adjustments,
    };
  }
}
