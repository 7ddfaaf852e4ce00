/** The compact tables of a row-chunk scheme: the chunks that exist, and the index of the scheme's layout to find them by. */
import {
  broadcastTo,
  type Device,
  expandDims,
  gather,
  type PlanInputs,
  type Rule,
  reshape,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import { find } from "../elements/find.ts";
import { numberRule, type TrainingArrays, trainedVectors } from "../elements/gradient.ts";
import { packIndex } from "../elements/index-arrays.ts";
import { addressesOf } from "../elements/tables.ts";
import { TablesError } from "../errors.ts";
import { layoutOf, type TableLayout } from "../fields.ts";
import { VALUE_BYTES } from "../scheme/scheme.ts";
import type { EmbeddingTables, Vectors } from "../tables/contract.ts";
import { WHOLE } from "../tables/groups.ts";
import type { Draw } from "../tables/initial.ts";
import type { LookupInputs } from "../tables/inputs.ts";
import type { VectorTransform } from "../tables/lookup.ts";
import { oneTable } from "../tables/one-table.ts";
import type { RowChunkScheme } from "./scheme.ts";

/**
 * They score what a chunk store scored, from fewer bytes, and can be trained further with what exists fixed. As element masks at
 * the granularity of chunks; over the binding limit the device refuses values or index by name.
 */
export class ChunkTables implements EmbeddingTables {
  readonly scheme: RowChunkScheme;
  readonly projection = "none";
  readonly canProject = true;
  readonly parts = [];
  readonly order: number[];
  /** Rows of the fields that have an embedding, one field after another; undefined where none has. */
  readonly layout: TableLayout | undefined;
  /** f32 [chunks that exist, c], ascending by field, row and chunk; undefined where nothing exists. */
  readonly values: Variable | undefined;
  /** u32 [n, 1] each, by the names of `packIndex`. They follow from the scheme and are never trained. */
  readonly index: ReadonlyMap<string, Variable>;
  readonly #device: Device;
  readonly #name: string;
  #training: TrainingArrays | undefined;

  /** Use buildTables, makeTables or `store.compact`; a bare constructor makes tables of zeros. */
  constructor(device: Device, scheme: RowChunkScheme, name = "embeddings") {
    const { fields, grid } = scheme;
    this.scheme = scheme;
    this.#device = device;
    this.order = fields.map((_, f) => f).filter((f) => scheme.count(f) > 0);
    const index = new Map<string, Variable>();
    this.index = index;
    if (this.order.length === 0) {
      this.#name = name;
      return;
    }
    const whole = this.order.length === fields.length;
    this.layout = layoutOf(whole ? WHOLE : `d${scheme.base}`, fields, this.order);
    this.#name = `${name}.${this.layout.name}`;
    try {
      this.values = device.variable(this.#name, [scheme.count(), scheme.width]);
      for (const [part, data] of packIndex(grid.layout, addressesOf(grid), grid.counts)) {
        index.set(part, device.variable(`${this.#name}.${part}`, [data.length, 1], { dtype: "u32", data }));
      }
    } catch (reason) {
      this.dispose();
      throw reason;
    }
  }

  get layouts(): TableLayout[] {
    return this.layout ? [this.layout] : [];
  }

  get modelDim(): number {
    return this.scheme.base;
  }

  get tableVariables(): Variable[] {
    return this.values ? [this.values] : [];
  }

  get projectionVariables(): Variable[] {
    return [];
  }

  get state(): Map<string, Variable> {
    return new Map(this.tableVariables.map((v) => [v.name, v]));
  }

  get bytes(): number {
    return bytesOf([...this.tableVariables, ...this.index.values()]);
  }

  /** Addresses and places, as of element masks; made by the first lookup for training. */
  get trainingBytes(): number {
    return bytesOf(this.#trainingOnly());
  }

  columnsOf(): readonly number[] {
    return Array.from({ length: this.scheme.base }, (_, j) => j);
  }

  placeOf(): undefined {
    return undefined;
  }

  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors {
    const { layout, values, scheme } = this;
    if (!layout || !values) {
      throw new TablesError("lookup: the scheme gives no field an embedding; its masks are empty.");
    }
    const { ids, weights, plan } = inputs.of(layout);
    const { grid, chunks, base } = scheme;
    const { parameters: numbers, layout: form } = grid;
    const largest = Math.max(...grid.dims);
    const read = (of: Tensor, plan?: PlanInputs) => {
      const { exists, place } = find(
        { layout: form, index: this.index, dim: chunks, numbers, largest, plan },
        of,
      );
      const chunk = gather(values.value, place);
      const shown = where(broadcastTo(expandDims(exists, -1), chunk.shape), chunk, 0);
      return reshape(shown, [...of.shape, base]);
    };
    const looked = plan
      ? trainedVectors(read, ids, values, this.#trainingArrays(), plan)
      : { vectors: read(ids) };
    return oneTable(
      looked,
      { layout, ids, plan, weights, fields: scheme.fields, order: this.order },
      transform,
    );
  }

  ruleOf(rule: Rule): Rule {
    return numberRule(rule);
  }

  draws(std: number): Draw[] {
    const { values, scheme } = this;
    if (!values) return [];
    const { width, base, fields } = scheme;
    const chunks = addressesOf(scheme.grid);
    // row x d + column of every number of every chunk
    const addresses = new Uint32Array(chunks.length * width);
    chunks.forEach((chunk, i) => {
      for (let j = 0; j < width; j++) addresses[i * width + j] = chunk * width + j;
    });
    const numberBlocks = this.order.map((field) => ({ field, rows: fields[field]!.rows }));
    const whole = fields.reduce((n, { rows }) => n + rows, 0) * base;
    return [{ variable: values, std, addresses, dim: base, numberBlocks, whole }];
  }

  dispose(): void {
    for (const v of [...this.tableVariables, ...this.index.values(), ...this.#trainingOnly()]) v.dispose();
    this.#training = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #trainingArrays(): TrainingArrays {
    if (this.#training) return this.#training;
    const { grid } = this.scheme;
    const make = (part: string, length: number, data?: Uint32Array) =>
      this.#device.variable(`${this.#name}.${part}`, [length, 1], { dtype: "u32", data });
    const places = make("places", grid.counts.rows);
    try {
      const own = this.index.get("addresses");
      const addresses = own ?? make("addresses", grid.parameters, addressesOf(grid));
      this.#training = { addresses, places };
    } catch (reason) {
      places.dispose();
      throw reason;
    }
    return this.#training;
  }

  /** Arrays of training that serving does without. */
  #trainingOnly(): Variable[] {
    const index = [...this.index.values()];
    return Object.values(this.#training ?? {}).filter((v) => !index.includes(v));
  }
}

function bytesOf(variables: readonly Variable[]): number {
  return variables.reduce((n, v) => n + v.size * VALUE_BYTES, 0);
}
