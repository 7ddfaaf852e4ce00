// Not a test: prepares a large generated log and reports peak memory and speed.
//   bun packages/data/test/bench/large.ts [rows, default 10000000] [scratch folder] [DuckDB memory limit, default 1GB]
// Each part runs in a process of its own, so that its peak resident memory is its own. Prints one JSON line a part.

import { mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBatchSource, Dataset, generate, prepare } from "../../src/index.ts";

const [rowsText = "10000000", scratch = join(tmpdir(), "trimtab-large"), memoryLimit = "1GB", part] =
  process.argv.slice(2);
const rows = Number(rowsText);
const log = join(scratch, "log");
const set = join(scratch, "set.trimtab");
const seconds = (from: number): number => Number(((performance.now() - from) / 1000).toFixed(2));

function report(what: string, facts: Record<string, unknown>): void {
  const usage = process.resourceUsage();
  const peakMiB = Math.round(usage.maxRSS / 1024);
  const cpuSeconds = Number(((usage.userCPUTime + usage.systemCPUTime) / 1e6).toFixed(1));
  console.log(JSON.stringify({ part: what, rows, ...facts, peakMiB, cpuSeconds }));
}

const parts: Record<string, () => Promise<void>> = {
  async generate() {
    const start = performance.now();
    // Long-tailed fields of real size, so that vocabularies cost what they do in life.
    const fields = [
      { name: "user", values: 500_000, zipf: 0.8, importance: 1, dim: 1 },
      { name: "item", values: 200_000, zipf: 1, importance: 1, dim: 4 },
      { name: "category", values: 60, zipf: 0.7, importance: 1, dim: 8 },
      { name: "brand", values: 5000, zipf: 0.9, importance: 0.9, dim: 4 },
      { name: "city", values: 2000, zipf: 0.8, importance: 0.9, dim: 8 },
      { name: "device", values: 12, zipf: 0.6, importance: 0.8, dim: 2 },
      { name: "hour", values: 24, zipf: 0.3, importance: 0.7, dim: 2 },
      { name: "weekday", values: 7, zipf: 0, importance: 0.6, dim: 1 },
      { name: "session", values: 2_000_000, zipf: 0.6, importance: 0, dim: 0 },
      { name: "browser", values: 30, zipf: 0.8, importance: 0, dim: 0 },
    ];
    await generate({ rows, seed: 1, out: log, fields });
    const mib = Math.round(statSync(join(log, "log.csv")).size / 2 ** 20);
    report("generate", { seconds: seconds(start), csvMiB: mib });
  },
  async prepare() {
    const start = performance.now();
    const manifest = await prepare(log, { out: set, memoryLimit });
    const tableRows = manifest.fields.reduce((sum, field) => sum + field.rows, 0);
    report("prepare", { memoryLimit, seconds: seconds(start), tableRows, warnings: manifest.warnings });
  },
  async load() {
    let start = performance.now();
    const dataset = await Dataset.open(set);
    const open = seconds(start);
    start = performance.now();
    const columns = await dataset.load("train");
    report("load", { open, seconds: seconds(start), loaded: columns.rows, fields: columns.ids.length });
  },
  async batches() {
    const dataset = await Dataset.open(set, { verify: "size" });
    const columns = await dataset.load("train");
    let base = 0;
    const fields = dataset.fields.map((field, f) => {
      const at = base;
      base += field.rows;
      return { field: f, base: at };
    });
    for (const worker of [true, false]) {
      const options = { fields: dataset.fields, tables: [{ name: "all", rows: base, fields }] };
      const source = createBatchSource(columns, {
        ...options,
        batch: 4096,
        seed: 1,
        shuffle: true,
        plans: true,
        worker,
      });
      const start = performance.now();
      let batches = 0;
      let first = 0;
      for await (const batch of source.epoch(0)) {
        if (batches++ === 0) first = seconds(start);
        batch.release();
      }
      const ms = (1000 * (seconds(start) - first)) / batches;
      report("batches", { worker, batches, firstBatchSeconds: first, msPerBatch: Number(ms.toFixed(3)) });
      await source.close();
    }
  },
};

if (part === undefined) {
  mkdirSync(scratch, { recursive: true });
  for (const name of Object.keys(parts)) {
    const child = Bun.spawn([process.execPath, import.meta.path, rowsText, scratch, memoryLimit, name], {
      stdout: "inherit",
      stderr: "inherit",
    });
    if ((await child.exited) !== 0) process.exit(1);
  }
  rmSync(scratch, { recursive: true, force: true });
} else await parts[part]?.();
