/**
 * How long thresholds take to matter. They start where sigmoid's gradient is nearly zero (at -15: 3e-7; at -150: exactly zero
 * in f32), so that for thousands of steps only L2 moves them. Adam normalises that small pull to about one learning rate a
 * step; every other optimizer leaves them where they are (found in the authors' released code; a maintainer says so there).
 */
import type { Rule } from "@trimtab/tensor-core";

/**
 * Steps until a threshold that starts at `start` has reached `level`, moved by `rule`'s L2 or decay alone, without a gradient of
 * the loss; `most` at the most, Infinity beyond. For lazy rules this is a row that no batch touches.
 */
export function stepsToReach(rule: Rule, start: number, level: number, most = 1_000_000): number {
  if (start >= level) return 0;
  if (rule.rowsOnly) return Infinity;
  let s = start;
  if (!rule.slots.includes("v")) {
    // sgd: a step is lr * l2 of the threshold
    const pull = rule.learningRate * (rule.slots.length === 0 ? rule.l2 : 0);
    for (let t = 1; t <= most; t++) {
      s -= pull * s;
      if (s >= level) return t;
    }
    return Infinity;
  }
  let m = 0;
  let v = 0;
  for (let t = 1; t <= most; t++) {
    const g = rule.l2 * s;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const step = m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    s -= rule.learningRate * (step + rule.decay * s);
    if (s >= level) return t;
  }
  return Infinity;
}

/** The threshold s at which sigmoid(s) is `size`. */
export function thresholdOf(size: number): number {
  return Math.log(size / (1 - size));
}
