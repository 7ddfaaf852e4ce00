/** A stream of clicks in time order whose distribution shifts half way: new ids come, old ones fade. And a model trained on it in one pass. */
import { type Columns, createBatchSource, type FieldInfo, sharedUint32 } from "@trimtab/data";
import { type ChunkMemory, type ChunkStore, ChunkStoreTables, uniform } from "@trimtab/embeddings";
import { buildModel, deepfm, tableRule } from "@trimtab/models";
import { type Limit, Stepper } from "@trimtab/search-core";
import { type Device, Optimizer } from "@trimtab/tensor-core";
import { type Adjusted, Pruner } from "../src/index.ts";

export interface StreamOptions {
  readonly rows: number;
  readonly fields: number;
  /** Ids of a field in each half; the second half's follow the first's, so row 0 and 2 x ids rows in all. */
  readonly ids: number;
  /** Share of the second half that still shows old ids. */
  readonly old: number;
  readonly seed: number;
}

/** Every field has Zipf-like ids, the small numbers often; a label depends on hidden vectors of its ids. */
export function makeStream({ rows, fields, ids, old, seed }: StreamOptions): {
  readonly columns: Columns;
  readonly fields: FieldInfo[];
} {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  const hidden = Array.from({ length: fields }, () =>
    Array.from({ length: 2 * ids + 1 }, () => [2 * next() - 1, 2 * next() - 1]),
  );
  const columns = {
    rows,
    labels: new Float32Array(rows),
    ids: Array.from({ length: fields }, () => sharedUint32(rows)),
  };
  for (let r = 0; r < rows; r++) {
    const total = [0, 0];
    for (let f = 0; f < fields; f++) {
      const rank = Math.min(ids, Math.floor((ids + 1) ** next()));
      const fresh = r >= rows / 2 && next() >= old;
      const id = fresh ? ids + rank : rank;
      columns.ids[f]![r] = id;
      total[0]! += hidden[f]![id]![0]!;
      total[1]! += hidden[f]![id]![1]!;
    }
    const logit = 1.5 * total[0]! * total[1]!;
    columns.labels[r] = next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  const infos = columns.ids.map((_, f) => ({
    name: `f${f}`,
    kind: "categorical" as const,
    rows: 2 * ids + 1,
    slots: 1,
  }));
  return { columns, fields: infos };
}

export interface Quarter {
  /** Mean dim of the ids of each half that are among the `often` commonest of their field, and of the others. */
  readonly oldOften: number;
  readonly oldSeldom: number;
  readonly newOften: number;
  readonly newSeldom: number;
  readonly live: number;
  readonly memory: ChunkMemory;
  /** Of its last steps. */
  readonly loss: number;
}

export interface PassOptions extends StreamOptions {
  readonly device: Device;
  readonly dim: number;
  readonly chunks: number;
  readonly limit: Limit;
  readonly batch: number;
  readonly period: number;
  readonly gamma?: number;
  readonly often: number;
}

/** One pass over the stream; what the store looks like after each quarter. */
export async function pass(
  options: PassOptions,
): Promise<{ readonly quarters: Quarter[]; readonly adjustments: Adjusted[] }> {
  const { device, dim, chunks, limit, batch, period, gamma, seed } = options;
  const { columns, fields } = makeStream(options);
  const config = deepfm({ dim, hidden: [16], learningRate: 5e-3, tableOptimizer: "rowAdam", std: 0.01 });
  const specs = fields.map(({ name, rows, slots }) => ({ name, rows, slots }));
  const tables = await ChunkStoreTables.make(device, {
    fields: specs,
    dim,
    chunks,
    rule: tableRule(config),
    seed,
    std: 0.01,
    gamma,
  });
  const { store } = tables;
  const model = await buildModel(device, config, uniform(specs, dim), { seed, tables });
  const optimizer = new Optimizer(device, model.groups());
  const stepper = new Stepper(device, model, optimizer, seed);
  const source = createBatchSource(columns, {
    fields,
    tables: model.layouts,
    batch,
    seed,
    shuffle: false,
    plans: true,
    worker: false,
  });
  const rampSteps = Math.floor(source.batches / 8);
  const pruner = new Pruner(store, {
    limit,
    period,
    steadyPeriod: period,
    rampSteps,
    peak: 1,
    normalise: 0.5,
    hysteresis: 0.05,
    thresholds: "global",
    sample: 8192,
  });
  const quarters: Quarter[] = [];
  const adjustments: Adjusted[] = [];
  const ends = [1, 2, 3, 4].map((q) => Math.floor((q * source.batches) / 4));
  try {
    for await (const one of source.epoch(0)) {
      await stepper.step(one);
      one.release();
      const step = one.index + 1;
      const done = await pruner.stepped(step);
      if (done) adjustments.push(done);
      if (!ends.includes(step)) continue;
      await stepper.settle();
      quarters.push({
        ...dimsOf(store, options),
        live: store.live,
        memory: store.memory(),
        loss: stepper.loss,
      });
    }
  } finally {
    await source.close();
    stepper.dispose();
    optimizer.dispose();
    model.dispose();
  }
  return { quarters, adjustments };
}

function dimsOf(store: ChunkStore, { ids, often, fields }: PassOptions) {
  const { layout, chunks, width } = store.shape;
  const mean = (from: number, to: number): number => {
    let live = 0;
    for (const { base } of layout.fields)
      for (let id = from; id < to; id++)
        for (let k = 0; k < chunks; k++) if (store.isLive(base + id, k)) live++;
    return (live * width) / (fields * (to - from));
  };
  return {
    oldOften: mean(1, 1 + often),
    oldSeldom: mean(1 + often, 1 + ids),
    newOften: mean(1 + ids, 1 + ids + often),
    newSeldom: mean(1 + ids + often, 1 + 2 * ids),
  };
}
