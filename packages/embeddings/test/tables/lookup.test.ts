// Lookups against plain loops: pooling, concatenation, projection, and what flows back.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  type Device,
  grad,
  input,
  mul,
  openDevice,
  RowGradient,
  segmentSum,
  sum,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, needed, Random, randomValues, type Values } from "@trimtab/test-support";
import fc from "fast-check";
import {
  buildTables,
  captureTables,
  type DimScheme,
  LookupInputs,
  perField,
  SchemeError,
  uniform,
} from "../../src/index.ts";
import { fieldsOf, perFieldSchemes } from "../schemes.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

type Stored = ReadonlyMap<string, { readonly data: ArrayLike<number> }>;

/** The pooled vector of field f for a row's ids. */
function pooled(scheme: DimScheme, stored: Stored, f: number, ids: readonly number[]): number[] {
  const dim = scheme.dims[f]!;
  const { data } = stored.get(`${scheme.fields[f]!.name}/table`)!;
  return Array.from({ length: dim }, (_, j) =>
    ids.reduce((total, id) => total + data[id * dim + j]! / ids.length, 0),
  );
}

function project(scheme: DimScheme, stored: Stored, f: number, vector: readonly number[]): number[] {
  const map = stored.get(`${scheme.fields[f]!.name}/projection`)?.data;
  if (!map) return [...vector];
  return Array.from({ length: scheme.base }, (_, j) =>
    vector.reduce((total, v, k) => total + v * map[k * scheme.base + j]!, 0),
  );
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((e, i) => {
    expect(Math.abs(actual[i]! - e)).toBeLessThan(1e-5 * Math.max(1, Math.abs(e)));
  });
}

test("law: concatenated and projected vectors are what loops over the tables give", async () => {
  await asyncLaw(
    fc.asyncProperty(
      perFieldSchemes(),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(),
      async (scheme, batch, seed) => {
        fc.pre(scheme.dims.some((d) => d > 0));
        using tables = await buildTables(device, scheme, { seed, std: 1 });
        const values = randomValues(scheme.fields, batch, new Random(seed));
        const lookup = tables.lookup(new LookupInputs(scheme.fields, { batch, training: false }));
        const linear = scheme.projection === "linear";
        const outputs = { concat: lookup.concat, ...(linear ? { projected: lookup.projected } : {}) };
        using program = await device.compile({ outputs });
        const feeds = Object.assign({}, ...tables.layouts.map((l) => feedsOf(l, scheme.fields, values)));
        const found: Record<string, ArrayLike<number>> = await program.fetch(needed(program, feeds));
        const { tensors } = await captureTables(tables);
        const vectors = values.flatMap((row) =>
          tables.order.map((f) => ({ f, v: pooled(scheme, tensors, f, row[f]!) })),
        );
        expectClose(
          found.concat!,
          vectors.flatMap(({ v }) => v),
        );
        if (!linear) return;
        expectClose(
          found.projected!,
          vectors.flatMap(({ f, v }) => project(scheme, tensors, f, v)),
        );
      },
    ),
    // each run compiles programs of its own, which a software device is slow at
    8,
  );
}, 120_000);

/** loss = sum of weights x looked-up vectors, so the gradient of a vector is its weights. */
async function gradients(scheme: DimScheme, values: Values, weights: Float32Array, training: boolean) {
  const batch = values.length;
  using tables = await buildTables(device, scheme, { seed: 1, std: 1 });
  const lookup = tables.lookup(new LookupInputs(scheme.fields, { batch, training }));
  const looked = lookup.lookedUp!;
  const loss = sum(mul(looked, input("w", looked.shape)));
  const feeds = Object.assign(
    { w: weights },
    ...tables.layouts.map((l) => feedsOf(l, scheme.fields, values)),
  );
  if (!training) {
    const [gradient] = grad(loss, [looked]);
    using program = await device.compile({ outputs: { gradient } });
    return (await program.fetch(needed(program, feeds))).gradient;
  }
  const [gradient] = grad(loss, [tables.parts[0]!.table]);
  if (!(gradient instanceof RowGradient)) throw new Error("a looked-up table has a row gradient");
  using program = await device.compile({ outputs: { rows: segmentSum(gradient.positions, gradient.plan) } });
  return (await program.fetch(needed(program, feeds))).rows;
}

test("law: a table's rows get the gradients of the vectors they are in, padding gets none", async () => {
  await asyncLaw(
    fc.asyncProperty(fieldsOf(), fc.integer({ min: 1, max: 9 }), fc.nat(), async (fields, batch, seed) => {
      const random = new Random(seed);
      const dim = 3;
      const values = randomValues(fields, batch, random);
      const weights = Float32Array.from({ length: batch * fields.length * dim }, () => random.next() - 0.5);
      const touched = new Map<number, number[]>();
      values.forEach((row, b) => {
        let base = 0;
        fields.forEach((field, f) => {
          for (const id of row[f]!) {
            const sums = touched.get(base + id) ?? [0, 0, 0];
            for (let j = 0; j < dim; j++)
              sums[j]! += weights[(b * fields.length + f) * dim + j]! / row[f]!.length;
            touched.set(base + id, sums);
          }
          base += field.rows;
        });
      });
      const expected = [...touched].sort((a, b) => a[0] - b[0]).flatMap(([, sums]) => sums);
      const found = await gradients(uniform(fields, dim), values, weights, true);
      expectClose(found.subarray(0, expected.length), expected);
    }),
    // each run compiles programs of its own, which a software device is slow at
    8,
  );
}, 120_000);

test("the gradient of the looked-up vectors is there without a batch plan", async () => {
  const fields = [
    { name: "a", rows: 5, slots: 1 },
    { name: "b", rows: 4, slots: 2 },
  ];
  const weights = Float32Array.from({ length: 3 * 2 * 2 }, (_, i) => i - 5);
  const values = [
    [[1], [0, 3]],
    [[4], []],
    [[1], [2]],
  ];
  expect(await gradients(uniform(fields, 2), values, weights, false)).toEqual(weights);
});

test("unequal dims have no looked-up tensor of one shape, and without projections no projected one", async () => {
  const fields = [
    { name: "a", rows: 5, slots: 1 },
    { name: "b", rows: 4, slots: 1 },
  ];
  using tables = await buildTables(device, perField(fields, [2, 4], { base: 4, projection: "none" }), {
    seed: 1,
  });
  const lookup = tables.lookup(new LookupInputs(fields, { batch: 2, training: false }));
  expect(lookup.lookedUp).toBeUndefined();
  expect(() => lookup.projected).toThrow(SchemeError);
  expect(lookup.concat.shape).toEqual([2, 6]);
});
