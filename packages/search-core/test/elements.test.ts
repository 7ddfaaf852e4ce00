// Choosing single numbers under a budget, against brute force over every count.
import { describe, expect, test } from "bun:test";
import { type ElementScheme, elements, type FieldSpec } from "@trimtab/embeddings";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { elementCapacity, elementsCannot, keepLargest, type Limit, meets } from "../src/index.ts";

interface Given {
  readonly fields: FieldSpec[];
  readonly dim: number;
  readonly scores: Float32Array[];
  readonly bytes: number;
}

// few different scores, so that ties are common; two special ones
const score = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(-Infinity, -0, 1e-40, 0.5));
const given: fc.Arbitrary<Given> = fc
  .record({
    rows: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    dim: fc.integer({ min: 1, max: 5 }),
    bytes: fc.integer({ min: 0, max: 700 }),
  })
  .chain(({ rows, dim, bytes }) =>
    fc
      .tuple(...rows.map((n) => fc.array(score, { minLength: n * dim, maxLength: n * dim })))
      .map((lists) => ({
        fields: rows.map((n, i) => ({ name: `f${i}`, rows: n, slots: 1 })),
        dim,
        scores: lists.map((l) => Float32Array.from(l)),
        bytes,
      })),
  );

const inBytes = (value: number): Limit => ({ unit: "bytes", value, text: `${value} B` });

/** The scheme of the first `count` numbers in order of falling score. */
function plainly({ fields, dim, scores }: Given, order: { f: number; i: number }[], count: number) {
  const masks = scores.map((s) => new Uint32Array(Math.ceil(s.length / 32)));
  for (const { f, i } of order.slice(0, count)) masks[f]![i >>> 5]! |= 1 << (i & 31);
  return elements(fields, { dim, masks });
}

/** Every number that may be kept, best first; ties in field, row, dim order. */
function orderOf({ scores }: Given): { f: number; i: number }[] {
  return scores
    .flatMap((s, f) => [...s].map((value, i) => ({ f, i, value })))
    .filter(({ value }) => value > -Infinity)
    .sort((a, b) => b.value - a.value || a.f - b.f || a.i - b.i);
}

const addresses = (scheme: ElementScheme) =>
  scheme.fields.map((_, f) => {
    const list: number[] = [];
    scheme.eachNumber(f, (a) => list.push(a));
    return list;
  });

describe("keepLargest", () => {
  test("law: it is the longest run of the best numbers that fits, by brute force", () => {
    law(
      fc.property(given, (g) => {
        const order = orderOf(g);
        let best = 0;
        // a longer run is a superset, so the first that does not fit ends it
        while (best < order.length && meets(plainly(g, order, best + 1), inBytes(g.bytes))) best++;
        const found = keepLargest({ ...g, limit: inBytes(g.bytes) })!;
        expect(addresses(found)).toEqual(addresses(plainly(g, order, best)));
      }),
      300,
    );
  });

  test("law: within a mask nothing else is kept, and smaller budgets are subsets", () => {
    law(
      fc.property(given, fc.integer({ min: 0, max: 700 }), (g, other) => {
        const [large, small] = [Math.max(g.bytes, other), Math.min(g.bytes, other)];
        const first = keepLargest({ ...g, limit: inBytes(large) })!;
        const within = g.fields.map((_, f) => first.mask(f));
        // even by other scores
        const scores = g.scores.map((s) => s.map((v) => -v));
        const second = keepLargest({ ...g, scores, within, limit: inBytes(small) })!;
        expect(first.contains(second)).toBe(true);
        expect(second.serveBytes()).toBeLessThanOrEqual(small);
      }),
    );
  });

  test("law: every row keeps its best numbers, or the limit is refused", () => {
    law(
      fc.property(given, fc.integer({ min: 1, max: 3 }), (g, leastPerRow) => {
        const scores = g.scores.map((s) => s.map((v) => (v === -Infinity ? -100 : v)));
        const found = keepLargest({ ...g, scores, leastPerRow, limit: inBytes(g.bytes) });
        const why = elementsCannot(g.fields, g.dim, inBytes(g.bytes), leastPerRow);
        expect(found === undefined).toBe(why !== undefined);
        if (!found) return;
        g.fields.forEach(({ rows }, f) => {
          for (let row = 0; row < rows; row++) {
            const own = scores[f]!.subarray(row * g.dim, (row + 1) * g.dim);
            const kept = [...own.keys()].filter((j) => found.has(f, row, j));
            expect(kept.length).toBeGreaterThanOrEqual(Math.min(leastPerRow, g.dim));
            const worst = Math.min(...kept.map((j) => own[j]!));
            for (const [j, v] of own.entries()) if (!kept.includes(j)) expect(v).toBeLessThanOrEqual(worst);
          }
        });
      }),
    );
  });
});

