import { describe, expect, test } from "bun:test";
import { asyncLaw, law } from "@trimtab/test-support";
import fc from "fast-check";
import { RingSource } from "../src/batch-source.ts";
import {
  type Batch,
  BatchError,
  type BatchSourceOptions,
  buildPlan,
  type Columns,
  createBatchSource,
  type FieldInfo,
  hashedRow,
  IdRangeError,
  openBatches,
  PAD,
  permutation,
  Random,
  type TableLayout,
  WorkerError,
} from "../src/index.ts";

const fields: FieldInfo[] = [
  { name: "user", kind: "categorical", rows: 40, slots: 1 },
  { name: "genres", kind: "multi", rows: 9, slots: 3 },
  { name: "hour", kind: "numeric", rows: 25, slots: 1 },
];
const tables: TableLayout[] = [
  {
    name: "all",
    rows: 74,
    fields: [
      { field: 0, base: 0 },
      { field: 1, base: 40 },
      { field: 2, base: 49 },
    ],
  },
  {
    name: "hours first",
    rows: 70,
    fields: [
      { field: 2, base: 45 },
      { field: 0, base: 5 },
    ],
  },
];

function columns(rows: number, seed = 1): Columns {
  const random = new Random(seed);
  const below = (n: number): number => Math.floor(random.uniform() * n);
  const genres = new Uint32Array(rows * 3).fill(PAD);
  for (let r = 0; r < rows; r++) for (let s = 0; s <= below(3); s++) genres[r * 3 + s] = below(9);
  return {
    rows,
    labels: Float32Array.from({ length: rows }, () => below(2)),
    users: Uint32Array.from({ length: rows }, (_, r) => r),
    ids: [
      Uint32Array.from({ length: rows }, () => below(40)),
      genres,
      Uint32Array.from({ length: rows }, () => below(25)),
    ],
  };
}

const options = (more: Partial<BatchSourceOptions> = {}): BatchSourceOptions => ({
  fields,
  tables,
  batch: 64,
  seed: 3,
  shuffle: true,
  plans: true,
  ...more,
});

// Everything a batch holds, copied out as plain data, so that two batches can be compared byte for byte.
function bytes(batch: Batch): unknown {
  return {
    rows: batch.rows,
    index: batch.index,
    epoch: batch.epoch,
    labels: [...batch.labels],
    users: [...(batch.users ?? [])],
    tables: batch.tables.map(({ name, ids, weights, plan }) => ({
      name,
      ids: [...ids],
      weights: weights && [...weights],
      plan: plan && {
        ...plan,
        sorted: [...plan.sorted],
        rows: [...plan.rows],
        offsets: [...plan.offsets],
        pieceOffsets: [...plan.pieceOffsets],
        pieceFrom: [...plan.pieceFrom],
        pieceTo: [...plan.pieceTo],
      },
    })),
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const batch of batches) {
    all.push(bytes(batch));
    batch.release();
  }
  return all;
}

