/** A model: a configuration, a scheme and the variables that both ask for. Graphs are built from it by `forward`. */
import {
  type EmbeddingTables,
  initialise,
  type LiveLookup,
  LookupInputs,
  makeTables,
  type Scheme,
  type TableLayout,
  uniform,
  type Vectors,
  type VectorTransform,
} from "@trimtab/embeddings";
import {
  add,
  type Device,
  input,
  matmul,
  type ParameterGroup,
  reshape,
  rngInputs,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { type ModelConfig, needsEqualDims } from "./config.ts";
import { ModelError } from "./errors.ts";
import { denseInput, interact } from "./parts/interaction.ts";
import { Linear } from "./parts/linear.ts";
import { pairProducts } from "./parts/pairs.ts";
import { Tower } from "./parts/tower.ts";
import { dlrmFields, readsProjected, towerInputs } from "./parts/tower-input.ts";
import { denseRule, linearRule, tableRule } from "./rules.ts";

export interface ForwardOptions {
  /** Rows of the batch, B. */
  readonly batch: number;
  /** True: dropout is on, batch norms use the batch's moments, lookups have batch plans so that tables get gradients. */
  readonly training: boolean;
  /** What becomes of looked-up embedding vectors before anything is computed from them; not of first-order weights. */
  readonly transform?: VectorTransform;
  /**
   * True: a tower's first layer may multiply each touched row once instead of each position, where that is less work and on the cpu engine. Same logits but for
   * rounding, and gradients for all variables, but that of `lookedUp` is then without the tower's part. Only in training.
   */
  readonly byRow?: boolean;
  /** Vectors from elsewhere in place of the tables' own lookup; its `times`, if it has one, is what a first layer over `concat` goes by. */
  readonly vectors?: (inputs: LookupInputs) => Vectors;
}

export interface Forward {
  /** Ids, weights and plans by layout. */
  readonly inputs: LookupInputs;
  /** [B], fed as `labels`. It enters a program only where it is used. */
  readonly labels: Tensor;
  /** [B] */
  readonly logits: Tensor;
  /**
   * [B, F, d] in scheme order, where every field has the same dim: the vectors that everything else is computed from. Their
   * gradient is `grad(loss, [lookedUp])`, with or without plans.
   */
  readonly lookedUp?: Tensor;
  /** Of live tables in training: what `trainStep` does for them. */
  readonly live?: LiveLookup;
  /** Moves of running moments; empty unless training. */
  readonly updates: readonly Tensor[];
}

/** What a tower reads, [B, width], times a matrix [width, n]. */
type Reads = (weight: Tensor) => Tensor;

const times =
  (x: Tensor): Reads =>
  (weight) =>
    matmul(x, weight);

/** Random streams of the bottom tower's layers; the other tower counts from 0. */
const BOTTOM_STREAM = 500;

export class Model {
  readonly config: ModelConfig;
  readonly scheme: Scheme;
  readonly tables: EmbeddingTables;
  /** f32 [1]: the sum of the losses of all training steps since it was last written. No part of `state`. */
  readonly lossSum: Variable;
  /** The kernels of products in groups are tuned for the cpu engine alone. */
  readonly #byRow: boolean;
  readonly #linear: Linear | undefined;
  readonly #bottom: Tower | undefined;
  readonly #tower: Tower | undefined;

  /** Use buildModel; a bare constructor leaves tables and matrices at zero. */
  constructor(device: Device, config: ModelConfig, scheme: Scheme, tables?: EmbeddingTables) {
    this.config = config;
    this.scheme = scheme;
    this.#byRow = device.info.engine === "cpu";
    // logistic regression has no embeddings, whatever the scheme would give it
    this.tables = tables ?? makeTables(device, config.kind === "lr" ? uniform(scheme.fields, 0) : scheme);
    try {
      if (needsEqualDims(config)) checkEqualDims(config, this.tables);
      if (config.kind !== "dnn" && config.kind !== "dlrm") this.#linear = new Linear(device, scheme.fields);
      if ("hidden" in config) {
        const reads = towerInputs(config, this.tables);
        if (config.kind === "dlrm" && reads.bottom.length > 0) {
          const { bottom: hidden, batchNorm, dropout } = config;
          const ends = { out: this.tables.modelDim, reluLast: true };
          const options = { name: "bottom", hidden, batchNorm, dropout, stream: BOTTOM_STREAM, ...ends };
          this.#bottom = new Tower(device, reads.bottom.length, options);
        }
        const { hidden, batchNorm, dropout } = config;
        this.#tower = new Tower(device, reads.tower.length, { hidden, batchNorm, dropout });
      }
      this.lossSum = device.variable("loss.sum", [1]);
    } catch (reason) {
      this.#disposeVariables();
      throw reason;
    }
  }

  /** Every layout whose ids must be fed; the first-order weights share `all` with a table that holds every field. */
  get layouts(): TableLayout[] {
    const layouts = this.tables.layouts;
    const linear = this.#linear?.layout;
    return linear && !layouts.some(({ name }) => name === linear.name) ? [...layouts, linear] : layouts;
  }

  /** Tables that are looked up: embeddings, then first-order weights. */
  get tableVariables(): Variable[] {
    return [...this.tables.tableVariables, ...(this.#linear ? [this.#linear.table] : [])];
  }

  /** Trained variables that are used whole: projections, bias, towers. */
  get denseVariables(): Variable[] {
    return [...this.#matrices, ...this.#vectors];
  }

  /** Everything a checkpoint needs to score as this model does, by name: all parameters and the running moments. */
  get state(): Map<string, Variable> {
    const moments = this.#towers.flatMap((tower) => tower.moments);
    const all = [...this.tableVariables, ...this.denseVariables, ...moments];
    return new Map(all.map((v) => [v.name, v]));
  }

  /** Numbers that training changes by gradients. */
  get parameters(): number {
    return [...this.tableVariables, ...this.denseVariables].reduce((n, v) => n + v.size, 0);
  }

  /** Bytes of the whole model as it is served: `state`, and what finds embeddings. The scheme's serve bytes are a part of it. */
  get bytes(): number {
    const embeddings = this.tables.state;
    let n = this.tables.bytes;
    for (const [name, v] of this.state) if (!embeddings.has(name)) n += v.size * 4;
    return n;
  }

  /** Bytes that graphs for training hold beside `bytes`, until the model is disposed; the optimizer's are its own. */
  get trainingBytes(): number {
    return this.tables.trainingBytes;
  }

  /** What to optimize and how, for `new Optimizer(device, model.groups())`. */
  groups(): ParameterGroup[] {
    const { config } = this;
    const hiddenL2 = "hiddenL2" in config ? config.hiddenL2 : 0;
    const groups: ParameterGroup[] = [
      { name: "tables", rule: this.tables.ruleOf(tableRule(config)), variables: this.tables.tableVariables },
      { name: "linear", rule: linearRule(config), variables: this.#linear ? [this.#linear.table] : [] },
      { name: "hidden", rule: denseRule(config, hiddenL2), variables: this.#matrices },
      { name: "dense", rule: denseRule(config, 0), variables: this.#vectors },
    ];
    // the rates of live tables are fed with the group, though no optimizer holds their variables
    return groups.filter(
      ({ name, variables }) => variables.length > 0 || (name === "tables" && this.tables.live),
    );
  }

  /**
   * The model's graph for one batch size. Nothing runs. Dropout of layer i draws from stream i of `rng.seed`, `rng.step` (of a bottom
   * tower from 500 + i); whoever adds draws of their own to the same program takes streams from 1000 on.
   */
  forward({ batch, training, transform, byRow = false, vectors }: ForwardOptions): Forward {
    const inputs = new LookupInputs(this.scheme.fields, { batch, training });
    const own = () => (this.tables.order.length > 0 ? this.tables.lookup(inputs, transform) : undefined);
    const lookup = vectors ? vectors(inputs) : own();
    const asksTimes = vectors !== undefined || (byRow && this.#byRow);
    const terms: Tensor[] = [];
    const updates: Tensor[] = [];
    if (this.#linear) terms.push(this.#linear.apply(inputs));
    const { kind } = this.config;
    if (lookup && (kind === "fm" || kind === "deepfm")) terms.push(pairProducts(lookup.projected));
    if (lookup && this.#tower) {
      const rng = training ? rngInputs() : undefined;
      const apply = (tower: Tower, reads: Reads): Tensor => {
        const applied = tower.apply(reads, rng);
        updates.push(...applied.updates);
        return applied.output;
      };
      terms.push(reshape(apply(this.#tower, this.#towerReads(lookup, batch, asksTimes, apply)), [batch]));
    }
    const logits = terms.reduce((total, term) => add(total, term));
    return {
      inputs,
      labels: input("labels", [batch]),
      logits,
      lookedUp: lookup?.lookedUp,
      updates,
      live: lookup?.live,
    };
  }

  /** What the tower reads, [B, width], times a matrix. `apply` applies the bottom tower. */
  #towerReads(
    lookup: Vectors,
    batch: number,
    asksTimes: boolean,
    apply: (tower: Tower, reads: Reads) => Tensor,
  ): Reads {
    const { config, tables } = this;
    if (config.kind === "dlrm") {
      const fields = dlrmFields(config.dense, tables);
      const z = this.#bottom && apply(this.#bottom, times(denseInput(lookup.projected, fields.dense)));
      return times(interact(lookup.projected, fields, z));
    }
    if (readsProjected(config, tables))
      return times(reshape(lookup.projected, [batch, tables.order.length * tables.modelDim]));
    return (weight) => (asksTimes ? lookup.times?.(weight) : undefined) ?? matmul(lookup.concat, weight);
  }

  /** Fills tables and matrices with fresh values; everything else is as the constructor left it. */
  async initialise(device: Device, seed: number): Promise<void> {
    const { std } = this.config;
    const linear = this.#linear?.draws(std) ?? [];
    const towers = this.#towers.flatMap((tower) => tower.draws());
    await initialise(device, [...this.tables.draws(std), ...linear, ...towers], seed);
  }

  dispose(): void {
    this.#disposeVariables();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get #towers(): Tower[] {
    return [this.#bottom, this.#tower].filter((tower) => tower !== undefined);
  }

  get #matrices(): Variable[] {
    return this.#towers.flatMap((tower) => tower.matrices);
  }

  get #vectors(): Variable[] {
    const bias = this.#linear ? [this.#linear.bias] : [];
    return [...this.tables.projectionVariables, ...bias, ...this.#towers.flatMap((tower) => tower.vectors)];
  }

  #disposeVariables(): void {
    this.tables.dispose();
    for (const v of this.state.values()) v.dispose();
    this.lossSum?.dispose();
  }
}

function checkEqualDims(config: ModelConfig, { scheme, canProject }: EmbeddingTables): void {
  if (canProject) return;
  const dims = [...new Set(scheme.dims.filter((d) => d > 0))].join(", ");
  throw new ModelError(
    `${config.kind}: multiplies embeddings of one dim, but the scheme has dims ${dims} and projection "none"; ` +
      'make it with projection "linear" or "positions".',
  );
}

/**
 * Allocates a model under a scheme and fills it with first values, all by counter-based random numbers from `seed` (its
 * lower 32 bits): the same seed gives the same model. Throws SchemeError, ModelError and BufferTooLarge; leaves nothing behind.
 */
export async function buildModel(
  device: Device,
  config: ModelConfig,
  scheme: Scheme,
  options: {
    readonly seed: number;
    /** Tables to use instead of the scheme's own, which must be its fields'; the model disposes them. */ readonly tables?: EmbeddingTables;
  },
): Promise<Model> {
  const model = new Model(device, config, scheme, options.tables);
  try {
    await model.initialise(device, options.seed);
  } catch (reason) {
    model.dispose();
    throw reason;
  }
  return model;
}
