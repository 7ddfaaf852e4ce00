/** Clipping by the common norm, against plain loops. */
import { expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { evaluate } from "../reference/evaluate.ts";
import { looseVariable } from "../variables.ts";

const DIM = 3;
const POSITIONS = 6;

test("scales all gradients by one factor, and leaves small ones as they are", () =>
  law(
    fc.property(fc.integer(), fc.double({ min: 0.01, max: 10, noNaN: true }), (seed, most) => {
      const random = new Random(seed);
      const ids = Array.from({ length: POSITIONS }, () => random.whole(0, 4));
      const plan = makePlan("p", ids);
      const dense = Array.from({ length: 5 }, () => random.between(-1, 1));
      const positions = Array.from({ length: POSITIONS * DIM }, () => random.between(-1, 1));
      const table = looseVariable("table", [5, DIM]);
      const [clippedDense, clippedRows] = t.clipGradients(
        [t.input("dense", [5]), new t.RowGradient(table, plan.inputs, t.input("g", [POSITIONS, DIM]))],
        most,
      ) as [t.Tensor, t.RowGradient];
      expect(clippedRows.table).toBe(table);
      expect(clippedRows.plan).toBe(plan.inputs);
      const feeds = new Map<string, ArrayLike<number>>([
        ...Object.entries(plan.feeds),
        ["dense", dense],
        ["g", positions],
      ]);
      const got = evaluate([clippedDense, clippedRows.positions], { feeds, variables: new Map() });

      const sums = Array.from({ length: 5 * DIM }, () => 0);
      ids.forEach((id, p) => {
        for (let j = 0; j < DIM; j++) sums[id * DIM + j]! += positions[p * DIM + j]!;
      });
      const norm = Math.hypot(...dense, ...sums);
      const scale = Math.min(1, most / norm);
      const gotDense = got.of(clippedDense);
      const gotRows = got.of(clippedRows.positions);
      dense.forEach((x, i) => {
        expect(gotDense[i]!).toBeCloseTo(x * scale, 6);
      });
      positions.forEach((x, i) => {
        expect(gotRows[i]!).toBeCloseTo(x * scale, 6);
      });
      if (norm <= most) expect([...gotDense]).toEqual(dense);
    }),
  ));

test("of no gradient at all stays zero", () => {
  const [clipped] = t.clipGradients([t.zeros([4])], 1) as [t.Tensor];
  const got = evaluate([clipped], { feeds: new Map(), variables: new Map() });
  expect([...got.of(clipped)]).toEqual([0, 0, 0, 0]);
  expect(t.clipGradients([], 1)).toEqual([]);
});

test("refuses a norm that is not above zero", () => {
  expect(() => t.clipGradients([t.zeros([1])], 0)).toThrow(t.OptimizerError);
  expect(() => t.clipGradients([t.zeros([1])], Number.NaN)).toThrow("above zero");
});
