/**
 * `bun bench:search-step --data DATASET_FOLDER [--rounds 5] [--model fm,deepfm]`: seconds of a search step of PEP over seconds of a base step, in
 * turn, for each granularity and mode. "loop" is the whole loop as it runs for real, batches and counts included; "step" is the compiled
 * step alone, one batch again and again. Writes runs/bench/search-step.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Batch, createBatchSource, openDataset } from "@trimtab/data";
import { renderTable } from "@trimtab/eval";
import { buildModel, deepfm, fm, type ModelConfig, trainStep, wideDeep } from "@trimtab/models";
import { batchFeeds, Stepper, Task } from "@trimtab/search-core";
import {
  granularities,
  openStage,
  type PepConfig,
  pep,
  pepConfigSchema,
  settingsOf,
} from "@trimtab/search-pep";
import {
  type Device,
  type Feeds,
  Optimizer,
  openDevice,
  type Program,
  type Tensor,
} from "@trimtab/tensor-core";
import { median } from "./median.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    rounds: { type: "string", default: "5" },
    model: { type: "string", default: "fm,widedeep,deepfm" },
    hidden: { type: "string", default: "64,32" },
    batch: { type: "string", default: "4096" },
    dim: { type: "string", default: "16" },
  },
});
if (!values.data) throw new Error("bench:search-step: --data DATASET_FOLDER is missing");
const rounds = Number(values.rounds);
const batch = Number(values.batch);
const device = await openDevice();
const data = await openDataset(values.data);

type TableOptimizer = ModelConfig["tableOptimizer"];
function modelOf(name: string, tableOptimizer: TableOptimizer): ModelConfig {
  const dim = Number(values.dim);
  if (name === "fm") return fm({ dim, tableOptimizer });
  const hidden = values.hidden.split(",").map(Number);
  return (name === "deepfm" ? deepfm : wideDeep)({ dim, hidden, tableOptimizer });
}

const configs: readonly (PepConfig & object)[] = [
  { mode: "scheduled" as const },
  ...granularities.map((granularity) => ({ mode: "scheduled" as const, granularity })),
  { mode: "faithful" as const, granularity: "field_dim" as const },
  { mode: "faithful" as const, granularity: "feature_dim" as const },
].map((config) => pepConfigSchema.parse(config));
const nameOf = ({ mode, granularity }: PepConfig): string => `${mode}, ${granularity ?? "the ramp alone"}`;

/** One thing to time: seconds a step. */
interface Timed {
  readonly name: string;
  /** What it is compared with. */
  readonly base: string;
  seconds(): Promise<number>;
}

type Step = { readonly program: Program<{ loss: Tensor }>; next(): Feeds };

/** The compiled step alone. */
function stepTimer(device: Device, { program, next }: Step, steps: number): () => Promise<number> {
  return async () => {
    for (let i = 0; i < 3; i++) program.run(next());
    await device.idle();
    const start = performance.now();
    for (let i = 0; i < steps; i++) program.run(next());
    await device.idle();
    return (performance.now() - start) / 1000 / steps;
  };
}

function feeder(program: Step["program"], optimizer: Optimizer, batch: Batch, more: Feeds) {
  const needs = new Set(program.inputs);
  const rng: Record<string, number> = {};
  if (needs.has("rng.seed")) Object.assign(rng, { "rng.seed": 1, "rng.step": 1 });
  const kept = Object.fromEntries(Object.entries(more).filter(([name]) => needs.has(name)));
  return () =>
    batchFeeds(batch, needs, { ...(optimizer.next(needs) as Record<string, number>), ...rng, ...kept });
}

