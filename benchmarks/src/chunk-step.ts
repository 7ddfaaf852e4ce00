/**
 * `bun benchmarks/src/chunk-step.ts --data DATASET_FOLDER [--rounds 7] [--model deepfm,dlrm] [--batch 1024,4096] [--pruned 65] [--bytes]`: seconds of a training step
 * on a chunk store over seconds of the dense step by rowAdam, in the whole loop as it runs for real: batches made by their
 * worker, addresses resolved, adjustments every T steps (T as `fiited` chooses it). Also what one adjustment takes. Both are timed in the
 * steady state after the ramp. A round has as many adjustments as its steps pay for, and the two loops take turns of a few steps in it: machines
 * change their pace within seconds, which rounds in turn would take for a difference. `--bytes`: the rest is a budget in serve bytes, as a search has it, so that an adjustment also finds out how
 * many chunks it pays for. Writes runs/bench/chunk-step.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Batch, type BatchSource, createBatchSource, openDataset } from "@trimtab/data";
import { ChunkStoreTables } from "@trimtab/embeddings";
import { renderTable } from "@trimtab/eval";
import { buildModel, deepfm, dlrm, type Model, type ModelConfig, tableRule } from "@trimtab/models";
import { limitOf, parseBudget, Stepper, Task } from "@trimtab/search-core";
import { fiitedConfigSchema, Pruner, settingsOf } from "@trimtab/search-fiited";
import { Optimizer, openDevice } from "@trimtab/tensor-core";
import { median } from "./median.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    rounds: { type: "string", default: "7" },
    model: { type: "string", default: "deepfm,dlrm" },
    hidden: { type: "string", default: "64,32" },
    batch: { type: "string", default: "1024,4096" },
    dim: { type: "string", default: "16" },
    chunks: { type: "string", default: "4" },
    pruned: { type: "string", default: "65" },
    bytes: { type: "boolean", default: false },
    threads: { type: "string" },
  },
});
if (!values.data) throw new Error("chunk-step: --data DATASET_FOLDER is missing");
const rounds = Number(values.rounds);
/** Steps of a round, at least. */
const ENOUGH = 100;
const TURN = 10;
const device = await openDevice(values.threads ? { engine: "cpu", threads: Number(values.threads) } : {});
const data = await openDataset(values.data);
const dense = data.fields.flatMap(({ name, kind }) => (kind === "numeric" ? [name] : []));

function modelOf(name: string): ModelConfig {
  const common = { dim: Number(values.dim), tableOptimizer: "rowAdam" as const };
  const hidden = values.hidden.split(",").map(Number);
  return name === "dlrm" ? dlrm({ ...common, hidden, dense }) : deepfm({ ...common, hidden });
}

/** Runs steps over epoch after epoch, and says how long one takes. */
class Loop {
  readonly stepper: Stepper;
  readonly #source: BatchSource;
  readonly #model: Model;
  readonly #optimizer: Optimizer;
  readonly #stepped: (step: number) => Promise<unknown>;
  #batches: AsyncIterator<Batch> | undefined;
  #epoch = 0;
  #step = 0;

  constructor(model: Model, source: BatchSource, stepped: (step: number) => Promise<unknown>) {
    this.#model = model;
    this.#source = source;
    this.#stepped = stepped;
    this.#optimizer = new Optimizer(device, model.groups());
    this.stepper = new Stepper(device, model, this.#optimizer, 1);
  }

  async next(): Promise<Batch> {
    for (;;) {
      this.#batches ??= this.#source.epoch(this.#epoch++)[Symbol.asyncIterator]();
      const { value, done } = await this.#batches.next();
      if (!done) return value;
      this.#batches = undefined;
    }
  }

  async seconds(count: number): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const batch = await this.next();
      await this.stepper.step(batch);
      batch.release();
      await this.#stepped(++this.#step);
    }
    await this.stepper.settle();
    return (performance.now() - start) / 1000 / count;
  }

  async close(): Promise<void> {
    await this.#source.close();
    this.stepper.dispose();
    this.#optimizer.dispose();
    this.#model.dispose();
  }
}

