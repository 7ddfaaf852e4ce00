// Row-chunk schemes and their compact tables: bytes, files, first values, lookups and training, against element masks and dense tables.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adam,
  cast,
  type Device,
  grad,
  input,
  loadTensors,
  mul,
  Optimizer,
  openDevice,
  type Rule,
  rowAdam,
  rowSgd,
  saveTensors,
  sum,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, law, needed, Random, randomValues, type Values } from "@trimtab/test-support";
import fc from "fast-check";
import {
  buildTables,
  ChunkStore,
  ChunkTables,
  compareSchemes,
  drawScheme,
  ELEMENT_LAYOUTS,
  type ElementScheme,
  type EmbeddingTables,
  elements,
  LookupInputs,
  loadScheme,
  loadTables,
  type RowChunkScheme,
  rowChunks,
  SchemeError,
  saveScheme,
  saveTables,
  schemeFromJSON,
  TablesError,
  uniform,
} from "../../src/index.ts";
import { onEachEngine } from "../engines.ts";
import { fieldsOf, randomMask } from "../schemes.ts";

setDefaultTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), "trimtab-row-chunks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Row chunks over random fields: empty, sparse and full fields, empty rows, in every layout. */
function schemes(): fc.Arbitrary<RowChunkScheme> {
  const share = fc.constantFrom(0, 0.05, 0.3, 0.9, 1);
  const shape = fc.record({
    chunks: fc.integer({ min: 1, max: 6 }),
    width: fc.constantFrom(1, 2, 4),
    layout: fc.constantFrom(undefined, ...ELEMENT_LAYOUTS),
  });
  return fc.tuple(fieldsOf(30), shape).chain(([fields, { chunks, width, layout }]) =>
    fc.tuple(...fields.map(() => fc.tuple(share, fc.constantFrom(0, 0.5), fc.nat()))).map((how) => {
      const masks = fields.map((f, i) => randomMask(f.rows * chunks, chunks, ...how[i]!));
      return rowChunks(fields, { dim: chunks * width, chunks, masks, layout });
    }),
  );
}

/** The same numbers as an element mask, in the same layout. */
function asElements(scheme: RowChunkScheme): ElementScheme {
  const { fields, base, chunks, width, layout } = scheme;
  const masks = fields.map(({ rows }, f) => {
    const mask = new Uint32Array(Math.ceil((rows * base) / 32));
    scheme.eachChunk(f, (owner) => {
      for (let j = 0; j < width; j++) {
        const bit = Math.floor(owner / chunks) * base + (owner % chunks) * width + j;
        mask[bit >>> 5]! |= 1 << (bit & 31);
      }
    });
    return mask;
  });
  return elements(fields, { dim: base, masks, layout });
}

describe("row-chunk schemes", () => {
  test("law: they count what the same element mask counts, and come back from JSON and files", () => {
    const path = join(folder, "scheme.json");
    law(
      fc.property(schemes(), (scheme) => {
        const same = asElements(scheme);
        expect(scheme.parameters).toBe(same.parameters);
        expect([...scheme.dims]).toEqual([...same.dims]);
        expect(scheme.uses().map((u) => [u.field, u.parameters, u.meanDim])).toEqual(
          same.uses().map((u) => [u.field, u.parameters, u.meanDim]),
        );
        expect(scheme.uses().reduce((n, u) => n + u.bytes, 0)).toBe(scheme.serveBytes());
        expect(scheme.trainBytes({ slots: 2 }) - scheme.trainBytes({ slots: 0 })).toBe(8 * scheme.parameters);
        expect(schemeFromJSON(JSON.parse(JSON.stringify(scheme.toJSON()))).toJSON()).toEqual(scheme.toJSON());
        saveScheme(path, scheme);
        const back = loadScheme(path) as RowChunkScheme;
        expect(back.toJSON()).toEqual(scheme.toJSON());
        expect(back.contains(scheme) && scheme.contains(back)).toBe(true);
        expect(compareSchemes(scheme, back).sharedNumbers).toBe(1);
        expect(scheme.describe()).toContain("chunks");
        expect(drawScheme(scheme)).toContain(scheme.fields[0]!.name);
        // the index of chunks is never larger than that of their numbers
        for (const layout of ELEMENT_LAYOUTS)
          expect(scheme.serveBytes(layout)).toBeLessThanOrEqual(same.serveBytes(layout));
      }),
      60,
    );
  });

  test("containment, and what is refused", () => {
    const fields = [{ name: "a", rows: 4, slots: 1 }];
    const one = (...words: number[]) =>
      rowChunks(fields, { dim: 8, chunks: 2, masks: [Uint32Array.from(words)] });
    expect(one(0b1111_0011).contains(one(0b0001_0001))).toBe(true);
    expect(one(0b0001_0001).contains(one(0b1111_0011))).toBe(false);
    expect(one(0b0011).shared(one(0b0110))).toBe(1 / 3);
    expect(one(0b100).has(0, 1, 0)).toBe(true);
    expect(one(0b100).count()).toBe(1);
    const other = rowChunks(fields, { dim: 8, chunks: 4, masks: [Uint32Array.of(0)] });
    expect(() => one(1).contains(other)).toThrow("cut dim 8 into 2 and dim 8 into 4 chunks");
    expect(() => rowChunks(fields, { dim: 8, chunks: 3, masks: [Uint32Array.of(0)] })).toThrow(SchemeError);
    expect(() => one(0b1_0000_0000)).toThrow("bits behind");
    expect(() => schemeFromJSON({ ...one(1).toJSON(), chunks: "2" })).toThrow("chunks");
  });
});

