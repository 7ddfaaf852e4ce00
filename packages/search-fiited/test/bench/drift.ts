// How dims follow a stream whose ids change half way, by quarter of the stream. Not a test. Run: bun packages/search-fiited/test/bench/drift.ts [seed]
import { openDevice } from "@trimtab/tensor-core";
import { pass } from "../stream.ts";

using device = await openDevice();
const ids = 20_000;
const fields = 5;
const dim = 16;
const whole = 4 * dim * fields * (2 * ids + 1);
const limit = { unit: "bytes", value: 0.1 * whole, text: "10%" } as const;
const options = {
  rows: 800_000,
  fields,
  ids,
  old: 0.1,
  seed: Number(process.argv[2] ?? 1),
  dim,
  chunks: 4,
  limit,
  batch: 2048,
  period: 10,
  often: 1000,
};
const started = performance.now();
const { quarters, adjustments } = await pass({ ...options, device });
const seconds = (performance.now() - started) / 1000;

const text = (rows: readonly (readonly (string | number)[])[]) =>
  rows.map((row) => row.map((cell) => String(cell).padStart(12)).join("")).join("\n");
console.log(
  `${options.rows} rows in time order, ${fields} fields, ${ids} ids each in the first half, as many new ones and a tenth of the old rows ` +
    `in the second; dim ${dim}, K 4, budget 10% (${Math.round(limit.value / 1024)} KiB); mean dims of the ${options.often} commonest ids of a half and of the others\n`,
);
console.log(
  text([
    [
      "quarter",
      "old common",
      "old rare",
      "new common",
      "new rare",
      "live chunks",
      "payload KiB",
      "total KiB",
      "loss",
    ],
    ...quarters.map((q, i) => [
      i + 1,
      ...[q.oldOften, q.oldSeldom, q.newOften, q.newSeldom].map((d) => d.toFixed(2)),
      q.live,
      Math.round(q.memory.payload / 1024),
      Math.round(q.memory.total / 1024),
      q.loss.toFixed(3),
    ]),
  ]),
);
const moved = adjustments.reduce((n, a) => n + a.restored, 0);
console.log(`\n${adjustments.length} adjustments restored ${moved} chunks; ${seconds.toFixed(0)} s`);
process.exit(0);
