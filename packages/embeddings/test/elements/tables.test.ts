// Tables of an element mask on each engine: bytes, first values, lookups, files and training against plain dense tables.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adagrad,
  adam,
  BufferTooLarge,
  cast,
  type Device,
  gather,
  grad,
  input,
  loadTensors,
  mul,
  Optimizer,
  openDevice,
  type Rule,
  rowAdagrad,
  rowAdam,
  rowSgd,
  saveTensors,
  sgd,
  sum,
} from "@trimtab/tensor-core";
import {
  asyncLaw,
  type Feeds,
  feedsOf,
  needed,
  Random,
  randomValues,
  type Values,
} from "@trimtab/test-support";
import fc from "fast-check";
import { addressesOf } from "../../src/elements/index-arrays.ts";
import {
  buildTables,
  DenseTables,
  ELEMENT_LAYOUTS,
  type ElementScheme,
  ElementTables,
  type EmbeddingTables,
  elements,
  inheritTables,
  initialise,
  LookupInputs,
  loadTables,
  saveTables,
  TablesError,
  uniform,
  type VectorTransform,
} from "../../src/index.ts";
import { onEachEngine } from "../engines.ts";
import { elementSchemes, randomMask } from "../schemes.ts";

// a software device takes seconds to compile a training step
setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "trimtab-element-tables-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Tables with contents of order one. */
async function filled(device: Device, scheme: ElementScheme, seed: number): Promise<ElementTables> {
  const tables = await buildTables(device, scheme, { seed, std: 1 });
  if (tables instanceof ElementTables) return tables;
  throw new Error("an element mask has tables of its own");
}

/** Pooled vectors [batch][held field][dim], by plain loops over the numbers that exist. */
async function plainVectors(tables: ElementTables, values: Values): Promise<number[]> {
  const { scheme, order } = tables;
  const d = scheme.base;
  const read = (await tables.values!.read()) as Float32Array;
  const numbers = new Map([...addressesOf(scheme)].map((address, k) => [address, read[k]!]));
  const bases = new Map(tables.layout!.fields.map(({ field, base }) => [field, base]));
  return values.flatMap((row) =>
    order.flatMap((f) =>
      Array.from({ length: d }, (_, j) =>
        row[f]!.reduce((n, id) => n + (numbers.get((bases.get(f)! + id) * d + j) ?? 0) / row[f]!.length, 0),
      ),
    ),
  );
}

function allFeeds(tables: EmbeddingTables, values: Values): Feeds {
  return Object.assign({}, ...tables.layouts.map((l) => feedsOf(l, tables.scheme.fields, values)));
}

