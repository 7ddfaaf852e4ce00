/**
 * Scores paths on the frozen supernet. The vectors of the sample, for every size of every field, are kept on the device where they fit:
 * a path then costs a lookup among them and the model's forward pass. Else every path goes through the tables, maps and norms again.
 */
import { type Columns, createBatchSource, type FieldInfo } from "@trimtab/data";
import { slotsOf, type VectorTransform } from "@trimtab/embeddings";
import { auc } from "@trimtab/eval";
import { batchFeeds } from "@trimtab/search-core";
import {
  add,
  type Device,
  type Feeds,
  gather,
  gt,
  input,
  iota,
  minimum,
  mul,
  type Program,
  reshape,
  sub,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import { type Path, pathKey } from "../path.ts";
import type { Stage } from "../supernet/stage.ts";

export interface EvaluatorOptions {
  readonly device: Device;
  readonly stage: Stage;
  readonly candidates: readonly number[];
  readonly fields: readonly FieldInfo[];
  readonly sample: Columns;
  /** Rows a scoring step. */
  readonly batch: number;
  /** Keep the sample's vectors; false: score from the tables. */
  readonly cached: boolean;
}

/** A few rows of the sample: what its model is fed beside a path. */
interface Chunk {
  readonly from: number;
  readonly rows: number;
  readonly feeds: Feeds;
}

interface Cache {
  /** [K' * V * S, d], K' sizes above 0: row (k * V + v) * S + s. */
  readonly vectors: Variable;
  readonly name: string;
  readonly slots: number;
}

/** Scoring steps that may wait for their logits at once. */
const IN_FLIGHT = 4;

export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #chunks: readonly Chunk[];
  readonly #caches: ReadonlyMap<string, Cache>;
  readonly #program: Program<{ logits: Tensor }>;
  readonly #needs: ReadonlySet<string>;
  /** Makes the vectors of one size; absent where they are not kept. */
  readonly #fill: Program<Record<string, Tensor>> | undefined;
  readonly #known = new Map<string, number>();

  private constructor(
    options: EvaluatorOptions,
    chunks: readonly Chunk[],
    caches: ReadonlyMap<string, Cache>,
    program: Program<{ logits: Tensor }>,
    fill: Program<Record<string, Tensor>> | undefined,
  ) {
    this.#options = options;
    this.#chunks = chunks;
    this.#caches = caches;
    this.#program = program;
    this.#needs = new Set(program.inputs);
    this.#fill = fill;
  }

  static async make(options: EvaluatorOptions): Promise<Evaluator> {
    const { device, stage } = options;
    const batch = Math.min(options.batch, options.sample.rows);
    const made: { dispose(): void }[] = [];
    try {
      const caches = options.cached ? makeCaches(options, made) : new Map<string, Cache>();
      let fill: Program<Record<string, Tensor>> | undefined;
      const own = stage.candidates.transform("score");
      if (options.cached) {
        fill = await device.compile({ outputs: vectorsOf(options, batch, own) });
        made.push(fill);
      }
      const transform = options.cached ? fromCaches(options, caches) : own;
      const { logits } = stage.model.forward({ batch, training: false, transform });
      const program = await device.compile({ outputs: { logits } });
      made.push(program);
      return new Evaluator(options, await chunksOf(options, batch), caches, program, fill);
    } catch (reason) {
      for (const each of made.reverse()) each.dispose();
      throw reason;
    }
  }

  /** Call it when the supernet has changed: earlier answers and vectors are of no use then. */
  async refresh(): Promise<void> {
    this.#known.clear();
    const { candidates, fields, stage, sample } = this.#options;
    if (!this.#fill) return;
    const needs = new Set(this.#fill.inputs);
    const first = candidates.findIndex((d) => d > 0);
    for (let k = first; k < candidates.length; k++) {
      const path = fields.map(() => k);
      for (const { from, rows, feeds } of this.#chunks) {
        const all = { ...only(feeds, needs), ...stage.candidates.feedsOf({ path }, needs) };
        const out = await this.#fill.fetch(all);
        for (const [layout, { vectors, slots }] of this.#caches) {
          const dim = vectors.shape[1]!;
          const fresh = out[layout]! as Float32Array;
          const at = ((k - first) * sample.rows + from) * slots * dim;
          vectors.write(fresh.subarray(0, rows * slots * dim), at);
        }
      }
    }
  }

  /** Logits of the sample under a path. */
  async logits(path: Path): Promise<Float32Array> {
    const { stage, sample } = this.#options;
    const out = new Float32Array(sample.rows);
    const waiting: Promise<void>[] = [];
    for (const { from, rows, feeds } of this.#chunks) {
      const own = this.#caches.size > 0 ? this.#choices(path, from) : {};
      const all = {
        ...only(feeds, this.#needs),
        ...stage.candidates.feedsOf({ path }, this.#needs),
        ...only(own, this.#needs),
      };
      waiting.push(
        this.#program.fetch(all, ["logits"]).then(({ logits }) => {
          out.set((logits as Float32Array).subarray(0, rows), from);
        }),
      );
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
    }
    await Promise.all(waiting);
    return out;
  }

  /** AUC of the sample under a path; asked again, it is remembered. */
  async auc(path: Path): Promise<number> {
    const key = pathKey(path);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = auc(await this.logits(path), this.#options.sample.labels);
    this.#known.set(key, value);
    return value;
  }

  /** Different paths scored since the last refresh. */
  get scored(): number {
    return this.#known.size;
  }

  dispose(): void {
    this.#program.dispose();
    this.#fill?.dispose();
    for (const { vectors } of this.#caches.values()) vectors.dispose();
  }

  #choices(path: Path, from: number): Feeds {
    const { stage, fields } = this.#options;
    const feeds: Record<string, Uint32Array | number> = { "adass.from": from };
    for (const { layout } of stage.model.tables.parts.map(({ group }) => group)) {
      const slots = layout.fields.flatMap(({ field }) =>
        Array.from({ length: fields[field]!.slots }, () => path[field]!),
      );
      feeds[`adass.slots.${layout.name}`] = Uint32Array.from(slots);
    }
    return feeds;
  }
}

function makeCaches({ device, stage, candidates, sample }: EvaluatorOptions, made: { dispose(): void }[]) {
  const { tables, scheme } = stage.model;
  const sizes = candidates.filter((d) => d > 0).length;
  const caches = new Map<string, Cache>();
  for (const { group } of tables.parts) {
    const { name } = group.layout;
    const slots = slotsOf(group.layout, scheme.fields);
    const vectors = device.variable(`adass.cache.${name}`, [sizes * sample.rows * slots, tables.modelDim]);
    made.push(vectors);
    caches.set(name, { vectors, name, slots });
  }
  return caches;
}

/** Outputs: [B, S, d] of each table, before pooling. */
function vectorsOf({ stage }: EvaluatorOptions, batch: number, own: VectorTransform): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = {};
  const transform: VectorTransform = (vectors, origin) => {
    const out = own(vectors, origin);
    outputs[origin.layout.name] = out;
    return out;
  };
  // built for what passes through the transform alone
  stage.model.forward({ batch, training: false, transform });
  return outputs;
}

/** Looked-up vectors, from the caches: the model's own lookup is left out of the program. */
function fromCaches(
  { candidates, sample }: EvaluatorOptions,
  caches: ReadonlyMap<string, Cache>,
): VectorTransform {
  const first = candidates.findIndex((d) => d > 0);
  return (looked, { layout }) => {
    const { vectors, slots } = caches.get(layout.name)!;
    const [batch] = looked.shape as [number];
    // a last, shorter step reads its last row again
    const row = minimum(add(iota([batch, 1]), input("adass.from", [], "u32")), sample.rows - 1);
    const choice = input(`adass.slots.${layout.name}`, [slots], "u32");
    const size = reshape(where(gt(choice, first), sub(choice, first), 0), [1, slots]);
    const at = add(mul(add(mul(size, sample.rows), row), slots), iota([1, slots]));
    const chosen = gather(vectors.value, at);
    return first === 0 ? chosen : where(gt(reshape(choice, [1, slots, 1]), 0), chosen, 0);
  };
}

async function chunksOf(
  { stage, fields, sample }: EvaluatorOptions,
  batch: number,
): Promise<readonly Chunk[]> {
  const source = createBatchSource(sample, {
    fields,
    tables: stage.model.layouts,
    batch,
    seed: 0,
    shuffle: false,
    plans: false,
    worker: false,
  });
  const chunks: Chunk[] = [];
  try {
    for await (const each of source.epoch(0)) {
      const names = new Set(each.tables.flatMap(({ name }) => [`${name}.ids`, `${name}.weights`]));
      chunks.push({
        from: chunks.reduce((n, c) => n + c.rows, 0),
        rows: each.rows,
        feeds: copied(batchFeeds(each, names), each.rows, batch),
      });
      each.release();
    }
  } finally {
    await source.close();
  }
  return chunks;
}

/** Copies that outlive the batch, lengthened with zeros to a whole step. */
function copied(feeds: Feeds, rows: number, batch: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => {
      const own = value as Uint32Array | Float32Array;
      const longer = new (own.constructor as new (n: number) => Uint32Array)((own.length / rows) * batch);
      longer.set(own);
      return [name, longer];
    }),
  );
}

function only(feeds: Feeds, needs: ReadonlySet<string>): Feeds {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => needs.has(name)));
}
