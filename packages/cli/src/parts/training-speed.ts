/** How fast a device trains: one small FM on random ids, the same batch again and again. */
import { createBatchSource, Random, sharedUint32 } from "@trimtab/data";
import { uniform } from "@trimtab/embeddings";
import { buildModel, fm } from "@trimtab/models";
import { Stepper } from "@trimtab/search-core";
import { type Device, Optimizer } from "@trimtab/tensor-core";

export const TRAINED = { fields: 8, rows: 1000, dim: 16, batch: 2048 } as const;
const ROUNDS = 3;

/** Rows a second of whole training steps: feeds, forward, backward, row-wise Adam. */
export async function trainingSpeed(device: Device): Promise<number> {
  const { batch, dim } = TRAINED;
  const fields = Array.from({ length: TRAINED.fields }, (_, f) => {
    return { name: `field ${f}`, kind: "categorical", rows: TRAINED.rows, slots: 1 } as const;
  });
  const random = new Random(1);
  const ids = fields.map(({ rows }) => sharedUint32(batch).map(() => Math.floor(random.uniform() * rows)));
  const labels = Float32Array.from({ length: batch }, () => Number(random.uniform() < 0.5));
  using model = await buildModel(device, fm({ dim, tableOptimizer: "rowAdam" }), uniform(fields, dim), {
    seed: 1,
  });
  const optimizer = new Optimizer(device, model.groups());
  const stepper = new Stepper(device, model, optimizer, 1);
  const tables = [...model.layouts];
  const source = createBatchSource(
    { rows: batch, labels, ids },
    { fields, tables, batch, seed: 1, shuffle: false, plans: true, worker: false },
  );
  try {
    let best = Number.POSITIVE_INFINITY;
    for await (const made of source.epoch(0)) {
      await stepper.step(made);
      await stepper.settle();
      for (let round = 0, steps = 4; round < ROUNDS; round++, steps *= 2) {
        const started = performance.now();
        for (let i = 0; i < steps; i++) await stepper.step(made);
        await stepper.settle();
        best = Math.min(best, (performance.now() - started) / 1000 / steps);
      }
      made.release();
    }
    return batch / best;
  } finally {
    await source.close();
    stepper.dispose();
    optimizer.dispose();
  }
}