onEachEngine((engine) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ engine });
  });
  afterAll(() => device.dispose());

  describe.each(ELEMENT_LAYOUTS.map((l) => [l] as const))("%s", (layout) => {
    test("law: formula, buffers and file have the same bytes, the file comes back, nothing is left", async () => {
      const path = join(folder, `${engine}-${layout}.safetensors`);
      await asyncLaw(
        fc.asyncProperty(elementSchemes(40, 64, layout), async (scheme) => {
          const before = device.memory();
          const tables = await filled(device, scheme, 1);
          expect(device.memory().variableBytes - before.variableBytes).toBe(scheme.serveBytes());
          expect(tables.bytes).toBe(scheme.serveBytes());
          await saveTables(path, tables);
          const header = Number(readFileSync(path).readBigUInt64LE(0));
          expect(statSync(path).size - 8 - header).toBe(scheme.serveBytes());
          const back = loadTables(device, path) as ElementTables;
          expect(back.scheme.toJSON()).toEqual(scheme.toJSON());
          expect(await back.values?.read()).toEqual(await tables.values?.read());
          back.dispose();
          tables.dispose();
          expect(device.memory()).toEqual(before);
        }),
        20,
      );
    });

    test("law: looked-up vectors are those of plain loops, and of the masked dense tables", async () => {
      await asyncLaw(
        fc.asyncProperty(
          elementSchemes(40, 64, layout),
          fc.integer({ min: 1, max: 9 }),
          fc.nat(),
          async (scheme, batch, seed) => {
            fc.pre(scheme.parameters > 0);
            using tables = await filled(device, scheme, seed);
            const values = randomValues(scheme.fields, batch, new Random(seed));
            const lookup = tables.lookup(new LookupInputs(scheme.fields, { batch, training: false }));
            using program = await device.compile({ outputs: { concat: lookup.concat } });
            const found = (await program.fetch(needed(program, allFeeds(tables, values)))).concat;
            const expected = await plainVectors(tables, values);
            expect(found.length).toBe(expected.length);
            expected.forEach((e, i) => {
              expect(Math.abs(found[i]! - e)).toBeLessThan(1e-6 * Math.max(1, Math.abs(e)));
            });
          },
        ),
        engine === "cpu" ? 12 : 6,
      );
    });
  });

  test("law: a number that exists starts as it does under the uniform scheme, drawn on the host or the device", async () => {
    for (const mostOnHost of [2 ** 21, 0]) {
      await asyncLaw(
        fc.asyncProperty(elementSchemes(30, 9), fc.nat(), async (scheme, seed) => {
          fc.pre(scheme.parameters > 0);
          using whole = new DenseTables(device, uniform(scheme.fields, scheme.base), "whole");
          using tables = new ElementTables(device, scheme);
          await initialise(device, [...whole.draws(0.5), ...tables.draws(0.5)], seed, mostOnHost);
          const all = await whole.parts[0]!.table.read();
          const own = await tables.values!.read();
          const expected: number[] = [];
          let base = 0;
          scheme.fields.forEach(({ rows }, f) => {
            scheme.eachNumber(f, (address) => expected.push(all[base * scheme.base + address]!));
            base += rows;
          });
          expect([...own]).toEqual(expected);
        }),
        5,
      );
    }
  });

  describe("training", () => {
    const fields = [
      { name: "user", rows: 30, slots: 1 },
      { name: "empty", rows: 4, slots: 1 },
      { name: "genres", rows: 12, slots: 3 },
    ];
    const dim = 5;
    const batch = 7;
    const masks = [randomMask(150, dim, 0.4, 0.3, 5), new Uint32Array(1), randomMask(60, dim, 0.7, 0, 6)];

    const rules: [string, Rule][] = [
      ["adam, l2", adam({ lr: 0.1, l2: 0.01 })],
      ["adagrad", adagrad({ lr: 0.1 })],
      ["sgd", sgd({ lr: 0.1 })],
      ["rowAdam, l2", rowAdam({ lr: 0.1, l2: 0.01 })],
      ["rowAdagrad", rowAdagrad({ lr: 0.1 })],
      ["rowSgd, l2", rowSgd({ lr: 0.1, l2: 0.01 })],
    ];

    /** Three steps on sum(weights x vectors^2 ...) of tables; batches repeat rows and leave others out. */
    async function trained(tables: EmbeddingTables, rule: Rule, transform?: VectorTransform) {
      const optimizer = new Optimizer(device, [{ name: "t", rule, variables: tables.tableVariables }]);
      const lookup = tables.lookup(new LookupInputs(fields, { batch, training: true }), transform);
      const shown = lookup.projected;
      const loss = sum(mul(mul(shown, shown), input("w", [batch, 1, 1])));
      using program = await device.compile({ updates: optimizer.updates(grad(loss, optimizer.parameters)) });
      const needs = new Set(program.inputs);
      for (const seed of [1, 2, 3, 4]) {
        const random = new Random(seed);
        const values = randomValues(fields, batch, random);
        const w = Float32Array.from({ length: batch }, () => random.next() - 0.3);
        program.run({ ...needed(program, { ...allFeeds(tables, values), w }), ...optimizer.next(needs) });
      }
      await device.idle();
      const bytes = optimizer.bytes;
      optimizer.dispose();
      return bytes;
    }

    test.each(rules)("%s moves the numbers as it moves those of masked dense tables", async (_, rule) => {
      for (const layout of ["bitmask", "coo"] as const) {
        const scheme = elements(fields, { dim, masks, layout });
        const before = device.memory();
        const dense = await buildTables(device, uniform(fields, dim), { seed: 3, std: 1, name: "dense" });
        if (!(dense instanceof DenseTables)) throw new Error("a uniform scheme has dense tables");
        const tables = await filled(device, scheme, 3);
        const table = dense.parts[0]!.table;
        const kept = Uint32Array.from({ length: table.size }, (_v, p) => {
          const f = p < 150 ? 0 : p < 170 ? 1 : 2;
          const local = p - [0, 150, 170][f]!;
          return scheme.has(f, Math.floor(local / dim), local % dim) ? 1 : 0;
        });
        const start = (await table.read()) as Float32Array;
        table.write(start.map((v, p) => v * kept[p]!));
        const bits = device.variable("mask", table.shape, { dtype: "u32", data: kept });
        await trained(dense, rule, (vectors, { ids }) => mul(vectors, cast(gather(bits.value, ids), "f32")));
        const held = device.memory().variableBytes;
        const optimizerBytes = await trained(tables, tables.ruleOf(rule));
        const after = (await table.read()) as Float32Array;
        const expected = [...after].filter((_v, p) => kept[p] === 1);
        const found = (await tables.values!.read()) as Float32Array;
        expect(found.length).toBe(expected.length);
        expected.forEach((e, k) => {
          expect(Math.abs(found[k]! - e)).toBeLessThan(1e-5 * Math.max(1, Math.abs(e)));
        });
        // what does not exist did not move, and some of what does exist did not either, some did
        expect(after.every((v, p) => kept[p] === 1 || v === 0)).toBe(true);
        expect(expected.some((e, k) => e !== start.filter((_v, p) => kept[p] === 1)[k])).toBe(true);
        // bytes: what was added by training is what trainBytes says
        expect(device.memory().variableBytes - held).toBe(tables.trainingBytes);
        expect(tables.bytes + tables.trainingBytes + optimizerBytes).toBe(
          scheme.trainBytes({ slots: rule.slots.length }),
        );
        for (const v of [bits, dense, tables]) v.dispose();
        expect(device.memory()).toEqual(before);
      }
    });

    test("law: numbers of rows that no batch looked up have a gradient of zero, others that of their row", async () => {
      await asyncLaw(
        fc.asyncProperty(elementSchemes(20, 12), fc.nat(), async (scheme, seed) => {
          fc.pre(scheme.parameters > 0);
          using tables = await filled(device, scheme, seed);
          const random = new Random(seed);
          const values = randomValues(scheme.fields, batch, random);
          const lookup = tables.lookup(new LookupInputs(scheme.fields, { batch, training: true }));
          const w = Float32Array.from({ length: batch * tables.order.length * scheme.base }, () =>
            random.next(),
          );
          const weights = input("w", lookup.projected.shape);
          const [gradient] = grad(sum(mul(lookup.projected, weights)), tables.tableVariables as [never]);
          using program = await device.compile({ outputs: { gradient: gradient as never } });
          const found = await program.fetch(needed(program, { ...allFeeds(tables, values), w }));
          const sums = new Map<number, number>();
          const d = scheme.base;
          values.forEach((row, b) => {
            tables.layout!.fields.forEach(({ field, base }, i) => {
              for (const id of row[field]!) {
                for (let j = 0; j < d; j++) {
                  const address = (base + id) * d + j;
                  const own = w[(b * tables.order.length + i) * d + j]! / row[field]!.length;
                  sums.set(address, (sums.get(address) ?? 0) + own);
                }
              }
            });
          });
          addressesOf(scheme).forEach((address, k) => {
            const own = (found as Record<string, Float32Array>).gradient![k]!;
            const expected = sums.get(address);
            if (expected === undefined) expect(own).toBe(0);
            else expect(Math.abs(own - expected)).toBeLessThan(1e-5 * Math.max(1, expected));
          });
        }),
        engine === "cpu" ? 12 : 5,
      );
    });
  });

  describe("what is refused", () => {
    const fields = [{ name: "a", rows: 6, slots: 1 }];
    const scheme = elements(fields, { dim: 4, masks: [Uint32Array.of(0x00f00f)] });

    test("a mask without numbers has no lookup", () => {
      using none = new ElementTables(device, elements(fields, { dim: 4, masks: [new Uint32Array(1)] }));
      expect(none.bytes).toBe(0);
      expect(() => none.lookup(new LookupInputs(fields, { batch: 2, training: false }))).toThrow(TablesError);
    });

    test("values over the binding limit, with nothing left behind", async () => {
      const many = [{ name: "a", rows: 300, slots: 1 }];
      const mask = randomMask(4800, 16, 0.5, 0, 1);
      using small = await openDevice({ engine, maxBindingBytes: 4096 });
      const before = small.memory();
      const build = buildTables(small, elements(many, { dim: 16, masks: [mask] }), { seed: 1 });
      await expect(build).rejects.toThrow(BufferTooLarge);
      expect(small.memory()).toEqual(before);
    });

    test("a file whose index does not fit its values, by name", async () => {
      using tables = await filled(device, scheme, 1);
      const path = join(folder, `${engine}-damaged.safetensors`);
      await saveTables(path, tables);
      const file = loadTensors(path);
      const values = { dtype: "f32" as const, shape: [3], data: new Float32Array(3) };
      saveTensors(path, { ...file, tensors: new Map([...file.tensors, ["values", values]]) });
      expect(() => loadTables(device, path)).toThrow("damaged.safetensors: its");
    });

    test("inheriting from an element mask", async () => {
      using from = await filled(device, scheme, 1);
      using to = await filled(device, scheme, 2);
      await expect(inheritTables(from, to)).rejects.toThrow('"elements"');
    });
  });
});
