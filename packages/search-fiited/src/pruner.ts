/**
 * Prunes and restores the chunks of a store while a model trains: what FIITED does every T steps. It needs no trainer: whoever runs steps
 * calls `stepped` after each. What it decides follows from the store, its own options and the step alone, so a resumed run decides alike.
 */
import type { ChunkList, ChunkStore, Utilities } from "@trimtab/embeddings";
import type { Limit } from "@trimtab/search-core";
import { type Cut, costOfChunks, surelyFit } from "./capacity.ts";
import { type ChooseOptions, choose } from "./policy/choose.ts";
import { Schedule } from "./policy/schedule.ts";
import { FIRST, LIVE, scoresOf, type Tracked } from "./policy/scores.ts";

export interface PrunerOptions {
  readonly limit: Limit;
  /** T */
  readonly period: number;
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
  readonly #bases: readonly number[];
  readonly #ends: readonly number[];

  constructor(store: ChunkStore, options: PrunerOptions) {
    const { fields, dim, chunks, layout } = store.shape;
    this.#store = store;
    this.#options = options;
    this.#cut = { fields, dim, chunks };
    this.#bases = layout.fields.map(({ base }) => base);
    this.#ends = layout.fields.map(({ base, field }) => base + fields[field]!.rows);
    const { limit, period, rampSteps, peak } = options;
    const to = surelyFit(this.#cut, limit);
    const from = Math.max(to, Math.floor(peak * layout.rows * chunks));
    this.schedule = new Schedule({ period, rampSteps, from, to });
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
    const tracked = this.#tracked(read);
    const { normalise, hysteresis } = this.#options;
    const scores = scoresOf(tracked, { normalise, hysteresis, fieldCount: this.#cut.fields.length });
    const over = this.schedule.isOver(step);
    const due = this.schedule.target(step);
    const taken = over ? this.#fill(tracked, scores, due) : this.#choose(tracked, scores, due);
    const { evict, restore } = changes(read, tracked, taken);
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

  #choose({ chunks }: Tracked, scores: Float32Array, count: number): Uint8Array {
    const { thresholds, sample } = this.#options;
    return choose(scores, chunks, count, { chunks: this.#cut.chunks, thresholds, sample });
  }

  /**
   * The largest scores that are within the limit: at first as many as surely fit; where they lie better than at worst, more, until
   * another chunk would be too much.
   */
  #fill(tracked: Tracked, scores: Float32Array, surely: number): Uint8Array {
    const { limit } = this.#options;
    const costOf = (taken: Uint8Array) => this.#cost(tracked, taken);
    let low = Math.min(surely, scores.length);
    let best = this.#choose(tracked, scores, low);
    let high = scores.length + 1;
    const width = this.#cut.dim / this.#cut.chunks;
    const unit = limit.unit === "parameters" ? width : 4 * width;
    // invariant: `low` chunks fit, `high` are too many or do not exist
    while (high - low > 1) {
      const room = Math.floor((limit.value - costOf(best)) / unit);
      if (room < 1) break;
      const next = Math.min(high - 1, low + room);
      const taken = this.#choose(tracked, scores, next);
      if (costOf(taken) <= limit.value) {
        low = next;
        best = taken;
      } else {
        high = next;
        const middle = Math.floor((low + high) / 2);
        if (middle === low) break;
        const half = this.#choose(tracked, scores, middle);
        if (costOf(half) <= limit.value) {
          low = middle;
          best = half;
        } else high = middle;
      }
    }
    return best;
  }

  /** What the limit counts of the chunks that are marked. */
  #cost({ flags, fields }: Tracked, taken: Uint8Array): number {
    const specs = this.#cut.fields;
    const any = new Uint8Array(specs.length);
    let live = 0;
    let filledRows = 0;
    let counted = false;
    for (let i = 0; i < flags.length; i++) {
      if ((flags[i]! & FIRST) !== 0) counted = false;
      if (taken[i] === 0) continue;
      live++;
      any[fields[i]!] = 1;
      if (counted) continue;
      counted = true;
      filledRows++;
    }
    const rows = specs.reduce((n, { rows: own }, f) => n + any[f]! * own, 0);
    return costOfChunks(this.#cut, this.#options.limit.unit, { rows, filledRows, live });
  }

  #tracked(read: Utilities): Tracked {
    const store = this.#store;
    const { layout } = store.shape;
    const size = store.live + store.candidates;
    const tracked = {
      utilities: new Float32Array(size),
      flags: new Uint8Array(size),
      fields: new Uint16Array(size),
      chunks: new Uint16Array(size),
    };
    let n = 0;
    let last = -1;
    let field = 0;
    read.each((row, chunk, utility, live) => {
      tracked.flags[n] = (live ? LIVE : 0) | (row === last ? 0 : FIRST);
      if (row !== last) {
        last = row;
        field = layout.fields[this.#placeOf(row)]!.field;
      }
      tracked.utilities[n] = utility;
      tracked.chunks[n] = chunk;
      tracked.fields[n++] = field;
    });
    return tracked;
  }

  /** Which field of the layout a row is of. */
  #placeOf(row: number): number {
    let low = 0;
    let high = this.#bases.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row < this.#ends[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
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

/** Lists for the store: live chunks that are not taken, and others that are. Visits the chunks a second time, so that no list of all rows is held. */
function changes(
  read: Utilities,
  { flags }: Tracked,
  taken: Uint8Array,
): { evict: TypedList; restore: TypedList } {
  let pruned = 0;
  let restored = 0;
  for (let i = 0; i < taken.length; i++) {
    const live = (flags[i]! & LIVE) !== 0;
    if (live && taken[i] === 0) pruned++;
    if (!live && taken[i] === 1) restored++;
  }
  const evict = listOf(pruned);
  const restore = listOf(restored);
  let at = 0;
  let out = 0;
  let back = 0;
  read.each((row, chunk, _, live) => {
    const kept = taken[at++] === 1;
    if (live === kept) return;
    const list = kept ? restore : evict;
    const to = kept ? back++ : out++;
    list.rows[to] = row;
    list.chunks[to] = chunk;
  });
  return { evict, restore };
}

interface TypedList extends ChunkList {
  readonly rows: Float64Array;
  readonly chunks: Uint16Array;
}

function listOf(length: number): TypedList {
  return { rows: new Float64Array(length), chunks: new Uint16Array(length) };
}
