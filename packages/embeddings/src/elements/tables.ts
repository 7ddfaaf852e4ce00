/** The tables of an element mask: the numbers that exist, and the index of the scheme's layout to find them by. */
import {
  type Device,
  gather,
  type PlanInputs,
  type Rule,
  reshape,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import { TablesError } from "../errors.ts";
import { layoutOf, type TableLayout } from "../fields.ts";
import { VALUE_BYTES } from "../scheme/scheme.ts";
import type { EmbeddingTables, Vectors } from "../tables/contract.ts";
import { WHOLE } from "../tables/groups.ts";
import type { Draw } from "../tables/initial.ts";
import type { LookupInputs } from "../tables/inputs.ts";
import type { VectorTransform } from "../tables/lookup.ts";
import { oneTable } from "../tables/one-table.ts";
import type { ElementScheme } from "./elements.ts";
import { find } from "./find.ts";
import { numberRule, type TrainingArrays, trainedVectors } from "./gradient.ts";
import { packIndex } from "./index-arrays.ts";

/** Values and index live in one piece; over the binding limit the device refuses the largest of them by name. */
export class ElementTables implements EmbeddingTables {
  readonly scheme: ElementScheme;
  readonly projection = "none";
  readonly canProject = true;
  readonly parts = [];
  readonly order: number[];
  /** Rows of the fields that have an embedding, one field after another; undefined where none has. */
  readonly layout: TableLayout | undefined;
  /** f32 [K, 1], ascending by field, row and column; undefined where nothing exists. */
  readonly values: Variable | undefined;
  /** u32 [n, 1] each, by the names of `packIndex`. They follow from the scheme and are never trained. */
  readonly index: ReadonlyMap<string, Variable>;
  readonly #device: Device;
  readonly #name: string;
  #training: TrainingArrays | undefined;

  /** Use buildTables or makeTables; a bare constructor makes tables of zeros. */
  constructor(device: Device, scheme: ElementScheme, name = "embeddings") {
    const { fields } = scheme;
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
      this.values = device.variable(this.#name, [scheme.parameters, 1]);
      for (const [part, data] of packIndex(scheme.layout, addressesOf(scheme), scheme.counts)) {
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

  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors {
    const { layout, values, scheme } = this;
    if (!layout || !values) {
      throw new TablesError("lookup: the scheme gives no field an embedding; its masks are empty.");
    }
    const { ids, weights, plan } = inputs.of(layout);
    const { base: dim, parameters: numbers } = scheme;
    const largest = Math.max(...scheme.dims);
    const read = (of: Tensor, plan?: PlanInputs) => {
      const { exists, place } = find(
        { layout: scheme.layout, index: this.index, dim, numbers, largest, plan },
        of,
      );
      return where(exists, reshape(gather(values.value, place), place.shape), 0);
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
    return [
      {
        variable: values,
        std,
        addresses: addressesOf(scheme),
        dim: scheme.base,
        numberBlocks: this.order.map((field) => ({ field, rows: scheme.fields[field]!.rows })),
        whole: scheme.fields.reduce((n, { rows }) => n + rows, 0) * scheme.base,
      },
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
    const make = (part: string, length: number, data?: Uint32Array) =>
      this.#device.variable(`${this.#name}.${part}`, [length, 1], { dtype: "u32", data });
    const places = make("places", this.scheme.counts.rows);
    try {
      const own = this.index.get("addresses");
      const addresses = own ?? make("addresses", this.scheme.parameters, addressesOf(this.scheme));
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

/** row x dim + column of every number, over the rows of the fields that have any; ascending. */
export function addressesOf(scheme: ElementScheme): Uint32Array {
  const out = new Uint32Array(scheme.parameters);
  let filled = 0;
  let base = 0;
  scheme.fields.forEach(({ rows }, f) => {
    if (scheme.count(f) === 0) return;
    scheme.eachNumber(f, (address) => {
      out[filled++] = base + address;
    });
    base += rows * scheme.base;
  });
  return out;
}

function bytesOf(variables: readonly Variable[]): number {
  return variables.reduce((n, v) => n + v.size * VALUE_BYTES, 0);
}
