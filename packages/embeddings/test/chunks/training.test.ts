// A chunk store in training: like the dense table where nothing is pruned, utilities by the literal formula, files that survive.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adam,
  BufferTooLarge,
  bceWithLogits,
  type Device,
  type Feeds,
  grad,
  input,
  loadTensors,
  mean,
  mul,
  Optimizer,
  openDevice,
  type Program,
  type RowGradient,
  type Rule,
  rowAdagrad,
  rowAdam,
  rowSgd,
  saveTensors,
  square,
  sub,
  sum,
  type Tensor,
} from "@trimtab/tensor-core";
import { feedsOf, needed, Random, randomValues, type Values } from "@trimtab/test-support";
import {
  buildTables,
  ChunkStore,
  ChunkStoreError,
  ChunkStoreTables,
  type EmbeddingTables,
  type FieldSpec,
  LookupInputs,
  type PlannedBatch,
  uniform,
} from "../../src/index.ts";
import { onEachEngine } from "../engines.ts";

setDefaultTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), "trimtab-chunk-training-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIELDS: readonly FieldSpec[] = [
  { name: "user", rows: 50, slots: 1 },
  { name: "tags", rows: 30, slots: 3 },
  { name: "city", rows: 7, slots: 1 },
];
const BATCH = 16;
const DIM = 8;

/** Second-order factorisation machine over the tables, as a training program and a scoring program. */
class Trainer {
  readonly tables: EmbeddingTables;
  readonly #device: Device;
  readonly #optimizer: Optimizer;
  #program: Program<{ loss: Tensor }> | undefined;
  #score: Program<{ logits: Tensor }> | undefined;
  #generation: number | undefined;

  constructor(device: Device, tables: EmbeddingTables, rule: Rule) {
    this.#device = device;
    this.tables = tables;
    this.#optimizer = new Optimizer(device, [{ name: "tables", rule, variables: tables.tableVariables }]);
  }

  get optimizer(): Optimizer {
    return this.#optimizer;
  }

