import { describe, expect, test } from "bun:test";
import { asyncLaw, law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  type Columns,
  createBatchSource,
  type FieldInfo,
  PAD,
  PlanBuilder,
  permutation,
  planArrays,
  Random,
  type TableLayout,
} from "../src/index.ts";
import { planView } from "../src/plan.ts";
import { plainOrder, plainPlan, plainTable } from "./plain.ts";

const ruleOf = fc.constantFrom("mixed" as const, "modulo" as const);

/** Fields of few and of many rows, with and without several ids; the last ids are used, so that a wrong base or width shows. */
const fieldList = fc.array(
  fc.record({
    multi: fc.boolean(),
    rows: fc.constantFrom(1, 2, 5, 40, 3000, 90_000),
    slots: fc.nat({ max: 3 }),
  }),
  { minLength: 1, maxLength: 5 },
);
const partList = fc.array(
  fc.record({
    field: fc.nat(),
    gap: fc.nat({ max: 40 }),
    hash: fc.option(fc.nat({ max: 60 })),
    rule: ruleOf,
  }),
  { minLength: 1, maxLength: 5 },
);
const problem = fc.record({
  fieldList,
  tableList: fc.array(fc.record({ parts: partList, overlap: fc.boolean() }), { maxLength: 3 }),
  rows: fc.integer({ min: 1, max: 400 }),
  share: fc.double({ min: 0.05, max: 1, noNaN: true }),
  seed: fc.nat(),
  shuffle: fc.boolean(),
  plans: fc.boolean(),
  users: fc.boolean(),
});

function columnsOf(fields: readonly FieldInfo[], rows: number, seed: number, users: boolean): Columns {
  const random = new Random(seed, 77);
  const below = (n: number): number => Math.floor(random.uniform() * n);
  // a few ids most of the time, so that runs are long
  const idOf = (n: number): number => (below(3) === 0 ? below(n) : n - 1 - below(Math.min(n, 3)));
  const ids = fields.map(({ kind, rows: n, slots }) =>
    Uint32Array.from({ length: rows * slots }, () => (kind === "multi" && below(3) === 0 ? PAD : idOf(n))),
  );
  const labels = Float32Array.from({ length: rows }, () => below(2));
  return { rows, labels, ids, ...(users ? { users: Uint32Array.from(labels, () => below(1e9) * 4) } : {}) };
}

function tableOf(name: string, fields: readonly FieldInfo[], parts: TableLayout["fields"], overlap: boolean) {
  let next = 0;
  const placed = parts.map(({ field, base: gap, hash }) => {
    const base = overlap ? gap : next + gap;
    next = base + (hash?.rows ?? fields[field]!.rows);
    return { end: next, part: hash ? { field, base, hash } : { field, base } };
  });
  return { name, rows: Math.max(...placed.map(({ end }) => end)), fields: placed.map(({ part }) => part) };
}

describe("against the slow and obvious way", () => {
  test("the order of an epoch", () => {
    law(
      fc.property(
        fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 20_000 })),
        fc.nat(),
        fc.nat({ max: 100 }),
        (n, seed, epoch) => {
          expect(permutation(n, seed, epoch)).toEqual(Uint32Array.from(plainOrder(n, seed, epoch)));
        },
      ),
    );
  });

  test("a stream of random numbers goes on after a shuffle", () => {
    const [a, b] = [new Random(5), new Random(5)];
    const order = new Uint32Array(2);
    a.shuffle(order);
    // indexes 0 and 1: each draw of one bit is taken
    b.u32();
    expect([a.u32(), a.uniform(), a.normal()]).toEqual([b.u32(), b.uniform(), b.normal()]);
  });

  test("batches of any fields and tables, epoch after epoch, are equal to the bit", async () => {
    await asyncLaw(
      fc.asyncProperty(
        problem,
        async ({ fieldList, tableList, rows, share, seed, shuffle, plans, users }) => {
          const fields = fieldList.map(({ multi, rows: n, slots }, f): FieldInfo => {
            return {
              name: `f${f}`,
              kind: multi ? "multi" : "categorical",
              rows: n,
              slots: multi ? slots + 1 : 1,
            };
          });
          const tables = tableList.map(({ parts, overlap }, t) => {
            const list = parts.map(({ field, gap, hash, rule }) => {
              const part = { field: field % fields.length, base: gap };
              return hash === null ? part : { ...part, hash: { rows: hash + 2, rule } };
            });
            return tableOf(`t${t}`, fields, list, overlap);
          });
          const columns = columnsOf(fields, rows, seed, users);
          const batch = Math.ceil(rows * share);
          const source = createBatchSource(columns, {
            fields,
            tables,
            batch,
            seed,
            shuffle,
            plans,
            worker: false,
          });
          for (const epoch of [0, 1]) {
            const order = shuffle ? plainOrder(rows, seed, epoch) : Array.from({ length: rows }, (_, i) => i);
            let at = 0;
            for await (const made of source.epoch(epoch)) {
              const picked = order.slice(at, at + batch);
              at += picked.length;
              expect(made.labels).toEqual(Float32Array.from(picked, (row) => columns.labels[row]!));
              expect(made.users).toEqual(
                columns.users && Uint32Array.from(picked, (row) => columns.users![row]!),
              );
              expect(made.tables).toEqual(tables.map((t) => plainTable(columns, fields, t, picked, plans)));
              made.release();
            }
            expect(at).toBe(rows);
          }
          await source.close();
        },
      ),
      150,
    );
  });

  test("plans of tables a few times and many times as large as the batch", () => {
    law(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.double({ min: 0.001, max: 20, noNaN: true }),
        fc.constantFrom(0, 0.3, 1),
        fc.nat(),
        (length, times, pads, seed) => {
          const rows = Math.max(1, Math.round(length * times));
          const random = new Random(seed);
          const keys = (): Uint32Array =>
            Uint32Array.from({ length }, () =>
              random.uniform() < pads ? PAD : Math.floor(random.uniform() ** 3 * rows),
            );
          const builder = new PlanBuilder(rows, length);
          const out = planArrays(length);
          const build = (of: Uint32Array) => {
            builder.build(of, of.length, out);
            return planView(out, builder.used, builder.count, builder.pieceCount);
          };
          // neither another batch, nor a shorter one, nor one that was refused leaves anything behind
          for (const take of [length, Math.ceil(length / 2), length]) {
            const given = keys().subarray(0, take);
            expect(build(given)).toEqual(plainPlan(given));
          }
          const wrong = keys();
          wrong[length - 1] = rows;
          expect(() => build(wrong)).toThrow(`position ${length - 1} reads row ${rows} of a table`);
          const given = keys();
          expect(build(given)).toEqual(plainPlan(given));
        },
      ),
      200,
    );
  });
});
