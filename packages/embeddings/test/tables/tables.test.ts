// What tables are on a device: their bytes, their first values, their files.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adam,
  BufferTooLarge,
  type Device,
  Optimizer,
  openDevice,
  type Rule,
  rowAdam,
  sgd,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, needed } from "@trimtab/test-support";
import fc from "fast-check";
import {
  buildTables,
  captureTables,
  type EmbeddingTables,
  inheritTables,
  LookupInputs,
  loadTables,
  perField,
  type Scheme,
  saveTables,
  TablesError,
  uniform,
} from "../../src/index.ts";
import { schemes } from "../schemes.ts";

let device: Device;
let folder = "";
beforeAll(async () => {
  device = await openDevice();
  folder = mkdtempSync(join(tmpdir(), "trimtab-tables-"));
});
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const fields = [
  { name: "user", rows: 300, slots: 1 },
  { name: "genres", rows: 20, slots: 3 },
  { name: "city", rows: 50, slots: 1 },
];

describe("bytes", () => {
  test("law: the formula, the buffers and the file say the same, and nothing is left after dispose", async () => {
    const path = join(folder, "law.safetensors");
    await asyncLaw(
      fc.asyncProperty(schemes(), async (scheme) => {
        const before = device.memory();
        const tables = await buildTables(device, scheme, { seed: 1 });
        expect(device.memory().variableBytes - before.variableBytes).toBe(scheme.serveBytes());
        expect(tables.bytes).toBe(scheme.serveBytes());
        await saveTables(path, tables);
        const header = Number(readFileSync(path).readBigUInt64LE(0));
        expect(statSync(path).size - 8 - header).toBe(scheme.serveBytes());
        tables.dispose();
        expect(device.memory()).toEqual(before);
      }),
      20,
    );
  });

  const rules: [string, Rule][] = [
    ["adam", adam({ lr: 0.1 })],
    ["rowAdam", rowAdam({ lr: 0.1 })],
    ["sgd", sgd({ lr: 0.1 })],
  ];
  test.each(rules)("training with %s holds what trainBytes says", async (name, rule) => {
    const scheme = perField(fields, [4, 8, 0], { base: 8, projection: "linear" });
    const before = device.memory().variableBytes;
    using tables = await buildTables(device, scheme, { seed: 1 });
    const optimizer = new Optimizer(device, [
      { name: "tables", rule, variables: tables.tableVariables },
      { name: "dense", rule: adam({ lr: 0.1 }), variables: tables.projectionVariables },
    ]);
    const cost = { slots: rule.slots.length, touched: name === "adam", denseSlots: 2 };
    expect(device.memory().variableBytes - before).toBe(scheme.trainBytes(cost));
    optimizer.dispose();
  });
});

describe("the binding limit", () => {
  test("fields that do not fit one table get several, which look up as one", async () => {
    using small = await openDevice({ maxBindingBytes: 300 * 4 * 4 });
    using tables = await buildTables(small, uniform(fields, 4), { seed: 1, std: 1 });
    expect(tables.layouts.map((l) => l.name)).toEqual(["d4-0", "d4-1"]);
    expect(await valuesOf(tables)).toEqual(await fresh(uniform(fields, 4), 1));
    const lookup = tables.lookup(new LookupInputs(fields, { batch: 2, training: false }));
    expect(lookup.lookedUp!.shape).toEqual([2, 3, 4]);
    using program = await small.compile({ outputs: { looked: lookup.lookedUp!, flat: lookup.concat } });
    const values = [
      [[299], [1], [49]],
      [[0], [], [7]],
    ];
    const feeds = Object.assign({}, ...tables.layouts.map((l) => feedsOf(l, fields, values)));
    const { looked, flat } = await program.fetch(needed(program, feeds));
    expect(flat).toEqual(looked);
    const stored = await valuesOf(tables);
    const row = (name: string, r: number) => [...stored.get(`${name}/table`)!.subarray(r * 4, r * 4 + 4)];
    const expected = [row("user", 299), row("genres", 1), row("city", 49)];
    expect([...looked]).toEqual([...expected, row("user", 0), [0, 0, 0, 0], row("city", 7)].flat());
  });

  test("a field over the limit is refused, and leaves no buffer", async () => {
    using small = await openDevice({ maxBindingBytes: 300 * 4 * 4 - 4 });
    const before = small.memory();
    await expect(buildTables(small, uniform(fields, 4), { seed: 1 })).rejects.toThrow(BufferTooLarge);
    expect(small.memory()).toEqual(before);
  });
});

async function valuesOf(tables: EmbeddingTables): Promise<Map<string, Float32Array>> {
  const { tensors } = await captureTables(tables);
  return new Map([...tensors].map(([name, t]) => [name, t.data as Float32Array]));
}

async function fresh(scheme: Scheme, seed: number, std = 1): Promise<Map<string, Float32Array>> {
  using tables = await buildTables(device, scheme, { seed, std });
  return await valuesOf(tables);
}