const rows: {
  model: string;
  name: string;
  kind: string;
  ms: number;
  ratio: number;
  least: number;
  most: number;
}[] = [];
for (const name of values.model.split(",")) {
  const tasks = new Map<TableOptimizer, Task>();
  const taskOf = (optimizer: TableOptimizer): Task => {
    let task = tasks.get(optimizer);
    if (!task) {
      task = new Task({ data, model: modelOf(name, optimizer), device, seed: 1, train: { batch } });
      tasks.set(optimizer, task);
    }
    return task;
  };
  const { train, fields } = await taskOf("rowAdam").splits();
  const loopSteps = name === "fm" ? 400 : 150;
  const alone = name === "fm" ? 50 : 15;
  const timed: Record<"loop" | "step", Timed[]> = { loop: [], step: [] };
  const disposals: (() => void)[] = [];
  for (const optimizerName of ["rowAdam", "adam"] as const) {
    const task = taskOf(optimizerName);
    const model = await buildModel(device, task.model, task.uniform, { seed: 1 });
    const optimizer = new Optimizer(device, model.groups());
    const stepper = new Stepper(device, model, optimizer, 1);
    const sourceOptions = {
      fields,
      tables: [...model.layouts],
      batch,
      seed: 1,
      shuffle: true,
      plans: true,
      dropLast: true,
    };
    const base = `base, ${optimizerName}`;
    const one = createBatchSource(train, { ...sourceOptions, worker: false });
    const first = (await one.epoch(0)[Symbol.asyncIterator]().next()).value as Batch;
    const program = await device.compile(trainStep(model, optimizer, batch));
    timed.step.push({
      name: base,
      base,
      seconds: stepTimer(device, { program, next: feeder(program, optimizer, first, {}) }, alone),
    });
    timed.loop.push({
      name: base,
      base,
      seconds: async () => {
        const source = createBatchSource(train, sourceOptions);
        let done = 0;
        let start = 0;
        for (let epoch = 0; done < loopSteps; epoch++) {
          const batches = source.epoch(epoch);
          for await (const each of batches) {
            await stepper.step(each);
            each.release();
            // as for searches: from the first report on
            if (++done === 25) start = performance.now();
            if (done === loopSteps) break;
          }
          await batches.close();
        }
        await stepper.settle();
        const seconds = (performance.now() - start) / 1000 / (loopSteps - 25);
        await source.close();
        return seconds;
      },
    });
    for (const config of configs) {
      if ((config.mode === "faithful") !== (optimizerName === "adam")) continue;
      const stage = await openStage(device, task, { ...settingsOf(config, task), batch });
      const next = feeder(
        stage.program,
        stage.optimizer,
        first,
        stage.feedsOf(-12, batchFeeds(first, new Set(stage.program.inputs))),
      );
      timed.step.push({
        name: nameOf(config),
        base,
        seconds: stepTimer(device, { program: stage.program, next }, alone),
      });
      timed.loop.push({ name: nameOf(config), base, seconds: () => searchLoop(task, config, loopSteps) });
      disposals.push(() => stage.dispose());
    }
    disposals.push(() => {
      program.dispose();
      stepper.dispose();
      optimizer.dispose();
      model.dispose();
    });
    await one.close();
  }
  for (const kind of ["step", "loop"] as const) await time(name, kind, timed[kind]);
  for (const dispose of disposals) dispose();
  for (const task of tasks.values()) await task.dispose();
}

/** Seconds a step of a real search, between its first and its last report. */
async function searchLoop(task: Task, config: PepConfig, steps: number): Promise<number> {
  const bounded =
    config.mode === "faithful" ? { ...config, maxSteps: steps, start: -9 } : { ...config, steps, warmUp: 0 };
  const at: { done: number; time: number }[] = [];
  await pep(bounded)
    .search(task, {
      budgets: ["10%"],
      onEvent: (event) => {
        if (event.kind === "progress") at.push({ done: event.done, time: performance.now() });
      },
    })
    // faithful mode does not get there in so few steps, and says so
    .catch((reason: unknown) => {
      if ((reason as Error).name !== "BudgetNotReached") throw reason;
    });
  const first = at[0]!;
  const last = at.at(-1)!;
  return (last.time - first.time) / 1000 / (last.done - first.done);
}

async function time(model: string, kind: string, cases: readonly Timed[]): Promise<void> {
  const seconds = new Map(cases.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const each of cases) {
      const taken = await each.seconds();
      // the first round warms up
      if (round > 0) seconds.get(each.name)!.push(taken);
    }
  }
  for (const { name, base } of cases) {
    const own = seconds.get(name)!;
    const ratios = own.map((s, i) => s / seconds.get(base)![i]!);
    rows.push({
      model,
      name,
      kind,
      ms: 1000 * median(own),
      ratio: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
    });
  }
}

console.log(
  `${data.manifest.name}, dim ${values.dim}, batch ${batch}, ${device.info.adapter} (${device.info.engine}), medians of ${rounds}\n`,
);
console.log(
  renderTable(rows, [
    { title: "model", value: (r) => r.model },
    { title: "timed", value: (r) => r.kind },
    { title: "what", value: (r) => r.name },
    { title: "ms a step", value: (r) => r.ms.toFixed(2), align: "right" },
    { title: "over base", value: (r) => r.ratio.toFixed(2), align: "right" },
    { title: "least to most", value: (r) => `${r.least.toFixed(2)} to ${r.most.toFixed(2)}` },
  ]),
);
const out = resolve("runs/bench/search-step.json");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(
  out,
  JSON.stringify({ date: new Date().toISOString(), data: data.manifest.name, rounds, rows }, null, 2),
);
console.log(`\nwritten to ${out}`);
process.exit(0);
