import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { rangeOf } from "../src/page/range.ts";

const spot = (y: number, noise = 0) => ({ y, low: y - noise, high: y + noise });

describe("rangeOf", () => {
  test("a few that collapse are left out, and said", () => {
    const good = [0.98, 0.979, 0.975, 0.97, 0.968, 0.965];
    const { domain, below } = rangeOf([...good, 0.5, 0.49].map((y) => spot(y, 0.01)));
    expect(below).toBe(2);
    expect(domain[0]).toBeGreaterThan(0.96);
    expect(domain[0]).toBeLessThan(0.965);
    expect(domain[1]).toBeGreaterThan(0.99);
  });

  test("where many are low, or none far below, all are drawn", () => {
    expect(rangeOf([0.9, 0.8, 0.5, 0.49].map((y) => spot(y))).below).toBe(0);
    expect(rangeOf([0.9, 0.88, 0.86, 0.84, 0.82, 0.8].map((y) => spot(y))).below).toBe(0);
    expect(rangeOf([spot(0.7)]).below).toBe(0);
  });

  test("law: what is not told as below is inside, and at most a quarter is below", () => {
    const spots = fc.array(
      fc.tuple(fc.double({ min: 0.4, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.1, noNaN: true })),
      { minLength: 1, maxLength: 60 },
    );
    law(
      fc.property(spots, (list) => {
        const all = list.map(([y, noise]) => spot(y, noise));
        const { domain, below } = rangeOf(all);
        const inside = all.filter(({ y }) => y >= domain[0] && y <= domain[1]);
        expect(inside.length + below).toBe(all.length);
        expect(below).toBeLessThanOrEqual(all.length / 4);
        if (below === 0)
          for (const { low, high } of all) expect(domain[0] <= low && high <= domain[1]).toBe(true);
      }),
    );
  });
});
