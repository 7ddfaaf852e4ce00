import { ShapeError } from "../errors.ts";
import { customGradient } from "../graph/custom-gradient.ts";
import { add, mul, rsqrt, square, sub } from "../graph/elementwise.ts";
import { mean, sum } from "../graph/folds.ts";
import { assign } from "../graph/tables.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";
import { reshape } from "../graph/views.ts";
import { showShape } from "../shape.ts";

/** State of one batch normalisation over n columns; every variable is [n]. Without gamma and beta it is not affine. */
export interface BatchNormState {
  readonly gamma?: Variable;
  readonly beta?: Variable;
  readonly runningMean: Variable;
  readonly runningVariance: Variable;
}

/** Training normalises by the batch, scoring by the running moments. */
export interface BatchNormOptions {
  readonly training: boolean;
  /** Weight of the newest batch in the running moments. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalisation of x [rows, n] (Ioffe and Szegedy, 2015, algorithm 1). Training normalises by the batch's own
 * moments and returns the updates of the running ones (the running variance takes the unbiased estimate, as elsewhere);
 * otherwise the running moments are used and there are no updates.
 */
export function batchNorm(
  x: Tensor,
  state: BatchNormState,
  options: BatchNormOptions,
): { readonly output: Tensor; readonly updates: readonly Tensor[] } {
  const { training, momentum = 0.1, epsilon = 1e-5 } = options;
  const [rows, n] = x.shape;
  if (x.shape.length !== 2 || n !== state.runningMean.size) {
    throw new ShapeError(`batchNorm: needs [rows, ${state.runningMean.size}], got ${showShape(x.shape)}.`);
  }
  const scale = (normal: Tensor) => {
    const scaled = state.gamma ? mul(normal, state.gamma.value) : normal;
    return state.beta ? add(scaled, state.beta.value) : scaled;
  };
  if (!training) {
    const factor = rsqrt(add(state.runningVariance.value, epsilon));
    return { output: scale(mul(sub(x, state.runningMean.value), factor)), updates: [] };
  }
  const m = mean(x, [0], { keep: true });
  const centred = sub(x, m);
  // two passes: E[(x - m)^2] does not cancel as E[x^2] - m^2 does
  const variance = mean(square(centred), [0], { keep: true });
  const factor = rsqrt(add(variance, epsilon));
  const normal = mul(centred, factor);
  const { gamma, beta } = state;
  const targets = [x, ...[gamma, beta].filter((v) => v !== undefined).map((v) => v.value)];
  // The paper's own gradient (section 3), where sum(centred) = 0 was used: one pass of sums and one over x, where the
  // chain rule, which cannot know that, takes two of each.
  const output = customGradient(scale(normal), targets, (g) => {
    const sumG = sum(g, [0], { keep: true });
    const sumGN = sum(mul(g, normal), [0], { keep: true });
    const pull = mul(add(sumG, mul(normal, sumGN)), 1 / rows!);
    const weight = gamma ? mul(factor, gamma.value) : factor;
    const gx = mul(sub(g, pull), weight);
    return [gx, ...(gamma ? [reshape(sumGN, [n])] : []), ...(beta ? [reshape(sumG, [n])] : [])];
  });
  // one row has no spread: a last batch of one would pull the running moments to it
  if (rows === 1) return { output, updates: [] };
  const unbiased = rows! / (rows! - 1);
  const moved = (running: Variable, fresh: Tensor) =>
    assign(running, add(mul(running.value, 1 - momentum), mul(reshape(fresh, [n!]), momentum)));
  return {
    output,
    updates: [moved(state.runningMean, m), moved(state.runningVariance, mul(variance, unbiased))],
  };
}
