// Counts made on the device are those of plain loops, in every granularity; a sample is scaled up.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { uniform } from "@trimtab/embeddings";
import { buildModel, fm } from "@trimtab/models";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { Random } from "@trimtab/test-support";
import { Counter } from "../src/counter.ts";
import { granularities, Thresholds } from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const fields = [
  { name: "a", rows: 37, slots: 1 },
  { name: "b", rows: 5, slots: 2 },
  { name: "c", rows: 60, slots: 1 },
];
const DIM = 3;
const LEVELS = [-6, -1, 0, 0.5, 4];
const sigmoid = (s: number) => 1 / (1 + Math.exp(-s));

test.each(granularities.map((g) => [g]))("%s", async (granularity) => {
  const random = new Random(4);
  using model = await buildModel(device, fm({ dim: DIM }), uniform(fields, DIM), { seed: 1 });
  using thresholds = new Thresholds(device, model.tables, { granularity, start: 0 });
  const [table] = model.tables.tableVariables;
  // zeros and numbers beyond 1 too
  const draw = () => (random.next() < 0.1 ? 0 : 2.4 * random.next() - 1.2);
  const values = Float32Array.from({ length: table!.size }, draw);
  table!.write(values);
  for (const v of thresholds.variables)
    v.write(Float32Array.from({ length: v.size }, () => 2 * random.next() - 1));
  const own = (await Promise.all(fields.map((_, f) => thresholds.read(f)))).flatMap((s) => [...s]);
  const before = device.memory().variables;
  const counter = await Counter.make(device, model.tables, thresholds, {
    levels: LEVELS.length,
    sample: 1000,
  });
  const counts = await counter.ask(LEVELS);
  LEVELS.forEach((level, k) => {
    const above = own.map((s, i) => Math.abs(values[i]!) > sigmoid(s + level));
    expect(counts[k]!.level).toBe(level);
    expect(counts[k]!.numbers).toBe(above.filter(Boolean).length);
    const rows = new Set([...above.keys()].filter((i) => above[i]).map((i) => Math.floor(i / DIM)));
    expect(counts[k]!.filledRows).toBe(rows.size);
  });
  counter.dispose();
  const sampled = await Counter.make(device, model.tables, thresholds, { levels: 1, sample: 34 });
  const [all] = await sampled.ask([-40]);
  const nonZero = values.filter((v) => v !== 0).length;
  expect(Math.abs(all!.numbers - nonZero)).toBeLessThan(0.12 * values.length);
  sampled.dispose();
  expect(device.memory().variables).toBe(before);
});
