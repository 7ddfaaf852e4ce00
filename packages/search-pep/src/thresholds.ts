/** The thresholds of a model's tables as variables, and the transform that applies them to looked-up vectors. */
import type { EmbeddingTables, TablePart, VectorTransform } from "@trimtab/embeddings";
import { broadcastTo, type Device, type Feeds, type Tensor, type Variable } from "@trimtab/tensor-core";
import { type Granularity, isByRow } from "./granularity.ts";
import { RowLookup } from "./row-lookup.ts";
import { sizesOfRows } from "./row-sizes.ts";
import { SharedPlanFeeds } from "./shared-plan.ts";

export interface ThresholdOptions {
  readonly granularity: Granularity;
  /** First value of every threshold, before the sigmoid. */
  readonly start: number;
}

export class Thresholds {
  readonly granularity: Granularity;
  /** One for all tables (global, dim), else one a table, in the order of `tables.parts`. */
  readonly variables: readonly Variable[];
  readonly #tables: EmbeddingTables;
  readonly #lookup: RowLookup;
  readonly #sharedFeeds = new Map<string, SharedPlanFeeds>();

  constructor(device: Device, tables: EmbeddingTables, { granularity, start }: ThresholdOptions) {
    this.granularity = granularity;
    this.#tables = tables;
    this.#lookup = new RowLookup(device, tables);
    const made: Variable[] = [];
    this.variables = made;
    const make = (name: string, shape: readonly number[]) => {
      const data = new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(start);
      made.push(device.variable(name, shape, { data }));
    };
    try {
      if (granularity === "global") make("thresholds", [1]);
      else if (granularity === "dim") make("thresholds", [tables.modelDim]);
      else {
        for (const { group } of tables.parts) {
          const { layout, dim, fields } = group;
          const width = granularity.endsWith("_dim") ? dim : 1;
          // three axes where they are no table: optimizers stamp the touched rows of tables
          const shape = isByRow(granularity) ? [layout.rows, width] : [1, fields.length, width];
          make(`thresholds.${layout.name}`, shape);
        }
      }
    } catch (reason) {
      this.dispose();
      throw reason;
    }
  }

  /** The thresholds that hold for a table. */
  of(part: TablePart): Variable {
    return this.variables[this.variables.length === 1 ? 0 : this.#tables.parts.indexOf(part)]!;
  }

  /**
   * What a step over `transform` is fed beside the batch, whose feeds are given; empty where every row has thresholds of its
   * own. The arrays hold until the next call.
   */
  feedsOf(batch: Feeds): Feeds {
    const feeds: Record<string, Feeds[string]> = {};
    if (isByRow(this.granularity)) return feeds;
    for (const { group } of this.#tables.parts) {
      const { layout } = group;
      let own = this.#sharedFeeds.get(layout.name);
      if (!own) {
        own = new SharedPlanFeeds(this.granularity, layout);
        this.#sharedFeeds.set(layout.name, own);
      }
      Object.assign(feeds, own.of(batch[`${layout.name}.rows`] as Uint32Array));
    }
    return feeds;
  }

  /**
   * Softly thresholds what a batch looked up, once a row; the table's other rows are never visited. `ramp` (a scalar) is added
   * to every threshold. It is for training: a lookup without a batch plan throws LookupError.
   */
  transform(ramp?: Tensor): VectorTransform {
    return this.#lookup.transform((part, plan) =>
      sizesOfRows(this.granularity, this.of(part), part, plan, ramp),
    );
  }

  /** The same for one size of all thresholds (a scalar, after the sigmoid) that nobody learns. */
  transformBy(size: Tensor): VectorTransform {
    return this.#lookup.transform(({ group }, plan) => broadcastTo(size, [plan.capacity, group.dim]));
  }

  /** Threshold of every number of field f, [n_f, d] row-major, as they are now. */
  async read(f: number): Promise<Float32Array> {
    const { part, base, index } = this.#tables.placeOf(f)!;
    const { rows } = this.#tables.scheme.fields[f]!;
    const { dim } = part.group;
    const variable = this.of(part);
    const width = variable.shape.at(-1)!;
    const byRow = isByRow(this.granularity);
    const byField = this.granularity.startsWith("field");
    const from = byRow ? base * width : byField ? index * width : 0;
    const own = (await variable.read(from, (byRow ? rows : 1) * width)) as Float32Array;
    if (byRow && width === dim) return own;
    const all = new Float32Array(rows * dim);
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < dim; j++) all[r * dim + j] = own[(byRow ? r * width : 0) + (width === 1 ? 0 : j)]!;
    }
    return all;
  }

  dispose(): void {
    for (const v of this.variables) v.dispose();
    this.#lookup.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
