/**
 * What it costs to compile training steps: the first time in a process, and again.
 *   bun bench:compile [ROUNDS]
 */
import { type DimScheme, perField, uniform } from "@trimtab/embeddings";
import { buildModel, deepfm, dlrm, fm, type ModelConfig, trainStep } from "@trimtab/models";
import { Optimizer, openDevice } from "@trimtab/tensor-core";
import { median } from "./median.ts";

const rounds = Number(process.argv[2] ?? 10);
const DIMS = [16, 8, 4, 2, 1, 0];

/** Fields of many sizes; `mixed`: dims that differ, as a searched model's do. */
function schemeOf(count: number, mixed: boolean): DimScheme {
  const fields = Array.from({ length: count }, (_, f) => ({ name: `f${f}`, rows: 20 + 37 * f, slots: 1 }));
  return mixed
    ? perField(
        fields,
        fields.map((_, f) => DIMS[f % DIMS.length]!),
        { base: 16, projection: "linear" },
      )
    : uniform(fields, 16);
}

const CASES: readonly [string, ModelConfig, DimScheme][] = [
  ["fm, 10 fields, uniform", fm({ dim: 16 }), schemeOf(10, false)],
  ["fm, 39 fields, dims of fields", fm({ dim: 16 }), schemeOf(39, true)],
  ["deepfm, 10 fields, uniform", deepfm({ dim: 16, hidden: [64, 32] }), schemeOf(10, false)],
  ["deepfm, 39 fields, dims of fields", deepfm({ dim: 16, hidden: [64, 32] }), schemeOf(39, true)],
  ["dlrm, 26 fields, dims of fields", dlrm({ dim: 16, hidden: [64, 32] }), schemeOf(26, true)],
];

using device = await openDevice({ engine: "cpu" });
console.log(`${"".padEnd(36)} kernels   first     least    median`);
for (const [name, config, scheme] of CASES) {
  const model = await buildModel(device, config, scheme, { seed: 1 });
  const optimizer = new Optimizer(device, model.groups());
  const took: number[] = [];
  let kernels = 0;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    using program = await device.compile(trainStep(model, optimizer, 512));
    took.push(performance.now() - start);
    kernels = program.list.kernels.length;
  }
  const ms = (value: number) => `${value.toFixed(1)} ms`.padStart(9);
  console.log(
    `${name.padEnd(36)} ${String(kernels).padStart(7)} ${ms(took[0]!)} ${ms(Math.min(...took))} ${ms(median(took))}`,
  );
}
