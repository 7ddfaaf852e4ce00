/** A chunk store as the tables of a model: looked up and trained like dense tables, with memory for the live chunks only. */
import {
  type Device,
  type Feeds,
  input,
  RowGradient,
  type Rule,
  type Tensor,
  type TensorFile,
  touched,
  type Variable,
} from "@trimtab/tensor-core";
import { ChunkStoreError } from "../errors.ts";
import type { TableLayout } from "../fields.ts";
import { type DimScheme, uniform } from "../scheme/per-field.ts";
import type { EmbeddingTables, LiveTables, LookupBatch, Vectors } from "../tables/contract.ts";
import type { Draw } from "../tables/initial.ts";
import type { LookupInputs } from "../tables/inputs.ts";
import type { VectorTransform } from "../tables/lookup.ts";
import { oneTable } from "../tables/one-table.ts";
import type { ChunkStoreOptions } from "./options.ts";
import { stepInputs } from "./step.ts";
import { ChunkStore } from "./store.ts";

/** The group of the optimizer whose scalars a step reads; a model's table group has this name. */
const GROUP = "tables";

/**
 * Tables over a chunk store. What the contract counts in variables is empty: the store's change while training, so `live` says
 * what a training loop does instead. `bytes` is the pool's values, `trainingBytes` everything else, on device and host.
 */
export class ChunkStoreTables implements EmbeddingTables, LiveTables {
  readonly store: ChunkStore;
  /** The uniform scheme that would hold every chunk; what exists now is `store.scheme()`. */
  readonly scheme: DimScheme;
  readonly projection = "none";
  readonly canProject = true;
  readonly parts = [];
  readonly order: number[];
  readonly tableVariables: Variable[] = [];
  readonly projectionVariables: Variable[] = [];
  readonly state = new Map<string, Variable>();

  /** Takes the store over and disposes it. */
  constructor(store: ChunkStore) {
    const { fields, dim } = store.shape;
    this.store = store;
    this.scheme = uniform(fields, dim);
    this.order = fields.map((_, f) => f);
  }

  /** Tables over a new store. Throws as ChunkStore.make. */
  static async make(device: Device, options: ChunkStoreOptions): Promise<ChunkStoreTables> {
    return new ChunkStoreTables(await ChunkStore.make(device, options));
  }

  get live(): LiveTables {
    return this;
  }

  get generation(): number {
    return this.store.generation;
  }

  get variables(): readonly Variable[] {
    return this.store.variables;
  }

  get layouts(): TableLayout[] {
    return [this.store.shape.layout];
  }

  get modelDim(): number {
    return this.store.shape.dim;
  }

  get bytes(): number {
    return this.store.memory().device.values;
  }

  get trainingBytes(): number {
    const { total, device } = this.store.memory();
    return total - device.values;
  }

  columnsOf(): readonly number[] {
    return Array.from({ length: this.modelDim }, (_, j) => j);
  }

  placeOf(): undefined {
    return undefined;
  }

  /** Its program is good for the store's present generation. */
  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors {
    const { layout, fields, chunks } = this.store.shape;
    const { ids, weights, plan } = inputs.of(layout);
    const [batch, slots] = ids.shape as [number, number];
    const own = plan && stepInputs(this.store.shape, [batch, slots], plan, GROUP);
    const origin = { layout, ids, plan, places: own?.inverse, weights, fields, order: this.order };
    if (!own) {
      const addresses = input(`${layout.name}.addresses`, [batch, slots, chunks], "u32");
      return oneTable({ vectors: this.store.scored(addresses) }, origin, transform);
    }
    const looked = this.store.vectors(own, plan);
    return {
      ...oneTable(looked, origin, transform),
      live: {
        touched: looked.touched,
        rowGradient: (gradient: Tensor) =>
          new RowGradient(this.store.values, plan, undefined, touched(gradient, plan)),
        updates: (gradient: RowGradient) => this.store.updates(gradient, own),
      },
    };
  }

  /** The store's own rule. Throws ChunkStoreError where the model is configured for another. */
  ruleOf(rule: Rule): Rule {
    const own = this.store.shape.rule;
    if (rule.name === own.name) return own;
    throw new ChunkStoreError(
      `chunk store: the model trains tables by ${rule.name}, the store was made for ${own.name}; give both the same optimizer.`,
    );
  }

  /** None: chunks get their first values when they arrive. */
  draws(): Draw[] {
    return [];
  }

  async prepare(batch: LookupBatch): Promise<void> {
    await this.store.makeRoom(this.#plan(batch));
  }

  feeds(batch: LookupBatch, training: boolean): Feeds {
    const { ids } = this.#table(batch);
    if (training) return this.store.resolve(this.#plan(batch), ids.length);
    return { [`${this.store.shape.layout.name}.addresses`]: this.store.look(ids) };
  }

  capture(): Promise<TensorFile> {
    return this.store.capture();
  }

  restore(file: TensorFile, source: string): Promise<void> {
    return this.store.restore(file, source);
  }

  dispose(): void {
    this.store.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #table(batch: LookupBatch): LookupBatch["tables"][number] {
    const { name } = this.store.shape.layout;
    const table = batch.tables.find((t) => t.name === name);
    if (table) return table;
    throw new ChunkStoreError(
      `chunk store: the batch has no table "${name}"; make batches by the model's layouts.`,
    );
  }

  #plan(batch: LookupBatch): NonNullable<LookupBatch["tables"][number]["plan"]> {
    const { plan } = this.#table(batch);
    if (plan) return plan;
    throw new ChunkStoreError("chunk store: the batch has no plan; make batches for training with plans.");
  }
}