  #logits(projected: Tensor): Tensor {
    return sum(mul(sub(square(sum(projected, [1])), sum(square(projected), [1])), 0.5), [1]);
  }

  async #compile(): Promise<void> {
    const generation = this.tables.live?.generation;
    if (this.#program && this.#generation === generation) return;
    this.#program?.dispose();
    this.#score?.dispose();
    const { projected, live } = this.tables.lookup(
      new LookupInputs(FIELDS, { batch: BATCH, training: true }),
    );
    const loss = mean(bceWithLogits(this.#logits(projected), input("labels", [BATCH])));
    const { parameters } = this.#optimizer;
    const gradients = [...grad(loss, live ? [...parameters, live.touched] : parameters)];
    const moved = live ? live.updates(live.rowGradient(gradients.pop() as Tensor) as RowGradient) : [];
    const updates = [...this.#optimizer.updates(gradients), ...moved];
    this.#program = await this.#device.compile({ outputs: { loss }, updates });
    const scored = this.tables.lookup(new LookupInputs(FIELDS, { batch: BATCH, training: false }));
    this.#score = await this.#device.compile({ outputs: { logits: this.#logits(scored.projected) } });
    this.#generation = generation;
  }

  #feeds(values: Values): {
    feeds: Feeds;
    batch: { tables: { name: string; ids: Uint32Array; plan: PlannedBatch }[] };
  } {
    const { name } = this.tables.layouts[0]!;
    const feeds = feedsOf(this.tables.layouts[0]!, FIELDS, values);
    const get = (part: string) => feeds[`${name}.${part}`] as Uint32Array;
    const plan = {
      rows: get("rows"),
      count: feeds[`${name}.count`] as number,
      sorted: get("sorted"),
      offsets: get("offsets"),
    };
    return { feeds, batch: { tables: [{ name, ids: get("ids"), plan }] } };
  }

  async step(values: Values, labels: Float32Array): Promise<number> {
    const { feeds, batch } = this.#feeds(values);
    await this.tables.live?.prepare(batch);
    await this.#compile();
    const own = this.tables.live?.feeds(batch, true) ?? {};
    const program = this.#program!;
    const needs = new Set(program.inputs);
    const all = { ...feeds, ...own, ...this.#optimizer.next(needs), labels };
    const { loss } = await program.fetch(needed(program, all as Parameters<typeof needed>[1]));
    return loss[0]!;
  }

  async score(values: Values): Promise<number[]> {
    await this.#compile();
    const { feeds, batch } = this.#feeds(values);
    const own = this.tables.live?.feeds(batch, false) ?? {};
    const all = { ...feeds, ...own } as Parameters<typeof needed>[1];
    const { logits } = await this.#score!.fetch(needed(this.#score!, all));
    return [...logits];
  }

  dispose(): void {
    this.#program?.dispose();
    this.#score?.dispose();
    this.#optimizer.dispose();
    this.tables.dispose();
  }
}

/** Rows of data in which small ids are frequent. */
function rowsOf(random: Random): { values: number[][][]; labels: Float32Array } {
  const values = randomValues(FIELDS, BATCH, random).map((row) =>
    row.map((ids, f) => ids.map((id) => Math.floor(id * (id / FIELDS[f]!.rows)))),
  );
  return { values, labels: Float32Array.from({ length: BATCH }, () => (random.next() < 0.4 ? 1 : 0)) };
}

onEachEngine((engine) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ engine });
  });
  afterAll(() => device.dispose());

  const rules: [string, Rule][] = [
    ["rowSgd", rowSgd({ lr: 0.5 })],
    ["rowAdagrad", rowAdagrad({ lr: 0.1, initial: 0.1, l2: 1e-3 })],
    ["rowAdam", rowAdam({ lr: 0.02 })],
  ];

  test.each(rules)(
    "with nothing pruned it trains as the dense table does, to the bit: %s",
    async (_, rule) => {
      const before = device.memory();
      const dense = new Trainer(
        device,
        await buildTables(device, uniform(FIELDS, DIM), { seed: 3, std: 0.3 }),
        rule,
      );
      const options = { fields: FIELDS, dim: DIM, chunks: 4, rule, seed: 3, std: 0.3, capacity: 10 };
      const tables = await ChunkStoreTables.make(device, options);
      const chunked = new Trainer(device, tables, rule);
      const random = new Random(5);
      for (let step = 0; step < 12; step++) {
        const { values, labels } = rowsOf(random);
        expect(await chunked.step(values, labels)).toBe(await dense.step(values, labels));
      }
      expect(tables.generation).toBeGreaterThan(1);
      // rows that were seen: the rest has no memory here
      const { store } = tables;
      const table = (await dense.tables.tableVariables[0]!.read()) as Float32Array;
      const states = await Promise.all([...dense.optimizer.state().values()].map((v) => v.read()));
      const addresses = store.look(Uint32Array.from({ length: 87 }, (_, row) => row));
      const [values, ...rest] = await Promise.all(store.variables.map((v) => v.read()));
      let compared = 0;
      addresses.forEach((address, i) => {
        if (address === 0) return;
        compared++;
        expect([...values!.subarray(address * 2, address * 2 + 2)]).toEqual([
          ...table.subarray(i * 2, i * 2 + 2),
        ]);
        states.forEach((state, n) => {
          expect([...rest[n]!.subarray(address * 2, address * 2 + 2)]).toEqual([
            ...state.subarray(i * 2, i * 2 + 2),
          ]);
        });
      });
      expect(compared).toBe(store.live);
      expect(compared).toBeGreaterThan(100);
      const seen = rowsOf(new Random(5)).values;
      expect(await chunked.score(seen)).toEqual(await dense.score(seen));
      dense.dispose();
      chunked.dispose();
      expect(device.memory()).toEqual(before);
    },
  );

  test("first values that are drawn on the device are those of a large dense table, to the bit", async () => {
    // more than 2^21 numbers: both draw on the device
    const fields = [
      { name: "few", rows: 1000, slots: 1 },
      { name: "many", rows: 270_000, slots: 1 },
    ];
    const options = { fields, dim: 8, chunks: 2, rule: rowSgd({ lr: 0.1 }), seed: 11, std: 0.5 };
    using store = await ChunkStore.make(device, options);
    using dense = await buildTables(device, uniform(fields, 8), { seed: 11, std: 0.5 });
    const rows = Uint32Array.of(0, 1, 999, 1000, 1001, 123_456, 270_999);
    const plan = {
      rows,
      count: rows.length,
      sorted: new Uint32Array(0),
      offsets: new Uint32Array(rows.length + 1),
    };
    store.resolve(plan, 0);
    const table = await dense.tableVariables[0]!.read();
    const values = await store.values.read();
    store.look(rows).forEach((address, i) => {
      const at = rows[Math.floor(i / 2)]! * 8 + (i % 2) * 4;
      expect([...values.subarray(address * 4, address * 4 + 4)]).toEqual([...table.subarray(at, at + 4)]);
    });
  });

  test("pruned chunks read as zero, keep earning utility, and come back at zero", async () => {
    const options = { fields: FIELDS, dim: DIM, chunks: 2, rule: rowAdam({ lr: 0.02 }), seed: 3, std: 0.3 };
    const tables = await ChunkStoreTables.make(device, options);
    const trainer = new Trainer(device, tables, options.rule);
    const { store } = tables;
    const random = new Random(6);
    const { values, labels } = rowsOf(random);
    for (let step = 0; step < 3; step++) await trainer.step(values, labels);
    const row = store.shape.layout.fields[0]!.base + values[0]![0]![0]!;
    const other = store.look([row])[1]!;
    store.adjust({ evict: { rows: [row], chunks: [0] }, restore: { rows: [], chunks: [] } });
    const pruned = (await store.utilities()).of(row, 0);
    expect(pruned).toBeGreaterThan(0);
    expect([...store.look([row])]).toEqual([0, other]);
    await trainer.step(values, labels);
    const earned = (await store.utilities()).of(row, 0);
    expect(earned).toBeGreaterThan(pruned * 0.99);
    store.adjust({ evict: { rows: [], chunks: [] }, restore: { rows: [row], chunks: [0] } });
    expect((await store.utilities()).of(row, 0)).toBeCloseTo(earned, 6);
    const [address] = store.look([row]);
    const [read, m, v] = await Promise.all(
      store.variables.map((x) => x.read(address! * 4 * (x.shape[1]! / 4), x.shape[1])),
    );
    for (const all of [read!, m!, v!]) expect([...all]).toEqual([0, 0, 0, 0]);
    trainer.dispose();
  });

  test("utilities are those of the literal formula, over many steps and rescalings", async () => {
    const gamma = 0.8;
    const options = {
      fields: FIELDS,
      dim: DIM,
      chunks: 4,
      rule: rowSgd({ lr: 0.3 }),
      seed: 3,
      std: 0.3,
      gamma,
    };
    const tables = await ChunkStoreTables.make(device, options);
    const { store } = tables;
    const trainer = new Trainer(device, tables, options.rule);
    const random = new Random(8);
    const literal = new Map<number, number>();
    // 0.8^-75 is 2^24: three rescalings
    for (let step = 0; step < 240; step++) {
      const { values, labels } = rowsOf(random);
      const logits = await trainer.score(values);
      const vectors = await vectorsBefore(store, values);
      await trainer.step(values, labels);
      if (step === 0) continue;
      for (const [owner, u] of literal) literal.set(owner, gamma * u);
      for (const [owner, gain] of gains(values, labels, logits, vectors)) {
        literal.set(owner, (literal.get(owner) ?? 0) + gain);
      }
    }
    const utilities = await store.utilities();
    // the first step is not in the literal sums: rows had no values to score before it
    for (const [owner, u] of literal) {
      const read = utilities.of(Math.floor(owner / 4), owner % 4);
      expect(Math.abs(read - u)).toBeLessThan(1e-6 + 1e-3 * u);
    }
    expect(literal.size).toBeGreaterThan(200);
    trainer.dispose();
  });

  test("what was saved goes on to the same bits", async () => {
    const path = join(folder, `${engine}-resume.safetensors`);
    const options = {
      fields: FIELDS,
      dim: DIM,
      chunks: 4,
      rule: rowAdam({ lr: 0.02 }),
      seed: 3,
      std: 0.3,
      target: 180,
      candidateBytes: 4000,
    };
    const run = async (
      resumeAt?: number,
    ): Promise<{ losses: number[]; file: Awaited<ReturnType<ChunkStore["capture"]>> }> => {
      let trainer = new Trainer(device, await ChunkStoreTables.make(device, options), options.rule);
      const random = new Random(9);
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) {
        const { store } = trainer.tables as ChunkStoreTables;
        if (step % 4 === 3) await halve(store);
        if (step === resumeAt) {
          saveTensors(path, await store.capture());
          const tables = await ChunkStoreTables.make(device, options);
          await tables.restore(loadTensors(path), path);
          const next = new Trainer(device, tables, options.rule);
          next.optimizer.step = trainer.optimizer.step;
          trainer.dispose();
          trainer = next;
        }
        const { values, labels } = rowsOf(random);
        losses.push(await trainer.step(values, labels));
      }
      const file = await (trainer.tables as ChunkStoreTables).capture();
      trainer.dispose();
      return { losses, file };
    };
    const whole = await run();
    for (const at of [4, 10]) {
      const resumed = await run(at);
      expect(resumed.losses).toEqual(whole.losses);
      expect(resumed.file.metadata).toEqual(whole.file.metadata);
      for (const [name, { data }] of whole.file.tensors)
        expect(resumed.file.tensors.get(name)!.data).toEqual(data);
    }
  });

  test("a file of another store, or a damaged one, is refused and changes nothing", async () => {
    const options = { fields: FIELDS, dim: DIM, chunks: 4, rule: rowAdam({ lr: 0.02 }), seed: 3 };
    using store = await ChunkStore.make(device, options);
    const plan = {
      rows: Uint32Array.of(1, 5),
      count: 2,
      sorted: new Uint32Array(0),
      offsets: new Uint32Array(3),
    };
    store.resolve(plan, 0);
    const file = await store.capture();
    using other = await ChunkStore.make(device, { ...options, chunks: 2 });
    expect(await caught(() => other.restore(file, "old.safetensors"))).toContain(
      "old.safetensors: is of a store with other chunks",
    );
    expect(await caught(() => store.restore({ tensors: new Map(), metadata: {} }, "x"))).toContain(
      "holds no chunk store",
    );
    const damaged = new Map(file.tensors);
    const map = file.tensors.get("map")!;
    damaged.set("map", { ...map, data: (map.data as Int32Array).map((w) => (w === 3 ? 4 : w)) });
    expect(await caught(() => store.restore({ ...file, tensors: damaged }, "x"))).toContain("x: is damaged");
    const held = () => {
      const { variables, variableBytes, programs } = device.memory();
      return { variables, variableBytes, programs };
    };
    const before = held();
    expect(store.live).toBe(8);
    await store.restore(file, "x");
    expect(store.live).toBe(8);
    expect(held()).toEqual(before);
  });

  test("what does not fit the device is refused by name, and the store goes on", async () => {
    using small = await openDevice({ engine, maxBindingBytes: 2 ** 20 });
    const options = {
      fields: FIELDS,
      dim: DIM,
      chunks: 4,
      rule: rowAdam({ lr: 0.02 }),
      seed: 3,
      capacity: 100,
    };
    using store = await ChunkStore.make(small, options);
    const before = small.memory();
    const error = await store.grow(2 ** 20).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BufferTooLarge);
    expect(small.memory()).toEqual(before);
    await store.grow(200);
    expect(store.capacity).toBe(200);
  });

  test("nothing may happen while the store is resized or copied", async () => {
    const options = {
      fields: FIELDS,
      dim: DIM,
      chunks: 4,
      rule: rowAdam({ lr: 0.02 }),
      seed: 3,
      capacity: 100,
    };
    using store = await ChunkStore.make(device, options);
    const plan = {
      rows: Uint32Array.of(1),
      count: 1,
      sorted: new Uint32Array(0),
      offsets: new Uint32Array(2),
    };
    const growing = store.grow(300);
    expect(() => store.resolve(plan, 0)).toThrow("resize is still under way");
    await growing;
    const utilities = await store.utilities();
    store.resolve(plan, 0);
    expect(() => utilities.of(1, 0)).toThrow("has changed since");
  });

  test("options that cannot be are refused by name", async () => {
    const good = { fields: FIELDS, dim: 8, chunks: 4, rule: rowSgd({ lr: 1 }), seed: 1 };
    const bad: [object, string][] = [
      [{ chunks: 3 }, "3 equal chunks"],
      [{ rule: adam({ lr: 1 }) }, "use rowSgd, rowAdagrad or rowAdam"],
      [{ gamma: 0 }, "gamma 0"],
      [{ candidateBytes: -1 }, "candidateBytes -1"],
      [{ capacity: 1.5 }, "capacity 1.5"],
      [{ dim: 0 }, "dim 0"],
      [{ fields: [{ name: "a", rows: 2 ** 41, slots: 1 }] }, "fewer than 2^40"],
    ];
    for (const [change, text] of bad) {
      const error = (await ChunkStore.make(device, { ...good, ...change }).catch((e: unknown) => e)) as Error;
      expect(error).toBeInstanceOf(ChunkStoreError);
      expect(error.message).toContain(text);
    }
  });
});

