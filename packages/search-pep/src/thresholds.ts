/** The thresholds of a model's tables as variables, and the transform that applies them to looked-up vectors. */
import type { EmbeddingTables, LookupOrigin, TablePart, VectorTransform } from "@trimtab/embeddings";
import {
  add,
  broadcastTo,
  concat,
  type Device,
  gather,
  reshape,
  sliceAxis,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { type Granularity, isByRow } from "./granularity.ts";
import { softThreshold } from "./soft-threshold.ts";

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

  constructor(device: Device, tables: EmbeddingTables, { granularity, start }: ThresholdOptions) {
    this.granularity = granularity;
    this.#tables = tables;
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
   * Softly thresholds the vectors a batch looked up; the table's other rows are never visited. `ramp` (a scalar) is added to
   * every threshold.
   */
  transform(ramp?: Tensor): VectorTransform {
    return (vectors, origin) => {
      const part = this.#tables.parts.find(({ group }) => group.layout === origin.layout)!;
      const own = this.#lookedUp(part, origin);
      return softThreshold(vectors, ramp ? add(own, ramp) : own);
    };
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
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Thresholds of one lookup, in a shape that broadcasts to [B, S, d]. */
  #lookedUp(part: TablePart, { layout, ids, plan }: LookupOrigin): Tensor {
    const { value } = this.of(part);
    if (isByRow(this.granularity)) return gather(value, ids, plan);
    const width = value.shape.at(-1)!;
    if (!this.granularity.startsWith("field")) return reshape(value, [1, 1, width]);
    const { fields } = this.#tables.scheme;
    if (layout.fields.every(({ field }) => fields[field]!.slots === 1)) return value;
    // a multi-valued field has several slots, all under the one threshold
    const parts = layout.fields.map(({ field }, i) =>
      broadcastTo(sliceAxis(value, 1, i, i + 1), [1, fields[field]!.slots, width]),
    );
    return concat(parts, 1);
  }
}
