/**
 * `bun benchmarks/src/planted.ts [seeds]`: how well SSEDS finds planted dims. For each seed a log is generated whose fields have
 * known intrinsic dims and importances (synthetic), a base FM is trained, and the dims SSEDS keeps are compared by rank with
 * the planted ones. Ranks, because a budget scales all dims.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { generateDataset, openDataset } from "@trimtab/data";
import { rankCorrelation, renderTable, summarize } from "@trimtab/eval";
import { fm } from "@trimtab/models";
import { Task } from "@trimtab/search-core";
import { sseds } from "@trimtab/search-sseds";
import { openDevice } from "@trimtab/tensor-core";

const seeds = (process.argv[2] ?? "1,2,3,4,5").split(",").map(Number);
/** The paper's choices (slots counted, plain saliency), our defaults, and the gain on rows the base model has not seen. */
const GAIN = { split: "valid", average: "gain", batch: 1024, minDim: 0 } as const;
const variants = [
  {
    name: "the paper's: slots, saliency",
    config: { score: "saliency", minDim: 0 },
    budgets: ["50% slots", "25% slots"],
  },
  { name: "default: bytes, the best of ten tried", config: {}, budgets: ["50%", "25%", "10%"] },
  {
    name: "bytes, saliency per root of cost",
    config: { score: "saliency-per-root-cost" },
    budgets: ["50%", "25%", "10%"],
  },
  {
    name: "bytes, saliency per cost",
    config: { score: "saliency-per-cost" },
    budgets: ["50%", "25%", "10%"],
  },
  {
    name: "gain on validation, slots",
    config: { ...GAIN, score: "saliency" },
    budgets: ["50% slots", "25% slots"],
  },
  {
    name: "gain on validation, bytes",
    config: { ...GAIN, score: "saliency-per-root-cost" },
    budgets: ["50%", "25%", "10%"],
  },
] as const;

interface Line {
  readonly variant: string;
  readonly budget: string;
  readonly seed: number;
  /** Spearman, over fields: found dim against planted dim. */
  readonly dims: number | null;
  /** Found dim against planted importance x dim. */
  readonly strength: number | null;
}

const folder = resolve("runs/bench/planted");
mkdirSync(folder, { recursive: true });
const device = await openDevice();
const lines: Line[] = [];
const saliencies: { seed: number; correlation: number | null; auc: number }[] = [];
for (const seed of seeds) {
  const out = join(folder, `log-${seed}.trimtab`);
  rmSync(out, { recursive: true, force: true });
  const { truth } = await generateDataset({ rows: 80_000, seed, out });
  const data = await openDataset(out);
  const model = fm({ dim: 16, learningRate: 1e-2, tableL2: 1e-4, std: 1e-2 });
  const task = new Task({ data, model, device, seed, train: { batch: 1024, epochs: 30 } });
  const base = await task.base();
  const planted = new Map(truth.fields.map((f) => [f.name, f]));
  const dims = data.fields.map((f) => planted.get(f.name)!.dim);
  const strength = data.fields.map((f) => planted.get(f.name)!.dim * planted.get(f.name)!.importance);
  for (const { name, config, budgets } of variants) {
    const { found, notes } = await sseds(config).search(task, { budgets: [...budgets] });
    for (const { budget, scheme } of found) {
      const kept = [...scheme.dims];
      lines.push({
        variant: name,
        budget,
        seed,
        dims: rankCorrelation(kept, dims),
        strength: rankCorrelation(kept, strength),
      });
    }
    if (name === "the paper's: slots, saliency") {
      const totals = (notes.saliency as number[][]).map((v) => v.reduce((a, b) => a + b, 0));
      saliencies.push({ seed, correlation: rankCorrelation(totals, strength), auc: base.valid.auc });
    }
  }
  console.log(
    `seed ${seed}: base validation AUC ${base.valid.auc.toFixed(4)}; planted dims ${dims.join(" ")}`,
  );
  await task.dispose();
}
const groups = [...new Set(lines.map((l) => `${l.variant}|${l.budget}`))].map((key) => {
  const mine = lines.filter((l) => `${l.variant}|${l.budget}` === key);
  const of = (pick: (l: Line) => number | null) =>
    summarize(mine.map(pick).filter((v): v is number => v !== null));
  return {
    variant: mine[0]!.variant,
    budget: mine[0]!.budget,
    dims: of((l) => l.dims),
    strength: of((l) => l.strength),
  };
});
const show = (s: { mean: number; sd: number | null; min: number; max: number }) =>
  `${s.mean.toFixed(2)} ± ${(s.sd ?? 0).toFixed(2)} (${s.min.toFixed(2)} to ${s.max.toFixed(2)})`;
console.log(
  renderTable(groups, [
    { title: "SSEDS", value: (g) => g.variant },
    { title: "budget", value: (g) => g.budget },
    { title: "rank correlation, planted dim", value: (g) => show(g.dims) },
    { title: "planted importance x dim", value: (g) => show(g.strength) },
  ]),
);
const field = summarize(saliencies.map((s) => s.correlation ?? 0));
console.log(
  `field saliency against planted importance x dim: ${show(field)} over ${seeds.length} seeds (synthetic data)`,
);
writeFileSync(
  resolve("runs/bench/planted.json"),
  JSON.stringify({ date: new Date().toISOString(), synthetic: true, lines, saliencies }, null, 2),
);
device.dispose();
process.exit(0);
