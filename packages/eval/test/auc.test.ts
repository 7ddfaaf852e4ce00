import { describe, expect, test } from "bun:test";
import {
  auc,
  BadLabelError,
  BadScoreError,
  LengthMismatchError,
  NoRowsError,
  OneClassError,
} from "@trimtab/eval";
import fc from "fast-check";
import { aucByPairs, scoredRows, settings } from "./arbitraries.ts";

describe("auc, laws", () => {
  test("equals counting every pair, ties one half", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        expect(auc(scores, labels)).toBeCloseTo(aucByPairs(scores, labels)!, 12);
      }),
      settings,
    );
  });

  test("float32 scores are ranked as float32", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        const narrow = Float32Array.from(scores);
        expect(auc(narrow, labels)).toBeCloseTo(aucByPairs(narrow, labels)!, 12);
      }),
      settings,
    );
  });

  test("negated scores give 1 - AUC, and so do flipped labels", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        const value = auc(scores, labels);
        expect(
          auc(
            scores.map((s) => -s),
            labels,
          ),
        ).toBeCloseTo(1 - value, 12);
        expect(
          auc(
            scores,
            labels.map((y) => 1 - y),
          ),
        ).toBeCloseTo(1 - value, 12);
      }),
      settings,
    );
  });

  test("any strictly increasing transform leaves it the same bits", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        // Doubling is exact, so it can neither merge two scores nor part them; a general exp() could merge some.
        expect(
          auc(
            scores.map((s) => s * 2),
            labels,
          ),
        ).toBe(auc(scores, labels));
        const sorted = [...new Set(Array.from(scores, (s) => s + 0))].sort((a, b) => a - b);
        const rank = new Map(sorted.map((s, i) => [s, i]));
        const cubes = scores.map((s) => (rank.get(s + 0)! - 5) ** 3);
        expect(auc(cubes, labels)).toBe(auc(scores, labels));
      }),
      settings,
    );
  });

  test("the order of the rows does not matter", () => {
    fc.assert(
      fc.property(scoredRows, ({ scores, labels }) => {
        expect(auc(scores.toReversed(), labels.toReversed())).toBe(auc(scores, labels));
      }),
      settings,
    );
  });
});

describe("auc, examples", () => {
  test("perfect, reversed and constant scores", () => {
    expect(auc(Float32Array.of(1, 2, 3, 4), [0, 0, 1, 1])).toBe(1);
    expect(auc(Float32Array.of(4, 3, 2, 1), [0, 0, 1, 1])).toBe(0);
    expect(auc(Float32Array.of(5, 5, 5, 5), [0, 1, 0, 1])).toBe(0.5);
    expect(auc(Float32Array.of(0.1, 0.4, 0.35, 0.8), [0, 0, 1, 1])).toBe(0.75);
  });

  test("-0 and 0 tie, infinities have a rank", () => {
    expect(auc(Float64Array.of(-0, 0), [0, 1])).toBe(0.5);
    expect(auc(Float64Array.of(0, -0), [0, 1])).toBe(0.5);
    expect(auc(Float64Array.of(-Infinity, 3, Infinity, Infinity), [0, 0, 1, 1])).toBe(1);
  });

  test("labels may be a typed array, the input is left as it was", () => {
    const scores = Float32Array.of(3, 1, 2);
    expect(auc(scores, Uint8Array.of(1, 0, 0))).toBe(1);
    expect([...scores]).toEqual([3, 1, 2]);
  });

  test("a million rows keep every digit", () => {
    // 500,000 clicks scored 1..500000 and as many non-clicks half a step below each: won pairs are n(n+1)/2.
    const n = 500_000;
    const scores = new Float64Array(2 * n);
    const labels = new Uint8Array(2 * n);
    for (let i = 0; i < n; i++) {
      scores[2 * i] = i + 1;
      labels[2 * i] = 1;
      scores[2 * i + 1] = i + 0.5;
    }
    expect(auc(scores, labels)).toBe((n * (n + 1)) / 2 / (n * n));
  });
});

describe("auc, bad input", () => {
  test("a NaN names its row", () => {
    const error = caught(() => auc(Float32Array.of(1, Number.NaN, 3), [0, 1, 1]));
    expect(error).toBeInstanceOf(BadScoreError);
    expect((error as BadScoreError).index).toBe(1);
    expect((error as Error).message).toContain("score at row 1 is NaN");
  });

  test.each([2, -1, 0.5, Number.NaN])("label %p names its row", (label) => {
    const error = caught(() => auc(Float32Array.of(1, 2, 3), [0, 1, label]));
    expect(error).toBeInstanceOf(BadLabelError);
    expect((error as BadLabelError).index).toBe(2);
    expect((error as Error).message).toContain("expected 0 or 1");
  });

  test("one class only", () => {
    expect(() => auc(Float32Array.of(1, 2), [1, 1])).toThrow(OneClassError);
    expect(() => auc(Float32Array.of(1, 2), [0, 0])).toThrow("all 2 labels are 0");
  });

  test("lengths that differ, and no rows", () => {
    expect(() => auc(Float32Array.of(1, 2), [1])).toThrow(LengthMismatchError);
    expect(() => auc(new Float32Array(0), [])).toThrow(NoRowsError);
  });
});

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, nothing was thrown");
}
