/**
 * Which of a batch's rows share thresholds, as a plan of a second kind: its positions are the touched rows, its rows the fields
 * (or one for all). The rows of a field lie side by side in a table, and in the order of a batch plan.
 */
import type { TableLayout } from "@trimtab/embeddings";
import { type Feeds, PIECE, type PlanInputs, planInputs } from "@trimtab/tensor-core";
import type { Granularity } from "./granularity.ts";

/** First rows of those that share thresholds, rising: each field's, or those of the whole table. */
function firstRows(granularity: Granularity, layout: TableLayout): number[] {
  return granularity.startsWith("field") ? layout.fields.map(({ base }) => base) : [0];
}

const nameOf = (layout: TableLayout): string => `${layout.name}.shared`;

/** The plan over the rows of `plan`, those of a layout. */
export function sharedPlan(granularity: Granularity, layout: TableLayout, plan: PlanInputs): PlanInputs {
  return planInputs(nameOf(layout), plan.capacity, firstRows(granularity, layout).length);
}

/** Makes the feeds of one layout's shared plan, batch after batch in the same memory. */
export class SharedPlanFeeds {
  readonly #name: string;
  readonly #firstRows: readonly number[];
  #numbers = new Uint32Array(0);
  #places = new Uint32Array(0);

  constructor(granularity: Granularity, layout: TableLayout) {
    this.#name = nameOf(layout);
    this.#firstRows = firstRows(granularity, layout);
  }

  /** `rows`: the touched rows of the layout, rising. What is given holds until the next call. */
  of(rows: Uint32Array): Feeds {
    const starts = this.#firstRows;
    const numbers = this.#upTo(Math.max(rows.length, starts.length));
    const places = this.#places.subarray(0, rows.length);
    const offsets = Uint32Array.from([...starts.map((row) => firstFrom(rows, row)), rows.length]);
    const pieces: { from: number; to: number }[] = [];
    const pieceOffsets = new Uint32Array(offsets.length);
    starts.forEach((_, i) => {
      const [from, to] = [offsets[i]!, offsets[i + 1]!];
      places.fill(i, from, to);
      // short runs are summed in one go
      for (let at = from; to - from > PIECE && at < to; at += PIECE) {
        pieces.push({ from: at, to: Math.min(to, at + PIECE) });
      }
      pieceOffsets[i + 1] = pieces.length;
    });
    const parts: Feeds = {
      sorted: numbers.subarray(0, rows.length),
      rows: numbers.subarray(0, starts.length),
      offsets,
      pieceOffsets,
      pieceFrom: Uint32Array.from(pieces, ({ from }) => from),
      pieceTo: Uint32Array.from(pieces, ({ to }) => to),
      places,
      count: starts.length,
      pieceCount: pieces.length,
    };
    return Object.fromEntries(Object.entries(parts).map(([part, value]) => [`${this.#name}.${part}`, value]));
  }

  /** 0, 1, 2, ... for at least `count`. */
  #upTo(count: number): Uint32Array {
    if (this.#numbers.length < count) {
      this.#numbers = Uint32Array.from({ length: count }, (_, i) => i);
      this.#places = new Uint32Array(count);
    }
    return this.#numbers;
  }
}

/** Position of the first of the rising numbers that is no smaller than `least`. */
function firstFrom(rising: Uint32Array, least: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
