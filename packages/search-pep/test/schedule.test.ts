// The ramp: what it wants is monotone and reaches its end, and a level read off counts is the one that leaves as many.
import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  LOWEST,
  levelAt,
  levelFor,
  levelsAround,
  nextRamp,
  START,
  shareAt,
  stepOf,
} from "../src/schedule.ts";

const options = fc.record({
  steps: fc.integer({ min: 1, max: 5000 }),
  warmUp: fc.double({ min: 0, max: 0.9, noNaN: true }),
  end: fc.double({ min: 0.001, max: 1, noNaN: true }),
});

describe("the share", () => {
  test("law: starts at 1, never rises, is 1 in the warm-up and reaches its end at the last step", () => {
    law(
      fc.property(options, (o) => {
        expect(shareAt(0, o)).toBe(1);
        expect(shareAt(Math.floor(o.warmUp * o.steps), o)).toBeCloseTo(1, 9);
        expect(shareAt(o.steps, o)).toBeCloseTo(o.end, 12);
        for (let t = 1, before = 1; t <= o.steps; t += Math.ceil(o.steps / 50)) {
          const now = shareAt(t, o);
          expect(now).toBeLessThanOrEqual(before);
          before = now;
        }
      }),
    );
  });

  test("law: the step of a share is the first at which no more is wanted", () => {
    law(
      fc.property(options, fc.double({ min: 0, max: 1, noNaN: true }), (o, part) => {
        const share = o.end + part * (1 - o.end);
        const step = stepOf(share, o);
        expect(step).toBeGreaterThanOrEqual(1);
        expect(step).toBeLessThanOrEqual(o.steps);
        expect(shareAt(step, o)).toBeLessThanOrEqual(share + 1e-9);
        if (step > 1) expect(shareAt(step - 1, o)).toBeGreaterThanOrEqual(share - 1e-9);
        expect(stepOf(o.end, o)).toBe(o.steps);
      }),
    );
  });
});

describe("the level", () => {
  test("law: read off counts, it leaves the wanted numbers, up to the spacing of the counts", () => {
    law(
      fc.property(
        fc.array(fc.double({ min: -15, max: 2, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.double({ min: -15, max: 2, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (scores, now, part) => {
          const above = (level: number) => scores.filter((s) => s > level).length;
          const counts = levelsAround(now).map((level) => ({ level, numbers: above(level), filledRows: 0 }));
          const wanted = part * scores.length;
          const level = levelFor(counts, wanted);
          const [low, high] = [level - 1.5, level + 1.5];
          expect(above(high)).toBeLessThanOrEqual(wanted + 1e-9);
          expect(above(low)).toBeGreaterThanOrEqual(Math.min(wanted, scores.length) - 1e-9);
        },
      ),
    );
  });

  test("law: the ramp never falls, whatever counts say, and is where it was told to be", () => {
    law(
      fc.property(fc.array(fc.double({ min: -25, max: 5, noNaN: true }), { maxLength: 20 }), (wishes) => {
        let ramp = START;
        let before = LOWEST;
        wishes.forEach((wish, k) => {
          ramp = nextRamp(ramp, 10 * k, 10 * (k + 1), wish);
          for (let t = 10 * k; t <= 10 * (k + 1); t++) {
            const level = levelAt(ramp, t);
            expect(level).toBeGreaterThanOrEqual(before - 1e-9);
            before = level;
          }
          expect(levelAt(ramp, 10 * (k + 1))).toBeGreaterThanOrEqual(wish - 1e-9);
        });
      }),
    );
  });
});