describe("first values", () => {
  test("the same seed gives the same bits, another seed others", async () => {
    const scheme = perField(fields, [4, 8, 3], { base: 8, projection: "linear" });
    const one = await fresh(scheme, 7);
    expect(await fresh(scheme, 7)).toEqual(one);
    const other = await fresh(scheme, 8);
    for (const [name, values] of one) {
      const equal = values.filter((v, i) => v === other.get(name)![i]).length;
      expect(equal / values.length).toBeLessThan(0.01);
    }
  });

  test("a field's kept columns start as in the uniform table, however fields are grouped", async () => {
    const columns = [[1, 3], [0, 1, 2, 3], [2]];
    const base = await fresh(uniform(fields, 4), 7);
    const kept = await fresh(perField(fields, [2, 4, 1], { base: 4, projection: "linear", columns }), 7);
    fields.forEach(({ name, rows }, f) => {
      const whole = base.get(`${name}/table`)!;
      const own = columns[f]!;
      const expected = Float32Array.from({ length: rows * own.length }, (_, i) => {
        return whole[Math.floor(i / own.length) * 4 + own[i % own.length]!]!;
      });
      expect(kept.get(`${name}/table`)!).toEqual(expected);
    });
  });

  test("they are normal with the wanted deviation, and differ between rows, columns and fields", async () => {
    const scheme = perField(fields, [8, 8, 4], { base: 8, projection: "linear" });
    const found = await fresh(scheme, 3, 0.5);
    const table = [...found.get("user/table")!];
    const mean = table.reduce((a, b) => a + b, 0) / table.length;
    const variance = table.reduce((a, b) => a + (b - mean) ** 2, 0) / table.length;
    // 2400 numbers: 5 standard errors
    expect(Math.abs(mean)).toBeLessThan((5 * 0.5) / Math.sqrt(2400));
    expect(Math.abs(Math.sqrt(variance) / 0.5 - 1)).toBeLessThan(5 / Math.sqrt(2 * 2400));
    const all = [...found.values()].flatMap((v) => [...v]);
    expect(new Set(all).size / all.length).toBeGreaterThan(0.999);
    // 4 x 8 numbers of variance 1/4: the map of the narrow field
    const map = [...found.get("city/projection")!];
    const spread = map.reduce((a, b) => a + b * b, 0) / map.length;
    expect(spread).toBeGreaterThan(0.25 * 0.3);
    expect(spread).toBeLessThan(0.25 * 2.2);
  });
});

describe("files", () => {
  const scheme = perField(fields, [4, 8, 0], { base: 8, projection: "linear" });

  test("tables come back as they were, with their scheme", async () => {
    const path = join(folder, "tables.safetensors");
    using tables = await buildTables(device, scheme, { seed: 5, std: 1 });
    await saveTables(path, tables);
    using back = loadTables(device, path);
    expect(back.scheme).toEqual(scheme);
    expect(await valuesOf(back)).toEqual(await valuesOf(tables));
  });

  test("a torn file is refused and leaves no buffer", async () => {
    const path = join(folder, "torn.safetensors");
    {
      using tables = await buildTables(device, scheme, { seed: 5 });
      await saveTables(path, tables);
    }
    const before = device.memory();
    writeFileSync(path, readFileSync(path).subarray(0, -40));
    expect(() => loadTables(device, path)).toThrow("torn.safetensors");
    expect(device.memory()).toEqual(before);
  });
});

describe("inheritance", () => {
  const base = uniform(fields, 4);
  const smaller = perField(fields, [2, 4, 1], {
    base: 4,
    projection: "linear",
    columns: [[1, 3], [0, 1, 2, 3], [2]],
  });

  test("kept columns are copied, and projections put them back into their places", async () => {
    using from = await buildTables(device, base, { seed: 1, std: 1 });
    using to = await buildTables(device, smaller, { seed: 2, std: 1 });
    await inheritTables(from, to);
    const whole = await valuesOf(from);
    const kept = await valuesOf(to);
    fields.forEach(({ name, rows }, f) => {
      const columns = smaller.columnsOf(f);
      const table = kept.get(`${name}/table`)!;
      const map = kept.get(`${name}/projection`);
      for (let r = 0; r < rows; r++) {
        for (let j = 0; j < 4; j++) {
          const vector = columns.map((_, k) => table[r * columns.length + k]!);
          const projected = map ? vector.reduce((sum, v, k) => sum + v * map[k * 4 + j]!, 0) : vector[j]!;
          expect(projected).toBe(columns.includes(j) ? whole.get(`${name}/table`)![r * 4 + j]! : 0);
        }
      }
    });
  });

  test("tables of other fields, or without the wanted columns, are refused", async () => {
    using to = await buildTables(device, smaller, { seed: 1 });
    using other = await buildTables(device, uniform([...fields].reverse(), 4), { seed: 1 });
    await expect(inheritTables(other, to)).rejects.toThrow(TablesError);
    using narrow = await buildTables(device, uniform(fields, 2), { seed: 1 });
    await expect(inheritTables(narrow, to)).rejects.toThrow(
      "wants columns [0, 1, 2, 3], the source has [0, 1]",
    );
  });
});
