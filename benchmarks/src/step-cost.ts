/**
 * `bun bench:step [--rounds 9]`: where a training step's time goes, kernel by kernel, and how the step grows with batch, dim, fields
 * and table rows, one at a time. Same synthetic batch again and again: the engine's own speed, no data loading. Cases take turns, round by
 * round; numbers are medians. Writes runs/bench/step-cost.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { renderTable } from "@trimtab/eval";
import { deepfm, fm } from "@trimtab/models";
import { openDevice } from "@trimtab/tensor-core";
import { FRAPPE, type StepCase, type StepRun, stepRun } from "./kernels/steps.ts";
import { median } from "./median.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "9" } } });
const rounds = Number(values.rounds);
const device = await openDevice();

interface Varied {
  readonly model: string;
  readonly varied: string;
  readonly value: number;
  readonly case: StepCase;
}

interface Setting {
  readonly batch: number;
  readonly dim: number;
  readonly fields: number;
  readonly rows: number;
}

const HIDDEN = [400, 400, 400];
/** As Frappe: 10 fields, about 5,000 rows. */
const MIDDLE: Setting = { batch: 4096, dim: 16, fields: 10, rows: 500 };
const VARIED: { [K in keyof Setting]: readonly number[] } = {
  batch: [512, 1024, 4096, 16384],
  dim: [4, 8, 16, 32, 64],
  fields: [5, 10, 20, 40],
  rows: [500, 5000, 50_000, 200_000],
};

function caseOf(kind: "fm" | "deepfm", name: string, { batch, dim, fields, rows }: Setting): StepCase {
  const options = { dim, tableOptimizer: "rowAdam" } as const;
  const model = kind === "fm" ? fm(options) : deepfm({ ...options, hidden: HIDDEN });
  return { name, model, batch, fieldRows: new Array<number>(fields).fill(rows) };
}

const pairs = [
  ["FM", "fm"],
  ["DeepFM 400-400-400", "deepfm"],
] as const;

/** Milliseconds of each kernel, median over rounds. */
async function kernelsOf(run: StepRun): Promise<{ label: string; kind: string; ms: number }[]> {
  const all: number[][] = [];
  let times = await run.program.profile(run.feeds);
  for (let round = 0; round < 5 + rounds; round++) {
    times = await run.program.profile(run.feeds);
    // the first rounds warm the machine code up
    if (round >= 5)
      times.forEach(({ seconds }, i) => {
        all[i] = [...(all[i] ?? []), seconds * 1000];
      });
  }
  return times.map(({ label, kind }, i) => ({ label, kind, ms: median(all[i]!) }));
}

console.log(`${device.info.adapter} (${device.info.engine}), medians of ${rounds} rounds\n`);
const shares = [];
for (const [model, kind] of pairs) {
  const run = await stepRun(device, {
    ...caseOf(kind, model, MIDDLE),
    fieldRows: FRAPPE,
  });
  const kernels = await kernelsOf(run);
  run.dispose();
  const total = kernels.reduce((sum, k) => sum + k.ms, 0);
  const kinds = [...new Set(kernels.map((k) => k.kind))].map((of) => {
    const own = kernels.filter((k) => k.kind === of);
    const ms = own.reduce((sum, k) => sum + k.ms, 0);
    return { kind: of, kernels: own.length, ms, share: ms / total };
  });
  shares.push({ model, total, kinds, kernels });
  console.log(`${model}: Frappe's fields, dim ${MIDDLE.dim}, batch ${MIDDLE.batch}: ${total.toFixed(2)} ms`);
  console.log(
    renderTable(
      kinds.sort((a, b) => b.ms - a.ms),
      [
        { title: "kind", value: (k) => k.kind },
        { title: "kernels", value: (k) => String(k.kernels), align: "right" },
        { title: "ms", value: (k) => k.ms.toFixed(3), align: "right" },
        { title: "share", value: (k) => `${(100 * k.share).toFixed(1)}%`, align: "right" },
      ],
    ),
  );
  console.log(
    renderTable([...kernels].sort((a, b) => b.ms - a.ms).slice(0, 8), [
      { title: "longest kernels", value: (k) => k.label.slice(0, 60) },
      { title: "ms", value: (k) => k.ms.toFixed(3), align: "right" },
    ]),
  );
}

const growth: { model: string; varied: string; value: number; ms: number; rowsPerSecond: number }[] = [];
for (const [model, kind] of pairs) {
  for (const varied of Object.keys(VARIED) as (keyof Setting)[]) {
    const cases: Varied[] = VARIED[varied].map((value) => ({
      model,
      varied,
      value,
      case: caseOf(kind, `${varied} ${value}`, { ...MIDDLE, [varied]: value }),
    }));
    const runs: StepRun[] = [];
    for (const c of cases) runs.push(await stepRun(device, c.case));
    const times: number[][] = runs.map(() => []);
    for (let round = 0; round < 5 + rounds; round++) {
      for (const [i, { program, feeds }] of runs.entries()) {
        const start = performance.now();
        program.run(feeds);
        await device.idle();
        if (round >= 5) times[i]!.push(performance.now() - start);
      }
    }
    for (const run of runs) run.dispose();
    cases.forEach((c, i) => {
      const ms = median(times[i]!);
      growth.push({ model, varied, value: c.value, ms, rowsPerSecond: (c.case.batch / ms) * 1000 });
    });
  }
}
console.log(`One thing varied at a time from batch 4096, dim 16, 10 fields, 500 rows a field:`);
console.log(
  renderTable(growth, [
    { title: "model", value: (g) => g.model },
    { title: "varied", value: (g) => (g.varied === "rows" ? "rows a field" : g.varied) },
    { title: "value", value: (g) => g.value.toLocaleString("en"), align: "right" },
    { title: "ms a step", value: (g) => g.ms.toFixed(2), align: "right" },
    { title: "rows/s", value: (g) => Math.round(g.rowsPerSecond).toLocaleString("en"), align: "right" },
  ]),
);
const out = resolve("runs/bench/step-cost.json");
mkdirSync(dirname(out), { recursive: true });
const { adapter, engine } = device.info;
writeFileSync(
  out,
  JSON.stringify({ date: new Date().toISOString(), engine, adapter, rounds, shares, growth }, null, 2),
);
console.log(`\nwritten to ${out}`);
device.dispose();
