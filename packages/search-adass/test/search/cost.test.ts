// Costs of paths against whole schemes, repairs, and the first policy.
import { describe, expect, test } from "bun:test";
import { Random } from "@trimtab/data";
import { type Projection, perField } from "@trimtab/embeddings";
import { costOf, limitOf, meets, parseBudget } from "@trimtab/search-core";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { Costs, dimsOf, schemeOf } from "../../src/index.ts";

const candidates = [0, 1, 2, 4, 8];
const fields = fc
  .array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 })
  .map((rows) => rows.map((n, f) => ({ name: `f${f}`, rows: n, slots: 1 })));
const subject = fields.chain((specs) =>
  fc.record({
    specs: fc.constant(specs),
    path: fc.array(fc.nat(candidates.length - 1), { minLength: specs.length, maxLength: specs.length }),
    budget: fc.constantFrom("50%", "10%", "2%", "900 B", "700 parameters", "20% slots", "9 slots"),
    projection: fc.constantFrom<Projection>("positions", "linear", "none"),
    seed: fc.integer(),
  }),
);

function costsOf({ specs, budget, projection }: { specs: never; budget: string; projection: Projection }) {
  const uniform = perField(
    specs,
    (specs as { rows: number }[]).map(() => 8),
    { base: 8, projection: "none" },
  );
  return new Costs(specs, limitOf(parseBudget(budget), uniform), { candidates, projection });
}

describe("costs", () => {
  test("of a path are those of its scheme, in every unit", () =>
    law(
      fc.property(subject, (s) => {
        const costs = costsOf(s as never);
        const scheme = schemeOf(s.specs, s.path, { candidates, projection: s.projection });
        expect(scheme.dims).toEqual(dimsOf(s.path, candidates));
        expect(costs.of(s.path)).toBe(costOf(scheme, costs.limit));
        expect(costs.meets(s.path)).toBe(meets(scheme, costs.limit));
        const shares = costs.shares(s.path).reduce((a, b) => a + b, 0);
        expect(shares).toBeCloseTo(costs.of(s.path) > 0 ? 1 : 0, 9);
      }),
    ));

  test("a repaired path meets the limit, and no size of it has grown", () =>
    law(
      fc.property(subject, (s) => {
        const costs = costsOf(s as never);
        const mended = costs.repair(s.path, new Random(s.seed));
        expect(costs.meets(mended)).toBe(true);
        for (const [f, k] of mended.entries()) expect(k).toBeLessThanOrEqual(s.path[f]!);
        if (costs.meets(s.path)) expect(mended).toEqual(s.path);
      }),
    ));
});

describe("where a model must have so many fields to read", () => {
  const world = fc.record({ subject, most: fc.integer({ min: 0, max: 2 }) });
  const limited = (
    { specs, budget, projection }: { specs: { rows: number }[]; budget: string; projection: Projection },
    needed: number,
  ) => {
    const { limit } = costsOf({ specs: specs as never, budget, projection });
    const enough = (dims: readonly number[]) => dims.filter((d) => d > 0).length >= needed;
    return new Costs(specs as never, limit, { candidates, projection }, enough);
  };

  test("the least path is the cheapest that has them", () =>
    law(
      fc.property(world, ({ subject: s, most }) => {
        const needed = Math.min(most, s.specs.length);
        const costs = limited(s, needed);
        const kept = costs.least.filter((k) => k > 0).length;
        expect(kept).toBe(needed);
        // the smallest sizes of the cheapest fields
        const cheapest = costs.table.map((own) => own[1]!).sort((a, b) => a - b);
        expect(costs.of(costs.least)).toBe(cheapest.slice(0, needed).reduce((a, b) => a + b, 0));
      }),
    ));

  test("nothing less meets a limit, and repairs end there", () =>
    law(
      fc.property(world, ({ subject: s, most }) => {
        const needed = Math.min(most, s.specs.length);
        const costs = limited(s, needed);
        const none = s.path.map(() => 0);
        expect(costs.meets(none)).toBe(needed === 0);
        const mended = costs.repair(s.path, new Random(s.seed));
        expect(mended.filter((k) => k > 0).length).toBeGreaterThanOrEqual(needed);
      }),
    ));
});

describe("the evenest distribution", () => {
  test("has at most the limit as its expected cost, reaches it where it is tight, and sums to one", () =>
    law(
      fc.property(subject, (s) => {
        const costs = costsOf(s as never);
        const p = costs.evenest();
        let expected = 0;
        let even = 0;
        p.forEach((own, f) => {
          expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
          own.forEach((x, k) => {
            expected += x * costs.table[f]![k]!;
            even += costs.table[f]![k]! / own.length;
          });
        });
        expect(expected).toBeLessThanOrEqual(costs.limit.value * 1.000001);
        if (even > costs.limit.value) expect(expected).toBeGreaterThan(costs.limit.value * 0.999 - 1e-6);
        else for (const own of p) for (const x of own) expect(x).toBeCloseTo(1 / own.length, 9);
      }),
    ));
});