function allFeeds(tables: EmbeddingTables, values: Values) {
  return Object.assign({}, ...tables.layouts.map((l) => feedsOf(l, tables.scheme.fields, values)));
}

onEachEngine((engine) => {
  const runs = engine === "cpu" ? 25 : 3;
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ engine });
  });
  afterAll(() => device.dispose());

  async function looked(tables: EmbeddingTables, values: Values): Promise<number[]> {
    const inputs = new LookupInputs(tables.scheme.fields, { batch: values.length, training: false });
    using program = await device.compile({ outputs: { x: tables.lookup(inputs).projected } });
    const { x } = await program.fetch(needed(program, allFeeds(tables, values)));
    return [...x];
  }

  test("law: formula, buffers and file have the same bytes, the file comes back, nothing is left", async () => {
    const path = join(folder, `${engine}.safetensors`);
    await asyncLaw(
      fc.asyncProperty(schemes(), async (scheme) => {
        const before = device.memory();
        const tables = (await buildTables(device, scheme, { seed: 1, std: 1 })) as ChunkTables;
        expect(device.memory().variableBytes - before.variableBytes).toBe(scheme.serveBytes());
        expect(tables.bytes).toBe(scheme.serveBytes());
        await saveTables(path, tables);
        const header = Number(readFileSync(path).readBigUInt64LE(0));
        expect(statSync(path).size - 8 - header).toBe(scheme.serveBytes());
        const back = loadTables(device, path) as ChunkTables;
        expect(back).toBeInstanceOf(ChunkTables);
        expect(back.scheme.toJSON()).toEqual(scheme.toJSON());
        expect(await back.values?.read()).toEqual(await tables.values?.read());
        back.dispose();
        tables.dispose();
        expect(device.memory()).toEqual(before);
      }),
      runs,
    );
  });

  test("a damaged file is refused by name", async () => {
    const fields = [{ name: "a", rows: 40, slots: 1 }];
    const scheme = rowChunks(fields, { dim: 8, chunks: 4, masks: [randomMask(160, 4, 0.5, 0, 3)] });
    using tables = await buildTables(device, scheme, { seed: 1 });
    const path = join(folder, `${engine}-damaged.safetensors`);
    await saveTables(path, tables);
    const file = loadTensors(path);
    const { "trimtab.sha256": _, ...metadata } = file.metadata;
    for (const broken of [
      { ...file, metadata: { ...metadata, chunkWidth: "7" } },
      { metadata, tensors: new Map([...file.tensors].filter(([name]) => name !== "mask")) },
    ]) {
      saveTensors(path, broken);
      expect(() => loadTables(device, path)).toThrow(TablesError);
      expect(() => loadTables(device, path)).toThrow(path);
    }
  });

  test("law: first values and lookups are those of the same element mask, to the bit", async () => {
    await asyncLaw(
      fc.asyncProperty(schemes(), fc.integer({ min: 1, max: 9 }), fc.nat(), async (scheme, batch, seed) => {
        fc.pre(scheme.parameters > 0);
        using tables = await buildTables(device, scheme, { seed, std: 1 });
        using same = await buildTables(device, asElements(scheme), { seed, std: 1 });
        const values = randomValues(scheme.fields, batch, new Random(seed));
        expect(await looked(tables, values)).toEqual(await looked(same, values));
      }),
      runs,
    );
  });

  const rules: [string, Rule][] = [
    ["rowSgd", rowSgd({ lr: 0.1 })],
    ["rowAdam", rowAdam({ lr: 0.1, l2: 0.01 })],
    ["adam", adam({ lr: 0.1, l2: 0.01 })],
  ];
  test.each(rules)(
    "law: with what exists fixed they train as the same element mask does, to the bit: %s",
    async (_, rule) => {
      await asyncLaw(
        fc.asyncProperty(schemes(), fc.nat(), async (scheme, seed) => {
          fc.pre(scheme.parameters > 0);
          const ends: Float32Array[] = [];
          for (const one of [scheme, asElements(scheme)]) {
            using tables = await buildTables(device, one, { seed, std: 1 });
            const random = new Random(seed);
            const variables = tables.tableVariables;
            const optimizer = new Optimizer(device, [{ name: "t", rule: tables.ruleOf(rule), variables }]);
            const inputs = new LookupInputs(scheme.fields, { batch: 4, training: true });
            const { projected } = tables.lookup(inputs);
            const loss = sum(mul(projected, mul(projected, cast(input("w", projected.shape), "f32"))));
            using program = await device.compile({
              updates: optimizer.updates(grad(loss, optimizer.parameters)),
            });
            for (let step = 0; step < 3; step++) {
              const feeds = allFeeds(tables, randomValues(scheme.fields, 4, random));
              const w = Float32Array.from({ length: projected.shape.reduce((a, b) => a * b, 1) }, () =>
                random.next(),
              );
              const next = optimizer.next(new Set(program.inputs)) as Record<string, number>;
              program.run(needed(program, { ...feeds, ...next, w }));
            }
            ends.push((await variables[0]!.read()) as Float32Array);
            if (tables instanceof ChunkTables) {
              expect(tables.bytes + tables.trainingBytes + optimizer.bytes).toBe(
                scheme.trainBytes({ slots: rule.slots.length }),
              );
            }
            optimizer.dispose();
          }
          expect(ends[0]).toEqual(ends[1]!);
        }),
        Math.ceil(runs / 2),
      );
    },
  );

  test("law: a store's compact tables read what the store reads, and a dense table with zeros where nothing is live", async () => {
    const fields = [
      { name: "a", rows: 20, slots: 1 },
      { name: "b", rows: 15, slots: 3 },
    ];
    await asyncLaw(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 4),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        async (chunks, share, seed) => {
          const options = { fields, dim: 8, chunks, rule: rowSgd({ lr: 1 }), seed, std: 1, capacity: 200 };
          using store = await ChunkStore.make(device, options);
          const rows = Uint32Array.from({ length: 35 }, (_, row) => row);
          store.resolve({ rows, count: 35, sorted: new Uint32Array(0), offsets: new Uint32Array(36) }, 0);
          const random = new Random(seed);
          const evict: [number, number][] = [];
          for (const row of rows)
            for (let k = 0; k < chunks; k++) if (random.next() < share) evict.push([row, k]);
          store.adjust({
            evict: { rows: evict.map((c) => c[0]), chunks: evict.map((c) => c[1]) },
            restore: { rows: [], chunks: [] },
          });
          const scheme = store.scheme();
          expect(scheme.count()).toBe(store.live);
          if (store.live === 0) return;
          using compact = await store.compact();
          expect(compact.scheme.toJSON()).toEqual(scheme.toJSON());
          using dense = await buildTables(device, uniform(fields, 8), { seed, std: 1 });
          const table = dense.tableVariables[0]!;
          const all = (await table.read()) as Float32Array;
          for (const [row, k] of evict)
            all.fill(0, row * 8 + (k * 8) / chunks, row * 8 + ((k + 1) * 8) / chunks);
          table.write(all);
          const values = randomValues(fields, 6, random);
          const wanted = (await looked(dense, values)).map((x) => x + 0);
          if (scheme.dims.every((d) => d > 0))
            expect((await looked(compact, values)).map((x) => x + 0)).toEqual(wanted);
          // the store's own reading, chunk by chunk
          const own = (await store.values.read()) as Float32Array;
          const width = 8 / chunks;
          const read = [...store.look(rows)].flatMap((a) => [...own.subarray(a * width, (a + 1) * width)]);
          expect(read.map((x) => x + 0)).toEqual([...all].map((x) => x + 0));
        },
      ),
      runs,
    );
  });
});