const rows: {
  model: string;
  batch: number;
  dense: number;
  chunks: number;
  ratio: number;
  least: number;
  most: number;
  ofMinima: number;
  adjustment: number;
  period: number;
}[] = [];
for (const name of values.model.split(",")) {
  for (const batch of values.batch.split(",").map(Number)) {
    const model = modelOf(name);
    const task = new Task({ data, model, device, seed: 1, train: { batch } });
    const { train, fields } = await task.splits();
    const sourceOf = ({ layouts }: Model) =>
      createBatchSource(train, {
        fields,
        tables: layouts,
        batch,
        seed: 1,
        shuffle: true,
        plans: true,
        dropLast: true,
      });
    const uniform = await buildModel(device, model, task.uniform, { seed: 1 });
    const plain = new Loop(uniform, sourceOf(uniform), async () => undefined);

    const settings = settingsOf(
      fiitedConfigSchema.parse({ chunks: Number(values.chunks) }),
      task,
      train.rows,
    );
    const tables = await ChunkStoreTables.make(device, {
      fields: task.fields,
      dim: Number(values.dim),
      chunks: settings.chunks,
      rule: tableRule(model),
      seed: 1,
      candidateBytes: settings.candidateBytes,
    });
    const unit = values.bytes ? "" : " parameters";
    const limit = limitOf(parseBudget(`${100 - Number(values.pruned)}%${unit}`), task.uniform);
    const pruned = await buildModel(device, model, task.uniform, { seed: 1, tables });
    // the steady state is timed, so the ramp may be short; it must have seen the ids
    const rampSteps = Math.floor(train.rows / batch);
    const pruner = new Pruner(tables.store, { ...settings, limit, rampSteps });
    let adjusting = 0;
    let adjustments = 0;
    const stepped = async (step: number) => {
      if (!pruner.schedule.adjustsAfter(step)) return;
      // the wait for queued steps is theirs
      await device.idle();
      const from = performance.now();
      await pruner.stepped(step);
      adjusting += performance.now() - from;
      adjustments++;
    };
    const live = new Loop(pruned, sourceOf(pruned), stepped);
    const { steadyPeriod } = pruner.schedule;
    const steps = steadyPeriod * Math.ceil(ENOUGH / steadyPeriod);
    await live.seconds(rampSteps + steadyPeriod);
    await plain.seconds(TURN);
    adjusting = 0;
    adjustments = 0;
    const timed: { dense: number; chunks: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const sums = { dense: 0, chunks: 0 };
      for (let done = 0; done < steps; done += TURN) {
        const turn = Math.min(TURN, steps - done);
        sums.dense += (await plain.seconds(turn)) * turn;
        sums.chunks += (await live.seconds(turn)) * turn;
      }
      timed.push({ dense: sums.dense / steps, chunks: sums.chunks / steps });
    }
    const ratios = timed.map((t) => t.chunks / t.dense);
    const least = (of: "dense" | "chunks") => Math.min(...timed.map((t) => t[of]));
    rows.push({
      model: name,
      batch,
      dense: 1000 * median(timed.map((t) => t.dense)),
      chunks: 1000 * median(timed.map((t) => t.chunks)),
      ratio: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
      ofMinima: least("chunks") / least("dense"),
      adjustment: adjusting / Math.max(1, adjustments),
      period: steadyPeriod,
    });
    await plain.close();
    await live.close();
    await task.dispose();
  }
}

console.log(
  `${data.manifest.name}, dim ${values.dim}, K ${values.chunks}, ${values.pruned}% pruned, ${device.info.adapter} (${device.info.engine}), medians of ${rounds}\n`,
);
console.log(
  renderTable(rows, [
    { title: "model", value: (r) => r.model },
    { title: "batch", value: (r) => String(r.batch), align: "right" },
    { title: "dense ms", value: (r) => r.dense.toFixed(2), align: "right" },
    { title: "chunks ms", value: (r) => r.chunks.toFixed(2), align: "right" },
    { title: "over dense", value: (r) => r.ratio.toFixed(2), align: "right" },
    { title: "least to most", value: (r) => `${r.least.toFixed(2)} to ${r.most.toFixed(2)}` },
    { title: "of minima", value: (r) => r.ofMinima.toFixed(2), align: "right" },
    { title: "an adjustment ms", value: (r) => r.adjustment.toFixed(1), align: "right" },
    { title: "every", value: (r) => `${r.period} steps`, align: "right" },
  ]),
);
const out = resolve("runs/bench/chunk-step.json");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(
  out,
  JSON.stringify({ date: new Date().toISOString(), data: data.manifest.name, rounds, rows }, null, 2),
);
console.log(`\nwritten to ${out}`);
process.exit(0);
