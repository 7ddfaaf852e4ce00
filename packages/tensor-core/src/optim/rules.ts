/** The optimizers. Dense and row-wise (lazy) forms differ in what they do to rows that a batch did not touch. */
import { add, div, mul, sqrt, square, sub } from "../graph/elementwise.ts";
import type { Rule } from "./rule.ts";

/** Options of `sgd` and `rowSgd`, and what all rules share. */
export interface SgdOptions {
  /** Learning rate, before the optimizer's `learningRateScale`. */
  readonly lr: number;
  /** Coupled L2: l2 * weight joins the gradient. Default 0. */
  readonly l2?: number;
}

/** Options of `adagrad` and `rowAdagrad`. */
export interface AdagradOptions extends SgdOptions {
  /** Added to the root. Default 1e-10. */
  readonly epsilon?: number;
  /** Start value of the sum of squares. Default 0. */
  readonly initial?: number;
}

/** Options of `adam` and `rowAdam`. */
export interface AdamOptions extends SgdOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
}

/** Options of `adamw`. */
export interface AdamWOptions extends AdamOptions {
  /** Decoupled decay: the weight shrinks by lr * decay of itself each step. */
  readonly decay: number;
}

function sgdRule(name: string, rowsOnly: boolean, o: SgdOptions): Rule {
  return {
    name,
    learningRate: o.lr,
    l2: o.l2 ?? 0,
    decay: 0,
    rowsOnly,
    slots: [],
    initial: [],
    zeroGradientIsStill: true,
    scalarNames: [],
    scalars: () => [],
    apply: ({ weight, gradient, scalars }) => ({
      weight: sub(weight, mul(scalars.lr!, gradient)),
      state: [],
    }),
  };
}

function adagradRule(name: string, rowsOnly: boolean, o: AdagradOptions): Rule {
  const epsilon = o.epsilon ?? 1e-10;
  return {
    name,
    learningRate: o.lr,
    l2: o.l2 ?? 0,
    decay: 0,
    rowsOnly,
    slots: ["sum"],
    initial: [o.initial ?? 0],
    zeroGradientIsStill: true,
    scalarNames: [],
    scalars: () => [],
    apply: ({ weight, gradient, state, scalars }) => {
      const total = add(state[0]!, square(gradient));
      const step = div(gradient, add(sqrt(total), epsilon));
      return { weight: sub(weight, mul(scalars.lr!, step)), state: [total] };
    },
  };
}

function adamRule(name: string, rowsOnly: boolean, o: AdamOptions & { decay?: number }): Rule {
  const beta1 = o.beta1 ?? 0.9;
  const beta2 = o.beta2 ?? 0.999;
  const epsilon = o.epsilon ?? 1e-8;
  const decay = o.decay ?? 0;
  return {
    name,
    learningRate: o.lr,
    l2: o.l2 ?? 0,
    decay,
    rowsOnly,
    slots: ["m", "v"],
    initial: [0, 0],
    // momentum goes on moving a weight that has no gradient
    zeroGradientIsStill: false,
    scalarNames: ["c1", "c2"],
    scalars: (t) => [1 / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)],
    apply: ({ weight, gradient, state, scalars }) => {
      const m = add(mul(state[0]!, beta1), mul(gradient, 1 - beta1));
      const v = add(mul(state[1]!, beta2), mul(square(gradient), 1 - beta2));
      const step = div(mul(m, scalars.c1!), add(mul(sqrt(v), scalars.c2!), epsilon));
      const kept = decay === 0 ? weight : sub(weight, mul(mul(scalars.lr!, decay), weight));
      return { weight: sub(kept, mul(scalars.lr!, step)), state: [m, v] };
    },
  };
}

/** w - lr * g. `l2` is coupled: l2 * w is added to the gradient, in every rule but `adamw`'s decay. */
export const sgd = (o: SgdOptions): Rule => sgdRule("sgd", false, o);
/** Duchi et al., 2011 (diagonal): w - lr * g / (sqrt(sum of g^2) + epsilon). */
export const adagrad = (o: AdagradOptions): Rule => adagradRule("adagrad", false, o);
/** Kingma and Ba, 2015, algorithm 1. On a table every row moves every step. `l2` is coupled: it passes through the moments. */
export const adam = (o: AdamOptions): Rule => adamRule("adam", false, o);
/** Loshchilov and Hutter, 2019: `decay` does not pass through the moments. */
export const adamw = (o: AdamWOptions): Rule => adamRule("adamw", false, o);
/** `sgd` on the rows that a batch touched; with `l2` it pulls at those rows only. */
export const rowSgd = (o: SgdOptions): Rule => sgdRule("rowSgd", true, o);
/** `adagrad` on the rows that a batch touched. */
export const rowAdagrad = (o: AdagradOptions): Rule => adagradRule("rowAdagrad", true, o);
/** Lazy Adam: moments of a row move only when a batch touches it. Not the same optimizer as `adam`. */
export const rowAdam = (o: AdamOptions): Rule => adamRule("rowAdam", true, o);