describe("the order of an epoch", () => {
  test("is a permutation, the same for the same seed and epoch", () => {
    law(
      fc.property(fc.nat({ max: 3000 }), fc.nat(), fc.nat({ max: 100 }), (n, seed, epoch) => {
        const order = permutation(n, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(permutation(n, seed, epoch)).toEqual(order);
      }),
    );
  });

  test("differs between epochs and seeds, also above 2^32", () => {
    const seen = new Set(
      [0, 1, 2 ** 32, 2 ** 32 + 1].flatMap((s) => [0, 1].map((e) => permutation(50, s, e).join())),
    );
    expect(seen.size).toBe(8);
  });

  test("has no favourites: every value is first about equally often", () => {
    const first = new Array(7).fill(0);
    for (let e = 0; e < 7000; e++) first[permutation(7, 11, e)[0]!]++;
    // 1000 expected, standard deviation 29; six of them.
    for (const n of first) expect(Math.abs(n - 1000)).toBeLessThan(176);
  });
});

describe("batches", () => {
  test("hold every row of the data once, with its own label, ids and weights", async () => {
    const data = columns(500);
    const seen: number[] = [];
    for await (const batch of openBatches(data, { ...options({ worker: false }), epoch: 0 })) {
      const [all, hours] = batch.tables;
      for (let i = 0; i < batch.rows; i++) {
        const row = batch.users![i]!;
        seen.push(row);
        expect(batch.labels[i]).toBe(data.labels[row]!);
        const genres = [...data.ids[1]!.subarray(row * 3, row * 3 + 3)];
        const k = genres.filter((id) => id !== PAD).length;
        expect([...all!.ids.subarray(i * 5, i * 5 + 5)]).toEqual([
          data.ids[0]![row]!,
          ...genres.map((id) => (id === PAD ? 0 : 40 + id)),
          49 + data.ids[2]![row]!,
        ]);
        expect([...all!.weights!.subarray(i * 5, i * 5 + 5)]).toEqual([
          1,
          ...genres.map((id) => (id === PAD ? 0 : Math.fround(1 / k))),
          1,
        ]);
        expect([...hours!.ids.subarray(i * 2, i * 2 + 2)]).toEqual([
          45 + data.ids[2]![row]!,
          5 + data.ids[0]![row]!,
        ]);
        expect(hours!.weights).toBeUndefined();
      }
      // The plan is that of the ids, with padded slots left out.
      const keys = all!.ids.map((id, at) => (all!.weights![at] === 0 ? PAD : id));
      expect(all!.plan).toEqual(buildPlan(keys, 74));
      expect(hours!.plan).toEqual(buildPlan(hours!.ids.slice(), 70));
      batch.release();
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test("keep the order of the data when not shuffled, and the last part batch", async () => {
    const sizes: number[] = [];
    const rows: number[] = [];
    for await (const batch of openBatches(columns(150), {
      ...options({ shuffle: false, plans: false }),
      epoch: 5,
    })) {
      sizes.push(batch.rows);
      rows.push(...batch.users!);
      expect(batch.tables[0]!.plan).toBeUndefined();
      batch.release();
    }
    expect(sizes).toEqual([64, 64, 22]);
    expect(rows).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });

  test("dropLast leaves the part batch out", async () => {
    const batches = openBatches(columns(150), { ...options({ dropLast: true }), epoch: 0 });
    expect(batches.batches).toBe(2);
    expect(await collect(batches)).toHaveLength(2);
  });

  test("are the same bytes from the worker and in the thread, and resume where they were left", async () => {
    const data = columns(700);
    const worker = createBatchSource(data, options());
    try {
      await asyncLaw(
        fc.asyncProperty(
          fc.nat({ max: 5 }),
          fc.nat({ max: 11 }),
          fc.constantFrom(1, 2, 4),
          async (epoch, from, ring) => {
            const thread = createBatchSource(data, options({ worker: false, ring }));
            const whole = await collect(thread.epoch(epoch));
            expect(await collect(thread.epoch(epoch, { from }))).toEqual(whole.slice(from));
            expect(await collect(worker.epoch(epoch, { from }))).toEqual(whole.slice(from));
          },
        ),
        20,
      );
    } finally {
      await worker.close();
    }
  });

  test("an epoch left half way does not spoil the next one", async () => {
    const data = columns(700);
    const source = createBatchSource(data, options());
    const thread = createBatchSource(data, options({ worker: false }));
    const held: Batch[] = [];
    for await (const batch of source.epoch(0)) {
      held.push(batch);
      if (held.length === 2) break;
    }
    const second = source.epoch(1)[Symbol.asyncIterator]();
    const one = await second.next();
    expect(one.done).toBe(false);
    if (!one.done) one.value.release();
    for (const batch of held) batch.release();
    // Starting another epoch ends the one before it.
    expect(await collect(source.epoch(2))).toEqual(await collect(thread.epoch(2)));
    expect((await second.next()).done).toBe(true);
    await source.close();
  });

  test("a held batch is not overwritten while others are made", async () => {
    const source = createBatchSource(columns(700), options());
    let first: { batch: Batch; copy: unknown } | undefined;
    for await (const batch of source.epoch(0)) {
      if (!first) first = { batch, copy: bytes(batch) };
      else batch.release();
    }
    expect(bytes(first!.batch)).toEqual(first!.copy);
    first!.batch.release();
    first!.batch.release();
    await source.close();
  });
});

describe("a field of fewer rows than ids", () => {
  const hashed: TableLayout = {
    name: "hashed",
    rows: 26,
    fields: [
      { field: 0, base: 4, hash: { rows: 7, rule: "mixed" } },
      { field: 1, base: 0, hash: { rows: 4, rule: "modulo" } },
      { field: 2, base: 1 },
    ],
  };

  test("has the hashed rows, weights and plan, from the worker too; other tables are as before", async () => {
    const data = columns(500);
    const both = options({ tables: [hashed, tables[0]!], worker: false });
    const found = await collect(openBatches(data, { ...both, epoch: 0 }));
    expect(await collect(openBatches(data, { ...both, worker: true, epoch: 0 }))).toEqual(found);
    const alone = await collect(openBatches(data, { ...options({ worker: false }), epoch: 0 }));
    type Copy = { users: number[]; tables: { ids: number[]; weights: number[]; plan: unknown }[] };
    for (const [b, batch] of (found as Copy[]).entries()) {
      const [own, plain] = batch.tables;
      expect(plain).toEqual((alone[b] as Copy).tables[0]);
      expect(own!.weights).toEqual(plain!.weights);
      batch.users.forEach((row, i) => {
        const genres = [...data.ids[1]!.subarray(row * 3, row * 3 + 3)];
        expect(own!.ids.slice(i * 5, i * 5 + 5)).toEqual([
          4 + hashedRow(data.ids[0]![row]!, { rows: 7, rule: "mixed" }),
          ...genres.map((id) => (id === PAD ? 0 : hashedRow(id, { rows: 4, rule: "modulo" }))),
          1 + data.ids[2]![row]!,
        ]);
      });
      const keys = Uint32Array.from(own!.ids, (id, at) => (own!.weights[at] === 0 ? PAD : id));
      const plan = buildPlan(keys, 26);
      const copy = (list: Uint32Array) => [...list];
      expect(own!.plan).toEqual({
        ...plan,
        sorted: copy(plan.sorted),
        rows: copy(plan.rows),
        offsets: copy(plan.offsets),
        pieceOffsets: copy(plan.pieceOffsets),
        pieceFrom: copy(plan.pieceFrom),
        pieceTo: copy(plan.pieceTo),
      });
    }
  });

  test("law: rows are in range, id 0 is alone, the same id has the same row", () => {
    const rule = fc.constantFrom("mixed" as const, "modulo" as const);
    law(
      fc.property(
        fc.integer({ min: 1, max: 0xffff_fffe }),
        fc.integer({ min: 2, max: 1 << 22 }),
        rule,
        (id, rows, by) => {
          const hash = { rows, rule: by };
          const row = hashedRow(id, hash);
          expect(Number.isInteger(row) && row >= 1 && row < rows).toBe(true);
          expect(hashedRow(id, { ...hash })).toBe(row);
          expect(hashedRow(0, hash)).toBe(0);
        },
      ),
      1000,
    );
  });

  test("ids spread over the rows: by chance when mixed, evenly by modulo", () => {
    const counts = (rule: "mixed" | "modulo") => {
      const all = new Array<number>(101).fill(0);
      for (let id = 1; id <= 100_000; id++) all[hashedRow(id, { rows: 101, rule })]!++;
      return all.slice(1);
    };
    expect(new Set(counts("modulo"))).toEqual(new Set([1000]));
    // 1000 expected, standard deviation 31; six of them
    for (const n of counts("mixed")) expect(Math.abs(n - 1000)).toBeLessThan(190);
    // as many ids as rows: chance leaves about a share of 1/e of the rows empty
    const taken = new Set(
      Array.from({ length: 10_000 }, (_, i) => hashedRow(i + 1, { rows: 10_001, rule: "mixed" })),
    );
    expect(taken.size / 10_000).toBeGreaterThan(0.6);
    expect(taken.size / 10_000).toBeLessThan(0.66);
  });

  test("needs a row beside row 0, and room in the table", () => {
    const open =
      (rows: number, base = 0) =>
      () =>
        createBatchSource(columns(100), {
          ...options({ worker: false }),
          tables: [{ name: "t", rows: 9, fields: [{ field: 0, base, hash: { rows, rule: "mixed" } }] }],
        });
    expect(open(1)).toThrow(/field "user" is hashed to 1 rows/);
    expect(open(2.5)).toThrow(/hashed to 2.5 rows/);
    expect(open(9, 1)).toThrow(/takes rows 1 to 9/);
    expect(open(9)).not.toThrow();
  });
});

describe("the worker", () => {
  const exited = (source: unknown): Promise<number> =>
    new Promise((resolve) => {
      const { worker } = (source as { pump: { worker: { once(e: string, f: (c: number) => void): void } } })
        .pump;
      worker.once("exit", resolve);
    });

  test("ends on close, on break and at the end of a single epoch", async () => {
    const source = new RingSource(columns(700), options());
    const gone = exited(source);
    const batch = await source.epoch(0)[Symbol.asyncIterator]().next();
    expect(batch.done).toBe(false);
    await source.close();
    await source.close();
    await gone;
    expect(() => source.epoch(1)).toThrow(/closed/);
    for await (const one of openBatches(columns(700), { ...options(), epoch: 0 })) {
      one.release();
      break;
    }
  });

  test("close wakes a step that waits for a batch", async () => {
    const source = createBatchSource(columns(700), options());
    const waiting = source.epoch(0)[Symbol.asyncIterator]().next();
    await source.close();
    const result = await waiting;
    if (!result.done) result.value.release();
  });

  test("that dies becomes one clear error, now and later", async () => {
    const source = new RingSource(columns(700), options());
    const gone = exited(source);
    const iterator = source.epoch(0)[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (!first.done) first.value.release();
    await (source.pump as unknown as { worker: { terminate(): Promise<number> } }).worker.terminate();
    await gone;
    const drain = async (): Promise<void> => {
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        next.value.release();
      }
    };
    await expect(drain()).rejects.toThrow(WorkerError);
    await expect(collect(source.epoch(1))).rejects.toThrow(/batch worker stopped/);
    await source.close();
  });

  test("that meets a bad id becomes one clear error too", async () => {
    const data = columns(700);
    data.ids[0] = new Uint32Array(new SharedArrayBuffer(2800)).fill(3);
    const source = createBatchSource(data, options());
    data.ids[0].fill(7000);
    await expect(collect(source.epoch(0))).rejects.toThrow(/row 70\d\d of a table with 7\d rows/);
    await source.close();
  });

  test("leaves a process free to end although nobody closed it", async () => {
    const script = `
      import { createBatchSource } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).pathname)};
      const n = 10, ids = [new Uint32Array(n)];
      const source = createBatchSource({ rows: n, labels: new Float32Array(n), ids }, {
        fields: [{ name: "a", kind: "categorical", rows: 2, slots: 1 }],
        tables: [{ name: "t", rows: 2, fields: [{ field: 0, base: 0 }] }],
        batch: 4, seed: 1, shuffle: true, plans: true });
      let seen = 0;
      for await (const b of source.epoch(0)) { seen += b.rows; b.release(); }
      console.log("rows", seen);`;
    const run = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
    const late = setTimeout(() => run.kill(), 8000);
    expect(await run.exited).toBe(0);
    clearTimeout(late);
    expect(await new Response(run.stdout).text()).toBe("rows 10\n");
  });
});

describe("bad batch options", () => {
  const open = (more: Partial<BatchSourceOptions>, data = columns(100)) =>
    createBatchSource(data, options({ worker: false, ...more }));

  test("a batch larger than the data", () => {
    expect(() => open({ batch: 101 })).toThrow(BatchError);
    expect(() => open({ batch: 101 })).toThrow(
      /batch of 101 rows was asked of data with 100 rows.*at most 100/,
    );
  });
  test("a batch of no rows", () => expect(() => open({ batch: 0 })).toThrow(/batch is 0/));
  test("an id out of range names field, row and id", () => {
    const data = columns(100);
    data.ids[2]![17] = 25;
    expect(() => open({}, data)).toThrow(IdRangeError);
    expect(() => open({}, data)).toThrow(/field "hour" has id 25 in row 17, but its table has 25 rows/);
  });
  test("padding in a field with single values is an id out of range", () => {
    const data = columns(100);
    data.ids[0]![3] = PAD;
    expect(() => open({}, data)).toThrow(/field "user" has id 4294967295 in row 3/);
  });
  test("a layout with an unknown field, too few rows, or none", () => {
    expect(() => open({ tables: [{ name: "t", rows: 9, fields: [{ field: 3, base: 0 }] }] })).toThrow(
      /names field 3/,
    );
    expect(() => open({ tables: [{ name: "t", rows: 9, fields: [{ field: 0, base: 0 }] }] })).toThrow(
      /table "t" has 9 rows, but field "user" takes rows 0 to 39/,
    );
    expect(() => open({ tables: [{ name: "t", rows: 9, fields: [] }] })).toThrow(/no fields/);
    expect(() => open({ tables: [{ name: "t", rows: 2 ** 31, fields: [{ field: 0, base: 0 }] }] })).toThrow(
      /table "t" has 2147483648 rows.*at most 2147483647/,
    );
  });
  test("columns of the wrong length", () => {
    const data = columns(100);
    expect(() => open({}, { ...data, ids: data.ids.slice(1) })).toThrow(
      /2 id columns were given for 3 fields/,
    );
    expect(() => open({}, { ...data, labels: new Float32Array(3) })).toThrow(/3 labels/);
    expect(() => open({}, { ...data, ids: [data.ids[0]!, data.ids[0]!, data.ids[2]!] })).toThrow(
      /100 rows x 3 slots/,
    );
  });
  test("a start beyond the epoch, and a ring of none", () => {
    expect(() => open({}).epoch(0, { from: 3 })).toThrow(/cannot start at batch 3/);
    expect(() => open({ ring: 0 })).toThrow(/ring is 0/);
  });
  test("asking for more batches than the ring holds", async () => {
    for (const worker of [true, false]) {
      const source = createBatchSource(columns(700), options({ worker, ring: 3 }));
      const iterator = source.epoch(0)[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) await iterator.next();
      await iterator.next().then(
        () => expect.unreachable(),
        (error) => expect(error.message).toMatch(/all 3 batches of the ring are held.*release/),
      );
      await source.close();
    }
  });
});