describe("a process killed while it saves", () => {
  test("leaves a store that loads", async () => {
    const path = join(folder, "killed.safetensors");
    const child = join(import.meta.dir, "saving-child.ts");
    using device = await openDevice({ engine: "cpu", threads: 1 });
    let loaded = 0;
    const random = new Random(4);
    for (let round = 0; round < 4; round++) {
      const process_ = Bun.spawn([process.execPath, child, path], { stdout: "pipe", stderr: "inherit" });
      const reader = process_.stdout.getReader();
      await reader.read();
      await Bun.sleep(random.next() * 120);
      process_.kill("SIGKILL");
      await process_.exited;
      expect(existsSync(path)).toBe(true);
      using store = await ChunkStore.make(device, {
        fields: FIELDS,
        dim: 8,
        chunks: 4,
        rule: rowAdam({ lr: 0.1 }),
        seed: 1,
      });
      await store.restore(loadTensors(path), path);
      expect(store.live).toBeGreaterThan(0);
      expect(store.live + store.free).toBe(store.capacity);
      loaded++;
    }
    expect(loaded).toBe(4);
    expect(readdirSync(folder).filter((name) => name.startsWith("killed")).length).toBeLessThanOrEqual(2);
  });
});

async function caught(run: () => Promise<unknown>): Promise<string> {
  const error = await run().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ChunkStoreError);
  return (error as Error).message;
}

