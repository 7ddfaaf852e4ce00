// Tables of fewer rows than ids: what is allocated, what a lookup is fed, what a file holds.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import {
  buildTables,
  captureTables,
  HashedTables,
  hashed,
  inheritTables,
  LookupInputs,
  loadTables,
  saveTables,
  TablesError,
  uniform,
} from "../../src/index.ts";
import { hashedSchemes } from "../schemes.ts";

let device: Device;
let folder = "";
beforeAll(async () => {
  device = await openDevice();
  folder = mkdtempSync(join(tmpdir(), "trimtab-hashed-"));
});
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("law: the device holds the scheme's bytes, and a file gives the tables back", async () => {
  await asyncLaw(
    fc.asyncProperty(hashedSchemes(), fc.nat(), async (scheme, seed) => {
      const before = device.memory();
      const tables = await buildTables(device, scheme, { seed, std: 1 });
      expect(tables).toBeInstanceOf(HashedTables);
      expect(tables.bytes).toBe(scheme.serveBytes());
      expect(device.memory().variableBytes - before.variableBytes).toBe(scheme.serveBytes());
      const path = join(folder, "tables.safetensors");
      await saveTables(path, tables);
      const size = statSync(path).size;
      const header = Number(
        new DataView(await Bun.file(path).slice(0, 8).arrayBuffer()).getBigUint64(0, true),
      );
      expect(size - 8 - header).toBe(scheme.serveBytes());
      const back = loadTables(device, path);
      expect(back.scheme).toEqual(scheme);
      expect((await captureTables(back)).tensors).toEqual((await captureTables(tables)).tensors);
      back.dispose();
      tables.dispose();
      expect(device.memory()).toEqual(before);
    }),
    20,
  );
});

const fields = [
  { name: "user", rows: 100, slots: 1 },
  { name: "city", rows: 7, slots: 2 },
];

test("the layout tells the batch maker which fields share rows, under a name of its own", async () => {
  using some = await buildTables(device, hashed(fields, { dim: 2, rows: [10, 7], rule: "modulo" }), {
    seed: 1,
  });
  expect(some.layouts).toEqual([
    {
      name: "hashed",
      rows: 17,
      fields: [
        { field: 0, base: 0, hash: { rows: 10, rule: "modulo" } },
        { field: 1, base: 10 },
      ],
    },
  ]);
  // nothing is hashed: batches are those of all rows, which first-order weights use too
  using all = await buildTables(device, hashed(fields, { dim: 2, rows: [100, 7] }), { seed: 1 });
  using plain = await buildTables(device, uniform(fields, 2), { seed: 1 });
  expect(all.layouts).toEqual(plain.layouts);
});

test("a lookup of the shared rows is a lookup in a smaller table", async () => {
  using tables = await buildTables(device, hashed(fields, { dim: 3, rows: [4, 3] }), { seed: 5, std: 1 });
  const { lookedUp } = tables.lookup(new LookupInputs(fields, { batch: 2, training: false }));
  using program = await device.compile({ outputs: { lookedUp: lookedUp! } });
  expect(program.inputs).toEqual(["hashed.ids", "hashed.weights"]);
  const ids = Uint32Array.of(3, 4, 6, 0, 5, 0);
  const weights = Float32Array.of(1, 0.5, 0.5, 1, 1, 0);
  const found = await program.fetch({ "hashed.ids": ids, "hashed.weights": weights });
  const table = await tables.tableVariables[0]!.read();
  const row = (r: number) => [...table.subarray(r * 3, r * 3 + 3)];
  const mean = row(4).map((x, k) => Math.fround(0.5 * x + 0.5 * row(6)[k]!));
  const expected = [...row(3), ...mean, ...row(0), ...row(5)];
  expected.forEach((x, k) => {
    expect(found.lookedUp[k]!).toBeCloseTo(x, 5);
  });
});

test("trained tables of all rows cannot be inherited by shared ones", async () => {
  using from = await buildTables(device, uniform(fields, 2), { seed: 1 });
  using to = await buildTables(device, hashed(fields, { dim: 2, rows: [10, 7] }), { seed: 1 });
  const error = await inheritTables(from, to).catch((reason) => reason);
  expect(error).toBeInstanceOf(TablesError);
  expect(error.message).toContain('cannot fill tables of a "hashed" scheme');
});
