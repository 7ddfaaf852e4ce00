/**
 * Tables of which single pieces exist, numbers or chunks of numbers: all of them in one list, and the index of the scheme's layout to
 * find them by. Values and index live in one piece each; over the binding limit the device refuses the largest of them by name.
 */
import type { Device, PlanInputs, Rule, Tensor, Variable } from "@trimtab/tensor-core";
import { TablesError } from "../errors.ts";
import { layoutOf, type TableLayout } from "../fields.ts";
import { type Scheme, VALUE_BYTES } from "../scheme/scheme.ts";
import type { EmbeddingTables, Vectors } from "../tables/contract.ts";
import { WHOLE } from "../tables/groups.ts";
import type { Draw } from "../tables/initial.ts";
import type { LookupInputs } from "../tables/inputs.ts";
import type { VectorTransform } from "../tables/lookup.ts";
import { oneTable } from "../tables/one-table.ts";
import type { ElementScheme } from "./elements.ts";
import { type Found, find } from "./find.ts";
import { numberRule, type TrainingArrays, trainedVectors } from "./gradient.ts";
import { addressesOf, packIndex } from "./index-arrays.ts";

/** Which pieces exist: `grid` has a number for each. */
export interface Pieces {
  readonly grid: ElementScheme;
  /** c: numbers in a piece. */
  readonly width: number;
}

export abstract class IndexedTables<S extends Scheme & { readonly base: number }> implements EmbeddingTables {
  readonly scheme: S;
  readonly projection = "none";
  readonly canProject = true;
  readonly parts = [];
  readonly order: number[];
  /** Rows of the fields that have an embedding, one field after another; undefined where none has. */
  readonly layout: TableLayout | undefined;
  /** f32 [pieces that exist, c], ascending by field, row and place in the row; undefined where nothing exists. */
  readonly values: Variable | undefined;
  /** u32 [n, 1] each, by the names of `packIndex`. They follow from the scheme and are never trained. */
  readonly index: ReadonlyMap<string, Variable>;
  readonly #device: Device;
  readonly #name: string;
  readonly #pieces: Pieces;
  #training: TrainingArrays | undefined;

  protected constructor(device: Device, scheme: S, pieces: Pieces, name: string) {
    const { grid, width } = pieces;
    const { fields } = scheme;
    this.scheme = scheme;
    this.#device = device;
    this.#pieces = pieces;
    this.order = fields.map((_, f) => f).filter((f) => grid.count(f) > 0);
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
      this.values = device.variable(this.#name, [grid.parameters, width]);
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

  /** Addresses and places: see `TrainingArrays`. They are made by the first lookup for training. */
  get trainingBytes(): number {
    return bytesOf(this.#trainingOnly());
  }

  columnsOf(): readonly number[] {
    return Array.from({ length: this.scheme.base }, (_, j) => j);
  }

  placeOf(): undefined {
    return undefined;
  }

  /** Vectors [..., d] of rows [...] where the pieces of `values` are found by `found`; zero for what does not exist. */
  protected abstract read(values: Variable, of: Tensor, found: Found): Tensor;

  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors {
    const { layout, values, scheme, index, order } = this;
    if (!layout || !values) {
      throw new TablesError("lookup: the scheme gives no field an embedding; its masks are empty.");
    }
    const { ids, weights, plan } = inputs.of(layout);
    const { grid } = this.#pieces;
    const known = {
      layout: grid.layout,
      index,
      dim: grid.base,
      numbers: grid.parameters,
      largest: Math.max(...grid.dims),
    };
    const read = (of: Tensor, plan?: PlanInputs) => this.read(values, of, find({ ...known, plan }, of));
    const looked = plan
      ? trainedVectors(read, ids, values, this.#trainingArrays(), plan)
      : { vectors: read(ids) };
    return oneTable(looked, { layout, ids, plan, weights, fields: scheme.fields, order }, transform);
  }

  ruleOf(rule: Rule): Rule {
    return numberRule(rule);
  }

  draws(std: number): Draw[] {
    const { values, scheme } = this;
    if (!values) return [];
    const { grid, width } = this.#pieces;
    const { fields, base } = scheme;
    const numberBlocks = this.order.map((field) => ({ field, rows: fields[field]!.rows }));
    const whole = fields.reduce((n, { rows }) => n + rows, 0) * base;
    return [
      { variable: values, std, addresses: spread(addressesOf(grid), width), dim: base, numberBlocks, whole },
    ];
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
    const { grid } = this.#pieces;
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

/** row x d + column of every number of pieces of `width` numbers. */
function spread(pieces: Uint32Array, width: number): Uint32Array {
  if (width === 1) return pieces;
  const out = new Uint32Array(pieces.length * width);
  pieces.forEach((piece, i) => {
    for (let j = 0; j < width; j++) out[i * width + j] = piece * width + j;
  });
  return out;
}

function bytesOf(variables: readonly Variable[]): number {
  return variables.reduce((n, v) => n + v.size * VALUE_BYTES, 0);
}
