/** Whole training steps on one synthetic batch, fed again and again: the device's own speed, no data loading. */
import { createBatchSource, type FieldInfo, Random, sharedUint32 } from "@trimtab/data";
import { uniform } from "@trimtab/embeddings";
import { buildModel, deepfm, fm, type ModelConfig, trainStep } from "@trimtab/models";
import { batchFeeds } from "@trimtab/search-core";
import { type Device, type Feeds, Optimizer, type Program, type Tensor } from "@trimtab/tensor-core";

export interface StepCase {
  readonly name: string;
  readonly model: ModelConfig;
  readonly batch: number;
  readonly fieldRows: readonly number[];
}

export const FRAPPE = [957, 4082, 7, 7, 2, 3, 2, 9, 80, 233];

export const stepCases: readonly StepCase[] = [
  { name: "FM 16, 10 fields", model: fm({ dim: 16 }), batch: 4096, fieldRows: FRAPPE },
  {
    name: "DeepFM 16, 400-400-400, 10 fields",
    model: deepfm({ dim: 16, hidden: [400, 400, 400] }),
    batch: 4096,
    fieldRows: FRAPPE,
  },
  {
    name: "FM 16, a million rows",
    model: fm({ dim: 16 }),
    batch: 4096,
    fieldRows: [1_000_000, ...FRAPPE.slice(1)],
  },
];

export interface StepRun {
  readonly program: Program<{ loss: Tensor }>;
  readonly feeds: Feeds;
  readonly needs: ReadonlySet<string>;
  dispose(): void;
}

export async function stepRun(device: Device, c: StepCase): Promise<StepRun> {
  const names = c.fieldRows.map((_, f) => `f${f}`);
  const scheme = uniform(
    c.fieldRows.map((rows, f) => ({ name: names[f]!, rows, slots: 1 })),
    "dim" in c.model ? c.model.dim : 1,
  );
  const model = await buildModel(device, c.model, scheme, { seed: 1 });
  const optimizer = new Optimizer(device, model.groups());
  const program = await device.compile(trainStep(model, optimizer, c.batch));
  const needs = new Set(program.inputs);
  const random = new Random(3);
  const fields: FieldInfo[] = c.fieldRows.map((rows, f) => ({
    name: names[f]!,
    kind: "categorical",
    rows,
    slots: 1,
  }));
  const ids = c.fieldRows.map((rows) => {
    const column = sharedUint32(c.batch);
    // Zipf with exponent 1 by inversion of the continuous law
    for (let i = 0; i < c.batch; i++)
      column[i] = Math.min(rows - 1, Math.floor((rows + 1) ** random.uniform()) - 1);
    return column;
  });
  const labels = Float32Array.from({ length: c.batch }, () => (random.uniform() < 0.3 ? 1 : 0));
  const source = createBatchSource(
    { rows: c.batch, labels, ids },
    {
      fields,
      tables: [...model.layouts],
      batch: c.batch,
      seed: 1,
      shuffle: false,
      plans: true,
      worker: false,
    },
  );
  let feeds: Feeds = {};
  for await (const batch of source.epoch(0)) {
    const extra: Record<string, number> = { ...(optimizer.next(needs) as Record<string, number>) };
    if (needs.has("rng.seed")) extra["rng.seed"] = 1;
    if (needs.has("rng.step")) extra["rng.step"] = 1;
    // the slot is used again after release: keep copies
    feeds = Object.fromEntries(
      Object.entries(batchFeeds(batch, needs, extra)).map(([k, v]) => [
        k,
        typeof v === "number" ? v : v.slice(),
      ]),
    );
    batch.release();
  }
  await source.close();
  return {
    program,
    feeds,
    needs,
    dispose: () => {
      program.dispose();
      optimizer.dispose();
      model.dispose();
    },
  };
}
