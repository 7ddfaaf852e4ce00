/**
 * Prunes and restores the chunks of a store while a model trains: what FIITED does every T steps. It needs no trainer: whoever runs steps
 * calls `stepped` after each. What it decides follows from the store, its own options and the step alone, so a resumed run decides alike.
 */
import type { ChunkStore, Tracked } from "@trimtab/embeddings";
import type { Limit } from "@trimtab/search-core";
import { type Cut, costOfChunks, surelyFit } from "./capacity.ts";
import { Choice, type ChooseOptions } from "./policy/choose.ts";
import { fill } from "./policy/fill.ts";
import { Schedule } from "./policy/schedule.ts";
import { scoresOf } from "./policy/scores.ts";
import { steadyPeriodOf } from "./settings.ts";

export interface PrunerOptions {
  readonly limit: Limit;
  /** T until the limit is met. */
  readonly period: number;
  /** T from then on, at least. */
  readonly steadyPeriod: number;
  /** Ids that a step looks up, where T from then on follows from them too. */
  readonly lookups?: number;
  /** Steps until the limit is met. */
  readonly rampSteps: number;
  /** Share of all chunks that may be live at the start of the ramp; at least what the limit pays for. */
  readonly peak: number;
  /** Power of the field's 95th percentile that utilities are divided by. */
  readonly normalise: number;
  readonly hysteresis: number;
  readonly thresholds: ChooseOptions["thresholds"];
  readonly sample: number;
  /** Told what happens to memory: `extra` bytes are held on the host for a moment, or the pool changes its size. */
  readonly watch?: {
    extra(bytes: number): void;
    before(): void;
    after(): void;
  };
}

/** What one adjustment did. */
export interface Adjusted {
  readonly step: number;
  readonly pruned: number;
  readonly restored: number;
  /** Live chunks after it. */
  readonly live: number;
  /** Chunks that the pool has room for after it. */
  readonly capacity: number;
}

/** Room that the pool keeps beyond what may be live: a pool is not made anew for a few chunks. */
const SLACK = { ramp: 1.1, after: 1.02 };

export class Pruner {
  readonly schedule: Schedule;
  readonly #store: ChunkStore;
  readonly #options: PrunerOptions;
  readonly #cut: Cut;

  constructor(store: ChunkStore, options: PrunerOptions) {
    const { fields, dim, chunks, layout } = store.shape;
    this.#store = store;
    this.#options = options;
    this.#cut = { fields, dim, chunks };
    const { limit, period, rampSteps, peak } = options;
    const to = surelyFit(this.#cut, limit);
    const from = Math.max(to, Math.floor(peak * layout.rows * chunks));
    const steadyPeriod = steadyPeriodOf(options, to);
    this.schedule = new Schedule({ period, steadyPeriod, rampSteps, from, to });
    // a store that goes on has its target already
    if (store.step === 0) store.target = this.schedule.target(0);
  }

  /** Adjusts the store if it is time, after step `step` was queued. Await it before the next step. */
  async stepped(step: number): Promise<Adjusted | undefined> {
    if (!this.schedule.adjustsAfter(step)) return undefined;
    return await this.adjust(step);
  }

  /** Prunes and restores now, to what is due at `step`. */
  async adjust(step: number): Promise<Adjusted> {
    const store = this.#store;
    const read = await store.utilities();
    const tracked = read.tracked();
    const over = this.schedule.isOver(step);
    const due = this.schedule.target(step);
    const taken = this.#take(tracked, step);
    const { evict, restore } = read.changes(tracked, taken);
    const held = [...Object.values(tracked), taken, evict.rows, evict.chunks, restore.rows, restore.chunks];
    // the copy of all utilities too
    const copied = 4 * (store.capacity + 1 + store.shape.candidates);
    this.#options.watch?.extra(copied + held.reduce((n, { byteLength }) => n + byteLength, 0));
    const after = store.live + restore.rows.length - evict.rows.length;
    if (after > store.capacity) await this.#resize(Math.ceil(after * SLACK.after));
    store.adjust({ evict, restore });
    // once the budget is met a pattern of chunks other than this one may not be within it
    store.target = over ? Math.max(after, due) : due;
    await this.#shrink(over ? SLACK.after : SLACK.ramp);
    const { live, capacity } = store;
    return { step, pruned: evict.rows.length, restored: restore.rows.length, live, capacity };
  }

  /** Which chunks are to be live: as many as are due, or, once the ramp is over, as the limit pays for. */
  #take(tracked: Tracked, step: number): Uint8Array {
    const { normalise, hysteresis, thresholds, sample, limit } = this.#options;
    const { fields, chunks } = this.#cut;
    const scores = scoresOf(tracked, { normalise, hysteresis, fieldCount: fields.length });
    const choice = new Choice(scores, tracked.chunks, { chunks, thresholds, sample });
    const due = this.schedule.target(step);
    if (!this.schedule.isOver(step)) return choice.take(due);
    return fill(tracked, choice, {
      surely: due,
      fieldRows: fields.map(({ rows }) => rows),
      fits: (counts) => costOfChunks(this.#cut, limit.unit, counts) <= limit.value,
    });
  }

  async #shrink(slack: number): Promise<void> {
    const { live, target, capacity } = this.#store;
    if (capacity <= Math.ceil(Math.max(live, Math.min(target, capacity)) * slack)) return;
    // in the ramp most of what may be live soon is not to be live for long
    await this.#resize(Math.max(live, Math.min(target, capacity)));
  }

  async #resize(capacity: number): Promise<void> {
    this.#options.watch?.before();
    await this.#store.resize(capacity);
    this.#options.watch?.after();
  }
}
