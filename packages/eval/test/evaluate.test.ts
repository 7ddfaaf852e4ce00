import { expect, test } from "bun:test";
import {
  auc,
  BadScoreError,
  calibration,
  evaluate,
  logloss,
  metricsSchema,
  perUserAuc,
  probabilitiesOf,
} from "@trimtab/eval";
import fc from "fast-check";
import { scoredRows, settings } from "./arbitraries.ts";

test("evaluate gathers what the single metrics say, in the shape of a result row", () => {
  const logits = Float32Array.of(-2, -1, 0.5, 3, -0.5, 1);
  const labels = Uint8Array.of(0, 0, 1, 1, 1, 0);
  const users = Uint32Array.of(1, 1, 1, 2, 2, 2);
  const metrics = evaluate({ logits, labels, users });
  const { bins: _, ...calibrated } = calibration(probabilitiesOf(logits), labels);
  expect(metrics).toEqual({
    rows: 6,
    auc: auc(logits, labels),
    logloss: logloss(logits, labels),
    calibration: calibrated,
    perUser: perUserAuc(logits, labels, users),
  });
  expect(metricsSchema.parse(metrics)).toEqual(metrics);
});

test("without users, or without a user of both labels, perUser is null", () => {
  const logits = Float32Array.of(-2, 1);
  expect(evaluate({ logits, labels: [0, 1] }).perUser).toBeNull();
  expect(evaluate({ logits, labels: [0, 1], users: [1, 2] }).perUser).toBeNull();
});

test("an infinite logit is refused although AUC could rank it", () => {
  expect(() => evaluate({ logits: Float32Array.of(0, Infinity), labels: [0, 1] })).toThrow(BadScoreError);
});

test("law: whatever the rows, the metrics fit the schema and survive JSON", () => {
  fc.assert(
    fc.property(scoredRows, ({ scores, labels, users }) => {
      const metrics = evaluate({ logits: scores, labels, users });
      expect(metricsSchema.parse(JSON.parse(JSON.stringify(metrics)))).toEqual(metrics);
    }),
    settings,
  );
});