/** Prunes the half of live chunks with the least utility, and restores a few candidates with the most. */
async function halve(store: ChunkStore): Promise<void> {
  const utilities = await store.utilities();
  const live: [number, number, number][] = [];
  const idle: [number, number, number][] = [];
  utilities.each((row, chunk, u, is) => (is ? live : idle).push([u, row, chunk]));
  live.sort((a, b) => a[0] - b[0]);
  idle.sort((a, b) => b[0] - a[0]);
  const list = (them: [number, number, number][]) => ({
    rows: them.map((c) => c[1]),
    chunks: them.map((c) => c[2]),
  });
  store.adjust({ evict: list(live.slice(0, live.length >> 1)), restore: list(idle.slice(0, 10)) });
  if (store.free > 40) await store.shrink(store.live + 20);
}

/** Pooled vectors [row][field][dim] as the store has them now. */
async function vectorsBefore(store: ChunkStore, values: Values): Promise<number[][][]> {
  const table = (await store.values.read()) as Float32Array;
  const { layout, width } = store.shape;
  return values.map((row) =>
    layout.fields.map(({ field, base }) => {
      const out = new Array(DIM).fill(0);
      for (const id of row[field]!) {
        store.look([base + id]).forEach((address, k) => {
          for (let j = 0; j < width; j++)
            out[k * width + j] += table[address * width + j]! / row[field]!.length;
        });
      }
      return out;
    }),
  );
}

