// One step of a search: what is pruned stays as it is, and the short ways of the unlearned ramp change nothing.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { uniform } from "@trimtab/embeddings";
import { buildModel, fm, trainStep } from "@trimtab/models";
import { broadcastTo, constant, type Device, Optimizer, openDevice } from "@trimtab/tensor-core";
import { feedsOf, Random } from "@trimtab/test-support";
import { isByRow } from "../src/granularity.ts";
import {
  granularities,
  LookupError,
  openStage,
  pepConfigSchema,
  settingsOf,
  softThreshold,
  Thresholds,
} from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const fields = [
  { name: "user", rows: 7, slots: 1 },
  { name: "genres", rows: 5, slots: 3 },
  { name: "item", rows: 9, slots: 1 },
];
const BATCH = 16;
const LEVEL = 0.1;
const sigmoid = (s: number) => 1 / (1 + Math.exp(-s));
const settingsFor = (config: Parameters<typeof pepConfigSchema.parse>[0], model: ReturnType<typeof fm>) => ({
  ...settingsOf(pepConfigSchema.parse(config), { train: {}, model }),
  batch: BATCH,
});

function batchOf(random: Random, layout: Parameters<typeof feedsOf>[0]) {
  const ids = Array.from({ length: BATCH }, () =>
    fields.map(({ rows, slots }) => Array.from({ length: slots }, () => random.below(rows))),
  );
  const labels = Float32Array.from({ length: BATCH }, () => random.below(2));
  return { ...feedsOf(layout, fields, ids), labels };
}

const kernelsOf = (program: { print(): string }) =>
  program
    .print()
    .split(/\n(?=\d+ (?:map|reduce|segment|matmul) )/)
    .slice(1);

const only = <T>(names: readonly string[], feeds: Record<string, T>) =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => names.includes(name)));

test("a step under the ramp alone is a step under thresholds that nobody learns", async () => {
  const model = fm({ dim: 3, tableOptimizer: "rowSgd", learningRate: 0.5 });
  const scheme = uniform(fields, 3);
  const stage = await openStage(device, { model, uniform: scheme, seed: 1 }, settingsFor({}, model));
  using plain = await buildModel(device, model, scheme, { seed: 1 });
  const optimizer = new Optimizer(device, plain.groups());
  const transform = (vectors: ReturnType<typeof constant>) =>
    softThreshold(vectors, broadcastTo(constant(LEVEL), vectors.shape));
  using program = await device.compile(trainStep(plain, optimizer, BATCH, { transform }));
  const random = new Random(8);
  const [mine] = stage.model.tables.tableVariables;
  const [theirs] = plain.tables.tableVariables;
  const values = Float32Array.from({ length: mine!.size }, () => 3 * random.next() - 1.5);
  mine!.write(values);
  theirs!.write(values);
  const feeds = batchOf(random, plain.layouts[0]!);
  stage.program.run(
    only(stage.program.inputs, {
      ...feeds,
      ...stage.optimizer.next(new Set(stage.program.inputs)),
      ...stage.feedsOf(LEVEL, feeds),
    }),
  );
  program.run(only(program.inputs, { ...feeds, ...optimizer.next(new Set(program.inputs)) }));
  const found = await mine!.read();
  const expected = await theirs!.read();
  let moved = 0;
  let still = 0;
  values.forEach((before, i) => {
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(1e-6);
    if (Math.abs(before) < sigmoid(LEVEL)) {
      expect(found[i]).toBe(before);
      still++;
    } else if (found[i] !== before) moved++;
  });
  expect(still).toBeGreaterThan(10);
  expect(moved).toBeGreaterThan(10);
  optimizer.dispose();
  stage.dispose();
});

test("the step of a warm-up is the step under a ramp at its lowest", async () => {
  const model = fm({ dim: 3, tableOptimizer: "rowAdam", learningRate: 0.1, std: 0.1 });
  const tables: Float32Array[] = [];
  for (const warm of [true, false]) {
    const stage = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor({}, model),
    );
    const program = warm ? stage.warmUp! : stage.program;
    const random = new Random(8);
    for (let i = 0; i < 3; i++) {
      const feeds = batchOf(random, stage.model.layouts[0]!);
      program.run(
        only(program.inputs, {
          ...feeds,
          ...stage.optimizer.next(new Set(program.inputs)),
          ...stage.feedsOf(-20, feeds),
        }),
      );
    }
    tables.push((await stage.model.tables.tableVariables[0]!.read()) as Float32Array);
    stage.dispose();
  }
  expect(Math.max(...tables[0]!.map((v, i) => Math.abs(v - tables[1]![i]!)))).toBeLessThan(1e-4);
  expect(Math.max(...tables[0]!)).toBeGreaterThan(0.2);
});

test("faithful mode moves every row and every threshold, scheduled mode only those looked up", async () => {
  const model = fm({ dim: 3, tableOptimizer: "rowAdam", learningRate: 0.1, std: 0.1 });
  for (const config of [{ mode: "faithful" }, { granularity: "feature_dim" }] as const) {
    const stage = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor(config, model),
    );
    const watched = [stage.model.tables.tableVariables[0]!, stage.thresholds.variables[0]!];
    const before = await Promise.all(watched.map((v) => v.read()));
    const feeds = batchOf(new Random(8), stage.model.layouts[0]!);
    // a single row of data, again and again: most rows are not looked up
    const one = feedsOf(
      stage.model.layouts[0]!,
      fields,
      Array.from({ length: BATCH }, () => [[1], [2], [3]]),
    );
    const { inputs } = stage.program;
    stage.program.run(
      only(inputs, {
        ...feeds,
        ...one,
        ...stage.optimizer.next(new Set(inputs)),
        ...stage.feedsOf(-5, { ...feeds, ...one }),
      }),
    );
    const after = await Promise.all(watched.map((v) => v.read()));
    after.forEach((values, k) => {
      const rows = new Set(
        [...values.keys()].filter((i) => values[i] !== before[k]![i]).map((i) => Math.floor(i / 3)),
      );
      if ("mode" in config) expect(rows.size).toBe(21);
      else expect([...rows].every((row) => [1, 7 + 2, 12 + 3].includes(row))).toBe(true);
      expect(rows.size).toBeGreaterThan(0);
    });
    stage.dispose();
  }
});

