// Products of touched rows in groups: what they come to on the cpu engine, and what flows back.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asyncLaw, law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import * as t from "../../src/index.ts";
import { type Device, openDevice } from "../../src/index.ts";
import { type Contents, expectGradients, weighted } from "../autodiff/differences.ts";
import { makePlan } from "../plans.ts";
import { evaluate } from "../reference/evaluate.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice({ engine: "cpu", threads: 2 });
});
afterAll(() => device.dispose());

/** Rows 0 to 19 in up to four groups, of which some are empty. */
const groupings = fc
  .array(fc.integer({ min: 1, max: 19 }), { minLength: 0, maxLength: 3 })
  .map((inner) => [0, ...inner.sort((a, b) => a - b), 20]);
const numbers = (random: Random, n: number) => Array.from({ length: n }, () => random.between(-1, 1));

test("law: both products, forwards and as each other's gradient, are those of plain loops", () =>
  asyncLaw(
    fc.asyncProperty(
      fc.array(fc.nat(19), { minLength: 1, maxLength: 60 }),
      groupings,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer(),
      async (ids, bounds, k, n, seed) => {
        const random = new Random(seed);
        const { inputs: plan, feeds, places, rows } = makePlan("p", ids);
        const groups = bounds.length - 1;
        const a = t.input("a", [plan.capacity, k]);
        const b = t.input("b", [groups * k, n]);
        const product = t.groupedMatmul(a, t.reshape(b, [groups, k, n]), plan, bounds);
        const read = t.spread(product, plan);
        const loss = t.sum(t.square(read));
        const outer = t.groupedOuter(a, product, plan, bounds);
        const [ofA, ofB] = t.grad(loss, [a, b]);
        const outputs = { read, outer, ofB, ofA: t.gather(ofA, plan.places) };
        const fed = {
          ...feeds,
          "p.places": places,
          a: Float32Array.from(numbers(random, plan.capacity * k)),
          b: Float32Array.from(numbers(random, groups * k * n)),
        };
        using program = await device.compile({ outputs });
        const needs = Object.fromEntries(
          Object.entries(fed).filter(([name]) => program.inputs.includes(name)),
        );
        const found = await program.fetch(needs);
        const expected = evaluate(Object.values(outputs), {
          feeds: new Map<string, ArrayLike<number>>(Object.entries(fed)),
          variables: new Map(),
        });
        expect(rows.length).toBeGreaterThan(0);
        for (const [name, node] of Object.entries(outputs)) {
          expected.of(node).forEach((e, i) => {
            const error = Math.abs(found[name as keyof typeof found]![i]! - e);
            if (!(error < 1e-4 * Math.max(1, Math.abs(e))))
              throw new Error(`${name}[${i}]: ${error} from ${e}`);
          });
        }
      },
    ),
    25,
  ));

test("law: gradients of both are central differences", () =>
  law(
    fc.property(
      fc.uniqueArray(fc.nat(19), { minLength: 1, maxLength: 8 }),
      groupings,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer(),
      (ids, bounds, k, n, seed) => {
        const random = new Random(seed);
        // every row once, so that all that a batch could touch is touched
        const { inputs: plan, feeds, places } = makePlan("p", ids);
        const groups = bounds.length - 1;
        const [a, b, c] = [
          t.input("a", [plan.capacity, k]),
          t.input("b", [groups, k, n]),
          t.input("c", [plan.capacity, n]),
        ];
        const contents: Contents & Record<string, readonly number[]> = {
          ...Object.fromEntries(Object.entries(feeds).map(([name, list]) => [name, [...list]])),
          "p.places": [...places],
          a: numbers(random, plan.capacity * k),
          b: numbers(random, groups * k * n),
          c: numbers(random, plan.capacity * n),
        };
        const product = t.groupedMatmul(a, b, plan, bounds);
        expectGradients(weighted(t.tanh(product), contents, random), [a, b], contents);
        const outer = t.groupedOuter(a, c, plan, bounds);
        expectGradients(weighted(t.tanh(outer), contents, random), [a, c], contents);
      },
    ),
    40,
  ));

describe("what does not fit is refused by name", () => {
  const plan = makePlan("p", [0, 1]).inputs;
  const a = t.input("a", [2, 3]);
  const cases: readonly [string, () => unknown, RegExp][] = [
    [
      "rows of another plan",
      () => t.groupedMatmul(t.input("x", [3, 3]), t.input("b", [1, 3, 4]), plan, [0, 5]),
      /groupedMatmul: needs \[2, k\] for plan "p", got \[3, 3\]/,
    ],
    [
      "a matrix too few",
      () => t.groupedMatmul(a, t.input("b", [1, 3, 4]), plan, [0, 2, 5]),
      /needs \[capacity, k\] x \[2 groups, k, n\]/,
    ],
    [
      "other columns",
      () => t.groupedMatmul(a, t.input("b", [1, 4, 4]), plan, [0, 5]),
      /\[2, 3\] x \[1, 4, 4\]/,
    ],
    [
      "falling bounds",
      () => t.groupedMatmul(a, t.input("b", [2, 3, 4]), plan, [0, 5, 2]),
      /rising row numbers, got \[0, 5, 2\]/,
    ],
    ["no bounds", () => t.groupedOuter(a, a, plan, []), /rising row numbers/],
    [
      "rows without a partner",
      () => t.groupedOuter(a, t.input("x", [3, 3]), plan, [0, 5]),
      /groupedOuter: needs \[2, n\], got \[3, 3\]/,
    ],
  ];
  test.each(cases)("%s", (_, make, message) => {
    expect(make).toThrow(t.ShapeError);
    expect(make).toThrow(message);
  });
  test("whole numbers", () => {
    expect(() => t.groupedOuter(t.input("u", [2, 3], "u32"), a, plan, [0, 5])).toThrow(t.DTypeError);
  });
});