/** accesses x gradient norm by row x 4 + chunk, of a mean cross-entropy of a second-order factorisation machine. */
function gains(
  values: Values,
  labels: Float32Array,
  logits: readonly number[],
  vectors: readonly (readonly (readonly number[])[])[],
): Map<number, number> {
  const sums = new Map<number, number[]>();
  const accesses = new Map<number, number>();
  const bases = [0, 50, 80];
  values.forEach((row, b) => {
    const slope = (1 / (1 + Math.exp(-logits[b]!)) - labels[b]!) / BATCH;
    const total = Array.from({ length: DIM }, (_, j) => vectors[b]!.reduce((n, v) => n + v[j]!, 0));
    row.forEach((ids, f) => {
      for (const id of ids) {
        const key = bases[f]! + id;
        accesses.set(key, (accesses.get(key) ?? 0) + 1);
        const sum = sums.get(key) ?? new Array(DIM).fill(0);
        for (let j = 0; j < DIM; j++) sum[j]! += (slope * (total[j]! - vectors[b]![f]![j]!)) / ids.length;
        sums.set(key, sum);
      }
    });
  });
  const out = new Map<number, number>();
  for (const [row, sum] of sums) {
    for (let k = 0; k < 4; k++)
      out.set(row * 4 + k, accesses.get(row)! * Math.hypot(sum[2 * k]!, sum[2 * k + 1]!));
  }
  return out;
}
