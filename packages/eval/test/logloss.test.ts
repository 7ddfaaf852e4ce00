import { describe, expect, test } from "bun:test";
import {
  BadLabelError,
  BadOptionError,
  BadScoreError,
  logloss,
  loglossOfProbabilities,
  probabilitiesOf,
} from "@trimtab/eval";
import fc from "fast-check";
import { settings } from "./arbitraries.ts";

const rows = (max: number) =>
  fc
    .array(fc.tuple(fc.double({ noNaN: true, min: -max, max }), fc.integer({ min: 0, max: 1 })), {
      minLength: 1,
      maxLength: 50,
    })
    .map((pairs) => ({ logits: Float64Array.from(pairs, ([x]) => x), labels: pairs.map(([, y]) => y) }));

describe("logloss, laws", () => {
  test("from logits equals from probabilities", () => {
    fc.assert(
      // Up to 12: beyond, 1 - p has lost the digits that the logit still has.
      fc.property(rows(12), ({ logits, labels }) => {
        expect(loglossOfProbabilities(probabilitiesOf(logits), labels)).toBeCloseTo(
          logloss(logits, labels),
          9,
        );
      }),
      settings,
    );
  });

  test("equals the textbook formula where that one is safe", () => {
    fc.assert(
      fc.property(rows(12), ({ logits, labels }) => {
        let sum = 0;
        logits.forEach((x, i) => {
          const p = 1 / (1 + Math.exp(-x));
          sum -= labels[i]! * Math.log(p) + (1 - labels[i]!) * Math.log(1 - p);
        });
        expect(logloss(logits, labels)).toBeCloseTo(sum / logits.length, 9);
      }),
      settings,
    );
  });

  test("is symmetric: flipped labels and negated logits", () => {
    fc.assert(
      fc.property(rows(800), ({ logits, labels }) => {
        const flipped = logloss(
          logits.map((x) => -x),
          labels.map((y) => 1 - y),
        );
        const straight = logloss(logits, labels);
        expect(Math.abs(flipped - straight)).toBeLessThanOrEqual(1e-12 * (1 + straight));
      }),
      settings,
    );
  });

  test("never overflows, is never negative", () => {
    fc.assert(
      fc.property(rows(1e300), ({ logits, labels }) => {
        const loss = logloss(logits, labels);
        expect(loss).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(loss)).toBe(true);
      }),
      settings,
    );
  });

  test("no constant prediction beats the click rate", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 40 }),
        fc.double({ noNaN: true, min: 0.001, max: 0.999 }),
        (labels, guess) => {
          const rate = labels.reduce((a, b) => a + b, 0) / labels.length;
          const constant = (p: number) =>
            loglossOfProbabilities(new Float64Array(labels.length).fill(p), labels);
          expect(constant(rate)).toBeLessThanOrEqual(constant(guess) + 1e-12);
        },
      ),
      settings,
    );
  });
});

describe("logloss, examples", () => {
  test("logit 0 costs log 2, a confident right row nearly nothing, a confident wrong one its logit", () => {
    expect(logloss(Float32Array.of(0, 0), [0, 1])).toBeCloseTo(Math.LN2, 15);
    expect(logloss(Float64Array.of(40), [1])).toBeCloseTo(4.248354255291589e-18, 30);
    expect(logloss(Float64Array.of(1000), [0])).toBe(1000);
  });

  test("saturated probabilities are clipped", () => {
    expect(loglossOfProbabilities(Float64Array.of(1), [1])).toBeLessThan(1e-14);
    expect(loglossOfProbabilities(Float64Array.of(0), [1])).toBeCloseTo(-Math.log(1e-15), 9);
    expect(loglossOfProbabilities(Float64Array.of(0), [1], 1e-7)).toBeCloseTo(-Math.log(1e-7), 9);
  });

  test("probabilitiesOf is stable at both ends", () => {
    expect([...probabilitiesOf(Float64Array.of(-1000, 0, 1000))]).toEqual([0, 0.5, 1]);
    expect(probabilitiesOf(Float64Array.of(-700))[0]).toBeGreaterThan(0);
  });
});

describe("logloss, bad input", () => {
  test("a logit that is not finite, a probability outside 0..1, a label", () => {
    expect(() => logloss(Float64Array.of(0, Number.POSITIVE_INFINITY), [0, 1])).toThrow(BadScoreError);
    expect(() => logloss(Float64Array.of(0, Number.NaN), [0, 1])).toThrow("logit at row 1 is NaN");
    expect(() => loglossOfProbabilities(Float64Array.of(0.5, 1.5), [0, 1])).toThrow(
      "probability at row 1 is 1.5",
    );
    expect(() => logloss(Float64Array.of(0, 0), [0, 3])).toThrow(BadLabelError);
    expect(() => loglossOfProbabilities(Float64Array.of(0.5), [0], 0.5)).toThrow(BadOptionError);
  });
});
