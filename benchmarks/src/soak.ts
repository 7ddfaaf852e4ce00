/**
 * `bun benchmarks/src/soak.ts [--steps 100000] [--every 5000]`: trains a small factorization machine on the device with
 * new ids, labels and batch plans every step, reads the loss now and then as a trainer does, and tells whether anything
 * grows: the process's memory and `device.memory()`. Writes runs/bench/soak.json. It judges nothing; the last line has the
 * numbers to judge by. Slopes are least squares over the readings after the first fifth, when pools and code are warm.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildPlan, Random } from "@trimtab/data";
import {
  adam,
  add,
  bceWithLogits,
  type DeviceMemory,
  type Feeds,
  gather,
  grad,
  input,
  mean,
  mul,
  Optimizer,
  openDevice,
  planInputs,
  rowAdam,
  square,
  sub,
  sum,
} from "@trimtab/tensor-core";

const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    every: { type: "string", default: "5000" },
    batch: { type: "string", default: "256" },
  },
});
const steps = Number(options.steps);
const every = Number(options.every);
const batch = Number(options.batch);
const FIELDS = 8;
const ROWS = 10_000;
const DIM = 8;

interface Reading {
  readonly step: number;
  readonly seconds: number;
  readonly rss: number;
  readonly loss: number;
  readonly memory: DeviceMemory;
}

const device = await openDevice();
const random = new Random(7);
const uniform = (n: number) => Float32Array.from({ length: n }, () => 0.02 * (random.uniform() - 0.5));
const table = device.variable("table", [ROWS, DIM], { data: uniform(ROWS * DIM) });
const bias = device.variable("bias", []);
const optimizer = new Optimizer(device, [
  { name: "tables", rule: rowAdam({ lr: 1e-3 }), variables: [table] },
  { name: "dense", rule: adam({ lr: 1e-3 }), variables: [bias] },
]);
const plan = planInputs("t", batch * FIELDS);
const looked = gather(table.value, input("t.ids", [batch, FIELDS], "u32"), plan);
const pairs = sum(sub(square(sum(looked, [1])), sum(square(looked), [1])), [1]);
const loss = mean(bceWithLogits(add(mul(pairs, 0.5), bias.value), input("labels", [batch])));
const program = await device.compile({
  outputs: { loss },
  updates: optimizer.updates(grad(loss, optimizer.parameters)),
});
const needs = new Set(program.inputs);

/** A new batch: skewed ids, so that plans have runs of all lengths, and a label made of two of the ids. */
function feeds(): Feeds {
  const ids = Uint32Array.from({ length: batch * FIELDS }, () => Math.floor(ROWS ** random.uniform()) - 1);
  const labels = Float32Array.from(
    { length: batch },
    (_, i) => (ids[i * FIELDS]! + ids[i * FIELDS + 1]!) % 2,
  );
  const built = buildPlan(ids, ROWS);
  const all: Record<string, Feeds[string]> = { "t.ids": ids, labels, ...optimizer.next(needs) };
  for (const [part, value] of Object.entries(built)) all[`t.${part}`] = value;
  return Object.fromEntries(Object.entries(all).filter(([name]) => needs.has(name)));
}

const readings: Reading[] = [];
const started = performance.now();
for (let step = 1; step <= steps; step++) {
  if (step % 100 !== 0 && step % every !== 0 && step !== steps) {
    program.run(feeds());
    continue;
  }
  // a read now and then, which also keeps the queue short
  const { loss: value } = await program.fetch(feeds(), ["loss"]);
  if (step % every !== 0 && step !== steps) continue;
  await device.idle();
  Bun.gc(true);
  const seconds = (performance.now() - started) / 1000;
  const reading = { step, seconds, rss: process.memoryUsage().rss, loss: value[0]!, memory: device.memory() };
  readings.push(reading);
  console.log(
    `step ${step}  ${seconds.toFixed(0)} s  RSS ${mebibytes(reading.rss)} MiB  device ${reading.memory.buffers} buffers, ` +
      `${reading.memory.bytes} bytes  loss ${reading.loss.toFixed(4)}`,
  );
}

const warm = readings.filter((r) => r.step >= steps / 5);
const first = warm[0]!;
const last = warm.at(-1)!;
const verdict = {
  steps,
  firstRss: first.rss,
  firstStep: first.step,
  lastRss: last.rss,
  rssSlopePer10kSteps: Math.round(slope(warm.map((r) => [r.step, r.rss])) * 10_000),
  deviceBuffers: [...new Set(warm.map((r) => r.memory.buffers))],
  deviceBytes: [...new Set(warm.map((r) => r.memory.bytes))],
};
const { adapter, engine } = device.info;
const out = resolve("runs/bench/soak.json");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(
  out,
  `${JSON.stringify({ date: new Date().toISOString(), bun: Bun.version, engine, adapter, batch, verdict, readings }, null, 2)}\n`,
);
console.log(`written to ${out}`);
console.log(
  `RSS ${mebibytes(first.rss)} MiB at step ${first.step}, ${mebibytes(last.rss)} MiB at step ${last.step}, slope ` +
    `${mebibytes(verdict.rssSlopePer10kSteps)} MiB per 10,000 steps; device bytes ${verdict.deviceBytes.join(", then ")}`,
);
device.dispose();

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** Least squares; 0 for fewer than two points. */
function slope(points: readonly (readonly [number, number])[]): number {
  const n = points.length;
  if (n < 2) return 0;
  const mx = points.reduce((a, [x]) => a + x, 0) / n;
  const my = points.reduce((a, [, y]) => a + y, 0) / n;
  const over = points.reduce((a, [x, y]) => a + (x - mx) * (y - my), 0);
  return over / points.reduce((a, [x]) => a + (x - mx) ** 2, 0);
}