describe.each(granularities.map((g) => [g]))("kernels, %s", (granularity) => {
  test("thresholds are applied once a touched row, and scheduled mode visits neither positions for it nor a whole table", async () => {
    const model = fm({ dim: 3, tableOptimizer: "rowAdam" });
    const bare = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor({}, model),
    );
    const base = kernelsOf(bare.warmUp!);
    const stage = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor({ granularity }, model),
    );
    const kernels = kernelsOf(stage.program);
    const sigmoids = kernels.filter((k) => k.includes("sigmoid"));
    // beside the loss: over touched rows once, or over as few numbers as there are thresholds
    expect(sigmoids.filter((k) => /^\d+ segment /.test(k)).length).toBe(isByRow(granularity) ? 1 : 0);
    for (const k of sigmoids) expect(k).toMatch(/^\d+ (segment \[21, [13]\]|(map|reduce) \[(1|3|9|16)\])/);
    // rows of the table are read by kernels over touched rows alone: to be thresholded, and to be moved
    const table = /(b\d+) variable embeddings\.all /.exec(stage.program.print())![1]!;
    const readers = kernels.filter((k) => k.includes(`= ${table}[`));
    expect(readers.length).toBeGreaterThan(0);
    for (const k of readers) expect(k).toMatch(/^\d+ segment /);
    // what runs over positions or whole tables is what the base step has
    const wide = (list: readonly string[]) =>
      list.filter((k) => /^\d+ (map|reduce) \[(80|240|80, 3|16, 5|16, 5, 3|21|63|21, 3)\]/.test(k)).length;
    expect(wide(kernels)).toBe(wide(base));
    bare.dispose();
    stage.dispose();
  });
});

test("faithful mode visits whole tables, as its base step does", async () => {
  const model = fm({ dim: 3 });
  const stage = await openStage(
    device,
    { model, uniform: uniform(fields, 3), seed: 1 },
    settingsFor({ mode: "faithful" }, model),
  );
  const whole = kernelsOf(stage.program).filter((k) => /^\d+ map \[(21, 3|63)\]/.test(k));
  expect(whole.length).toBeGreaterThan(0);
  stage.dispose();
});

test("a lookup without a plan is refused", async () => {
  const model = await buildModel(device, fm({ dim: 3 }), uniform(fields, 3), { seed: 1 });
  using thresholds = new Thresholds(device, model.tables, { granularity: "field", start: 0 });
  const transform = thresholds.transform();
  expect(() => model.forward({ batch: 4, training: false, transform })).toThrow(LookupError);
  model.dispose();
});

test("faithful mode clips the norm of all gradients together", async () => {
  const model = fm({ dim: 3, learningRate: 1, optimizer: "sgd", std: 0.5 });
  const moved = async (clip: number) => {
    const config = { mode: "faithful", optimizer: "sgd", l2: 0, clip } as const;
    const stage = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor(config, model),
    );
    const all = [...stage.state.values()];
    const before = await Promise.all(all.map((v) => v.read()));
    const feeds = batchOf(new Random(8), stage.model.layouts[0]!);
    const scalars = stage.optimizer.next(new Set(stage.program.inputs));
    stage.program.run(only(stage.program.inputs, { ...feeds, ...scalars }));
    const after = await Promise.all(all.map((v) => v.read()));
    stage.dispose();
    return Math.hypot(...after.flatMap((values, v) => [...values].map((x, i) => x - before[v]![i]!)));
  };
  const free = await moved(100);
  expect(free).toBeGreaterThan(0.02);
  // SGD of learning rate 1 moves by the gradient
  expect(await moved(free / 4)).toBeCloseTo(free / 4, 4);
  expect(await moved(free * 2)).toBe(free);
});

test("scheduled mode moves tables as the model does, or by rows where that is asked for", async () => {
  const model = fm({ dim: 3, tableOptimizer: "adam", tableL2: 0.1, learningRate: 0.1, std: 0.1 });
  for (const tables of ["model", "rows"] as const) {
    const stage = await openStage(
      device,
      { model, uniform: uniform(fields, 3), seed: 1 },
      settingsFor({ tables }, model),
    );
    const [table] = stage.model.tables.tableVariables;
    const before = await table!.read();
    const feeds = batchOf(new Random(8), stage.model.layouts[0]!);
    stage.program.run(
      only(stage.program.inputs, {
        ...feeds,
        ...stage.optimizer.next(new Set(stage.program.inputs)),
        ...stage.feedsOf(-20, feeds),
      }),
    );
    const after = await table!.read();
    const touched = new Set((feeds as Record<string, unknown>)["all.rows"] as Uint32Array);
    let still = 0;
    after.forEach((x, i) => {
      if (!touched.has(Math.floor(i / 3)) && x === before[i]) still++;
    });
    const untouched = (after.length / 3 - touched.size) * 3;
    expect(untouched).toBeGreaterThan(0);
    // L2 of whole tables moves what no batch looks up
    expect(still).toBe(tables === "rows" ? untouched : 0);
    stage.dispose();
  }
});
