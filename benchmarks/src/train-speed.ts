/**
 * One timed training run, as one JSON line: what `peer.ts` runs beside the PyTorch program. Rows a second of the training loop
 * alone (batches, forward, backward, update), after a warm-up of some steps; no evaluation, no reading of files.
 */
import { parseArgs } from "node:util";
import { createBatchSource, openDataset } from "@trimtab/data";
import { uniform } from "@trimtab/embeddings";
import { buildModel, type ModelConfig, modelConfigSchema } from "@trimtab/models";
import { Stepper } from "@trimtab/search-core";
import { Optimizer, openDevice } from "@trimtab/tensor-core";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "fm" },
    dim: { type: "string", default: "16" },
    hidden: { type: "string", default: "400,400,400" },
    batch: { type: "string", default: "4096" },
    steps: { type: "string", default: "200" },
    warmup: { type: "string", default: "5" },
    vocab: { type: "string", default: "0" },
    optimizer: { type: "string", default: "rowAdam" },
  },
});
if (!values.data) throw new Error("train-speed: --data DATASET_FOLDER is missing");
const steps = Number(values.steps);
const warmup = Number(values.warmup);
const batch = Number(values.batch);

const dataset = await openDataset(values.data);
const columns = await dataset.load("train");
const fields = dataset.fields.map(({ name, rows, slots }) => ({ name, rows, slots }));
const total = fields.reduce((n, f) => n + f.rows, 0);
const widest = fields.reduce((w, f, i) => (f.rows > fields[w]!.rows ? i : w), 0);
// larger tables for timing: the rows are there, no id reaches them
if (Number(values.vocab) > total) fields[widest]!.rows += Number(values.vocab) - total;

const needsTower = ["dnn", "widedeep", "deepfm"].includes(values.model);
const config: ModelConfig = modelConfigSchema.parse({
  kind: values.model === "widedeep" ? "wideDeep" : values.model,
  ...(values.model === "lr" ? {} : { dim: Number(values.dim) }),
  ...(needsTower ? { hidden: values.hidden.split(",").map(Number) } : {}),
  tableOptimizer: values.optimizer,
});
const device = await openDevice();
const model = await buildModel(device, config, uniform(fields, Number(values.dim)), { seed: 1 });
const optimizer = new Optimizer(device, model.groups());
const stepper = new Stepper(device, model, optimizer, 1);
const source = createBatchSource(columns, {
  fields: dataset.fields.map((f, i) => ({ ...f, rows: fields[i]!.rows })),
  tables: [...model.layouts],
  batch,
  seed: 1,
  shuffle: true,
  plans: true,
  dropLast: true,
});
let done = 0;
let started = 0;
for (let epoch = 0; done < steps + warmup; epoch++) {
  for await (const b of source.epoch(epoch)) {
    await stepper.step(b);
    b.release();
    done++;
    if (done === warmup) {
      await stepper.settle();
      started = performance.now();
    }
    if (done >= steps + warmup) break;
  }
}
await stepper.settle();
const seconds = (performance.now() - started) / 1000;
console.log(
  JSON.stringify({
    model: values.model,
    optimizer: values.optimizer,
    rows_per_s: Math.round((steps * batch) / seconds),
    ms_per_step: (seconds * 1000) / steps,
    loss: stepper.loss,
    adapter: device.info.adapter,
  }),
);
await source.close();
stepper.dispose();
device.dispose();
process.exit(0);