/** Selection as it was at first: bisection over all scores, each step a whole scheme. */
function byBisection(
  { fields, dim, scores }: Given,
  limit: Limit,
  within?: readonly Uint32Array[],
  leastPerRow = 0,
): ElementScheme | undefined {
  const has = (mask: Uint32Array, i: number) => ((mask[i >>> 5]! >>> (i & 31)) & 1) === 1;
  const values = scores.map((list, f) =>
    Array.from(list, (v, i) => (within && !has(within[f]!, i) ? -Infinity : v + 0)),
  );
  for (const list of values) {
    for (let row = 0; row < list.length / dim; row++) {
      const own = Array.from({ length: dim }, (_, j) => row * dim + j).filter((i) => list[i]! > -Infinity);
      own.sort((a, b) => list[b]! - list[a]! || a - b);
      for (const i of own.slice(0, leastPerRow)) list[i] = Infinity;
    }
  }
  const distinct = [...new Set(values.flat())].filter((v) => v > -Infinity).sort((a, b) => b - a);
  const schemeOf = (keep: (v: number) => boolean) =>
    elements(fields, {
      dim,
      masks: values.map((list) => {
        const mask = new Uint32Array(Math.ceil(list.length / 32));
        list.forEach((v, i) => {
          if (v > -Infinity && keep(v)) mask[i >>> 5]! |= 1 << (i & 31);
        });
        return mask;
      }),
    });
  const must = schemeOf((v) => v === Infinity);
  if (!meets(must, limit)) return undefined;
  let [low, high] = [0, distinct.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (
      meets(
        schemeOf((v) => v >= distinct[middle - 1]!),
        limit,
      )
    )
      low = middle;
    else high = middle - 1;
  }
  const above = low === 0 ? Infinity : distinct[low - 1]!;
  const tie = distinct[low];
  let best = low === 0 ? must : schemeOf((v) => v >= above);
  for (let count = 1; tie !== undefined; count++) {
    let taken = 0;
    const next = schemeOf((v) => (low > 0 && v >= above) || v === Infinity || (v === tie && taken++ < count));
    if (taken < count || !meets(next, limit)) break;
    best = next;
  }
  return best;
}

test("law: selection by counts is selection by bisection, whatever must or may not be kept", () => {
  const value = fc.oneof(
    fc.double({ min: -1e3, max: 1e3, noNaN: true }),
    fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
    // neighbours, which differ in their lowest bits alone
    fc.integer({ min: 0, max: 5 }).map((k) => 1 + k * 2 ** -23),
    fc.constantFrom(-Infinity, 0, -0, 65536, 1),
  );
  law(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 2 }),
      fc.boolean(),
      fc.constantFrom("bytes" as const, "parameters" as const),
      fc.integer({ min: 0, max: 900 }),
      fc.infiniteStream(value),
      (rows, dim, leastPerRow, masked, unit, most, stream) => {
        const next = () => stream.next().value as number;
        const fields = rows.map((n, i) => ({ name: `f${i}`, rows: n, slots: 1 }));
        const scores = rows.map((n) => Float32Array.from({ length: n * dim }, next));
        const limit: Limit = { unit, value: unit === "bytes" ? most : Math.ceil(most / 4), text: "" };
        const within = masked
          ? scores.map((list) =>
              Uint32Array.from({ length: Math.ceil(list.length / 32) }, (_, w) => w * 7 + 0x5ad3b6e9),
            )
          : undefined;
        const found = keepLargest({ fields, dim, scores, limit, within, leastPerRow });
        const expected = byBisection({ fields, dim, scores, bytes: most }, limit, within, leastPerRow);
        expect(found && addresses(found)).toEqual(expected && addresses(expected));
      },
    ),
    400,
  );
});

test("law: as many evenly spread numbers as the capacity fit, one more does not", () => {
  law(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 2500 }),
      (rows, dim, bytes) => {
        const fields = [{ name: "a", rows, slots: 1 }];
        // number k lies in row k mod rows
        const spread = (count: number) => {
          const mask = new Uint32Array(Math.ceil((rows * dim) / 32));
          for (let k = 0; k < count; k++) {
            const at = (k % rows) * dim + Math.floor(k / rows);
            mask[at >>> 5]! |= 1 << (at & 31);
          }
          return elements(fields, { dim, masks: [mask] });
        };
        const capacity = elementCapacity(fields, dim, inBytes(bytes));
        expect(meets(spread(capacity), inBytes(bytes))).toBe(true);
        if (capacity < rows * dim) expect(meets(spread(capacity + 1), inBytes(bytes))).toBe(false);
      },
    ),
  );
});

test("the capacity is what evenly spread numbers fit; all of them where there is room", () => {
  const fields = [
    { name: "a", rows: 100, slots: 1 },
    { name: "b", rows: 50, slots: 1 },
  ];
  expect(elementCapacity(fields, 8, inBytes(1e6))).toBe(1200);
  const some = elementCapacity(fields, 8, inBytes(2000));
  expect(some).toBeGreaterThan(300);
  expect(some * 4).toBeLessThan(2000);
  expect(elementCapacity(fields, 8, { unit: "parameters", value: 77, text: "77 parameters" })).toBe(77);
});

test("what cannot be: slots, nothing at all, and more rows than a budget holds", () => {
  const fields = [{ name: "a", rows: 100, slots: 1 }];
  expect(elementsCannot(fields, 4, { unit: "slots", value: 4, text: "4 slots" }, 0)).toContain("slots");
  expect(elementsCannot(fields, 4, inBytes(7), 0)).toContain("a single number");
  expect(elementsCannot(fields, 4, inBytes(8), 0)).toBeUndefined();
  expect(elementsCannot(fields, 4, inBytes(300), 1)).toContain("1 number in each of 100 rows");
});
