/**
 * Counting on the device how many numbers are above their thresholds, now or if all thresholds were higher. The answer is
 * fetched while the next steps run; nobody waits for it.
 */
import type { EmbeddingTables, TablePart } from "@trimtab/embeddings";
import {
  abs,
  cast,
  type Device,
  expandDims,
  gather,
  gt,
  input,
  log,
  max,
  maximum,
  type Program,
  reshape,
  sub,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { isByRow } from "./granularity.ts";
import type { Thresholds } from "./thresholds.ts";

/** Numbers above their thresholds, and rows that have one, if every threshold were higher by `level`. */
export interface Count {
  readonly level: number;
  readonly numbers: number;
  readonly filledRows: number;
}

export interface CounterOptions {
  /** How many levels a count tells. */
  readonly levels: number;
  /** Rows of a table that are looked at: evenly spread, the counts scaled up. All where there are no more. */
  readonly sample: number;
}

/** Nothing is smaller than this, so that a zero is far below every threshold instead of at minus infinity. */
const TINY = 1e-35;

interface Part {
  readonly name: string;
  /** Rows there are for each row looked at. */
  readonly scale: number;
}

export class Counter {
  readonly #program: Program<Record<string, Tensor>>;
  readonly #parts: readonly Part[];
  readonly #owned: readonly Variable[];

  private constructor(
    program: Program<Record<string, Tensor>>,
    parts: readonly Part[],
    owned: readonly Variable[],
  ) {
    this.#program = program;
    this.#parts = parts;
    this.#owned = owned;
  }

  static async make(
    device: Device,
    tables: EmbeddingTables,
    thresholds: Thresholds,
    { levels, sample }: CounterOptions,
  ): Promise<Counter> {
    const owned: Variable[] = [];
    const outputs: Record<string, Tensor> = {};
    const parts = tables.parts.map((part, i) => {
      const { rows } = part.group.layout;
      const picked = evenly(rows, sample);
      const score = scoreOf(device, part, thresholds, picked, owned);
      const above = gt(expandDims(score, 0), reshape(input("levels", [levels]), [levels, 1, 1]));
      outputs[`numbers ${i}`] = sum(cast(above, "u32"), [1, 2]);
      // a row has a number where its best has
      const best = expandDims(max(score, [1]), 0);
      outputs[`rows ${i}`] = sum(cast(gt(best, reshape(input("levels", [levels]), [levels, 1])), "u32"), [1]);
      return { name: String(i), scale: rows / picked.length };
    });
    try {
      return new Counter(await device.compile({ outputs }), parts, owned);
    } catch (reason) {
      for (const v of owned) v.dispose();
      throw reason;
    }
  }

  /** Queues a count for each level; resolves with them, in order, as they were at this point of the queue. */
  async ask(levels: readonly number[]): Promise<Count[]> {
    const answer = await this.#program.fetch({ levels: Float32Array.from(levels) });
    return levels.map((level, k) => {
      let numbers = 0;
      let filledRows = 0;
      for (const { name, scale } of this.#parts) {
        numbers += scale * answer[`numbers ${name}`]![k]!;
        filledRows += scale * answer[`rows ${name}`]![k]!;
      }
      return { level, numbers: Math.round(numbers), filledRows: Math.round(filledRows) };
    });
  }

  dispose(): void {
    this.#program.dispose();
    for (const v of this.#owned) v.dispose();
  }
}

/** At most `most` of the numbers 0 .. rows - 1, evenly spread. */
function evenly(rows: number, most: number): Uint32Array {
  const count = Math.min(rows, most);
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
}

/** [rows, d]: log(|v| / (1 - |v|)) - s, which is above a level where |v| > sigmoid(s + level). */
function scoreOf(
  device: Device,
  part: TablePart,
  thresholds: Thresholds,
  picked: Uint32Array,
  owned: Variable[],
): Tensor {
  const { layout } = part.group;
  const keep = (name: string, data: Uint32Array) => {
    const variable = device.variable(`count.${layout.name}.${name}`, [data.length], { dtype: "u32", data });
    owned.push(variable);
    return variable.value;
  };
  const s = thresholds.of(part).value;
  const all = picked.length === layout.rows;
  const ids = all ? undefined : keep("rows", picked);
  const values = ids ? gather(part.table.value, ids) : part.table.value;
  let own = s;
  if (isByRow(thresholds.granularity)) own = ids ? gather(s, ids) : s;
  else if (thresholds.granularity.startsWith("field")) {
    own = gather(reshape(s, s.shape.slice(1)), keep("fields", fieldsOf(part, picked)));
  } else own = reshape(s, [1, s.shape.at(-1)!]);
  const size = maximum(abs(values), TINY);
  // beyond 1 a number is above every threshold
  return sub(sub(log(size), log(maximum(sub(1, size), TINY))), own);
}

/** For each picked row of a table, the position of its field in the table. */
function fieldsOf({ group }: TablePart, picked: Uint32Array): Uint32Array {
  const bases = group.layout.fields.map(({ base }) => base);
  return picked.map((row) => bases.findLastIndex((base) => base <= row));
}
