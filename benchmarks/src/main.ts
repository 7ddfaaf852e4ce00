/**
 * `bun bench [filter]`: matmuls, lookups, row updates and whole steps, timed by mitata, shown and written as JSON.
 * A benchmark is not a test: nothing here passes or fails.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { bench, do_not_optimize, group, run } from "mitata";
import { flops, matmulProgram, squareMatmuls, towerMatmuls } from "./kernels/matmul.ts";
import { stepCases, stepRun } from "./kernels/steps.ts";
import { gatherRun, rowUpdateRun, tableCases } from "./kernels/tables.ts";

interface Runnable {
  readonly group: string;
  readonly name: string;
  /** Work of one run: operations (flop) or rows. */
  readonly work: number;
  readonly unit: "GFLOP/s" | "rows/s";
  readonly once: () => Promise<void>;
}

async function prepare(device: Device): Promise<Runnable[]> {
  const all: Runnable[] = [];
  for (const c of [...towerMatmuls, ...squareMatmuls]) {
    const program = await matmulProgram(device, c);
    const once = async () => {
      program.run();
      await device.idle();
    };
    all.push({ group: "matmul", name: c.name, work: flops(c), unit: "GFLOP/s", once });
  }
  for (const c of tableCases) {
    for (const [kind, make] of [
      ["gather", gatherRun],
      ["row update", rowUpdateRun],
    ] as const) {
      const { program, feeds } = await make(device, c);
      const once = async () => {
        program.run(feeds);
        await device.idle();
      };
      all.push({ group: kind, name: c.name, work: c.positions, unit: "rows/s", once });
    }
  }
  for (const c of stepCases) {
    const { program, feeds } = await stepRun(device, c);
    const once = async () => {
      program.run(feeds);
      await device.idle();
    };
    all.push({ group: "step", name: c.name, work: c.batch, unit: "rows/s", once });
  }
  return all;
}

const filter = process.argv[2] ? new RegExp(process.argv[2], "i") : /./;
const device = await openDevice();
const runnables = (await prepare(device)).filter((r) => filter.test(`${r.group} ${r.name}`));
for (const name of new Set(runnables.map((r) => r.group))) {
  group(name, () => {
    for (const r of runnables.filter((x) => x.group === name)) {
      bench(`${name}: ${r.name}`, async () => do_not_optimize(await r.once()));
    }
  });
}
const { benchmarks } = await run({ throw: true });
const rows = benchmarks.flatMap(({ alias, runs }) => {
  const r = runnables.find((x) => `${x.group}: ${x.name}` === alias);
  const stats = runs[0]?.stats;
  if (!r || !stats) return [];
  const scale = r.unit === "GFLOP/s" ? 1e-9 : 1;
  const rate = (ns: number) => (r.work * scale) / (ns * 1e-9);
  return [
    {
      group: r.group,
      name: r.name,
      unit: r.unit,
      median: rate(stats.p50),
      best: rate(stats.min),
      worst: rate(stats.max),
      milliseconds: stats.p50 / 1e6,
      samples: stats.samples.length,
    },
  ];
});
console.log("");
for (const r of rows) {
  const show = (v: number) => (r.unit === "GFLOP/s" ? v.toFixed(1) : Math.round(v).toLocaleString("en"));
  console.log(
    `${`${r.group}: ${r.name}`.padEnd(46)} ${show(r.median).padStart(14)} ${r.unit}  (${show(r.worst)} to ${show(r.best)})`,
  );
}
const out = resolve("runs/bench/kernels.json");
mkdirSync(dirname(out), { recursive: true });
const { adapter, engine } = device.info;
writeFileSync(
  out,
  JSON.stringify({ date: new Date().toISOString(), bun: Bun.version, engine, adapter, rows }, null, 2),
);
console.log(`\nwritten to ${out}`);
device.dispose();
