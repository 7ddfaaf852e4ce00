import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  BatchError,
  type BatchPlan,
  buildPlan,
  PAD,
  PIECE,
  PlanBuilder,
  planArrays,
  planCapacity,
} from "../src/index.ts";
import { group } from "./plain.ts";

function runs(plan: BatchPlan): [row: number, positions: number[]][] {
  return Array.from(plan.rows, (row, u) => [
    row,
    [...plan.sorted.subarray(plan.offsets[u], plan.offsets[u + 1])],
  ]);
}

// Tables of one row, a few, just around the digit width, and beyond two digits; batches with heavy repeats.
const problem = fc
  .record({
    rows: fc.oneof(
      fc.constantFrom(1, 2, 8191, 8192, 8193, 67_108_864, 67_108_865, 4_294_967_294),
      fc.integer({ min: 1, max: 3_000_000 }),
    ),
    length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2000 })),
    spread: fc.constantFrom(1, 3, 50, 4_294_967_295),
    pads: fc.constantFrom(0, 0.3, 1),
    seed: fc.integer(),
  })
  .map(({ rows, length, spread, pads, seed }) => {
    let state = seed >>> 0;
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const span = Math.min(rows, spread);
    const from = Math.floor(next() * (rows - span));
    const keys = Uint32Array.from({ length }, () => (next() < pads ? PAD : from + Math.floor(next() * span)));
    return { rows, keys };
  });

describe("a batch plan", () => {
  test("is the figure of the design", () => {
    const plan = buildPlan(new Uint32Array([7, 3, 9, 7, 3, 7]), 10);
    expect([...plan.sorted]).toEqual([1, 4, 0, 3, 5, 2]);
    expect([...plan.rows]).toEqual([3, 7, 9]);
    expect([...plan.offsets]).toEqual([0, 2, 5, 6]);
    expect([...plan.pieceOffsets]).toEqual([0, 0, 0, 0]);
    expect([plan.count, plan.pieceCount]).toEqual([3, 0]);
  });

  test("equals grouping by brute force, stably, with padding left out", () => {
    law(
      fc.property(problem, ({ rows, keys }) => {
        const plan = buildPlan(keys, rows);
        expect(runs(plan)).toEqual(group(keys));
        expect(plan.count).toBe(plan.rows.length);
        const real = [...keys.keys()].filter((at) => keys[at] !== PAD);
        expect([...plan.sorted].sort((a, b) => a - b)).toEqual(real);
      }),
      300,
    );
  });

  test("tiles long runs, and only those, with pieces of at most PIECE", () => {
    law(
      fc.property(problem, ({ rows, keys }) => {
        const plan = buildPlan(keys, rows);
        for (let u = 0; u < plan.count; u++) {
          const [from, to] = [plan.offsets[u]!, plan.offsets[u + 1]!];
          const [first, last] = [plan.pieceOffsets[u]!, plan.pieceOffsets[u + 1]!];
          if (to - from <= PIECE) expect(last).toBe(first);
          else {
            let at = from;
            for (let m = first; m < last; m++) {
              expect(plan.pieceFrom[m]).toBe(at);
              at = plan.pieceTo[m]!;
              expect(at - plan.pieceFrom[m]!).toBeLessThanOrEqual(PIECE);
              expect(at).toBeGreaterThan(plan.pieceFrom[m]!);
            }
            expect(at).toBe(to);
          }
        }
        expect(plan.pieceOffsets[plan.count]).toBe(plan.pieceCount);
      }),
      300,
    );
  });

  test("never needs more pieces than planCapacity says, and can need exactly that many", () => {
    // The most pieces for P positions, by dynamic programming over the length of one run at a time.
    const most = new Array(1200).fill(0);
    for (let p = 1; p < most.length; p++) {
      most[p] = most[p - 1];
      for (let run = PIECE + 1; run <= p; run++) {
        most[p] = Math.max(most[p], most[p - run] + Math.ceil(run / PIECE));
      }
      expect(planCapacity(p).pieces).toBeGreaterThanOrEqual(most[p]);
    }
    expect(planCapacity(PIECE + 1).pieces).toBe(2);
    const worst = Uint32Array.from({ length: 5 * (PIECE + 1) }, (_, i) => i % 5);
    expect(buildPlan(worst, 5).pieceCount).toBe(planCapacity(worst.length).pieces);
  });

  test("one builder gives the same plan again, whatever came between", () => {
    law(
      fc.property(problem, problem, (a, b) => {
        const rows = Math.max(a.rows, b.rows);
        const size = Math.max(a.keys.length, b.keys.length);
        const builder = new PlanBuilder(rows, size);
        const out = planArrays(size);
        const build = (keys: Uint32Array): number[] => {
          builder.build(keys, keys.length, out);
          return [...out.sorted.subarray(0, builder.used), ...out.rows.subarray(0, builder.count)];
        };
        const first = build(a.keys);
        build(b.keys);
        expect(build(a.keys)).toEqual(first);
      }),
      50,
    );
  });

  test("refuses a row outside its table, naming position and row", () => {
    expect(() => buildPlan(new Uint32Array([0, 5]), 5)).toThrow(BatchError);
    expect(() => buildPlan(new Uint32Array([0, 5]), 5)).toThrow(
      /position 1 reads row 5 of a table with 5 rows/,
    );
  });

  test("refuses more positions than the builder was made for", () => {
    expect(() => new PlanBuilder(5, 2).build(new Uint32Array(3), 3, planArrays(3))).toThrow(/3 positions/);
  });
});
