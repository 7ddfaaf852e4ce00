/**
 * An optimizer's arithmetic for one element: how a weight and its state move under a gradient. It is written once with
 * graph ops; dense parameters, touched rows and whole tables all apply it.
 */
import type { Tensor } from "../graph/tensor.ts";

/** Values of one application, all of one shape. */
export interface RuleInputs {
  readonly weight: Tensor;
  /** The loss gradient plus coupled L2. */
  readonly gradient: Tensor;
  readonly state: readonly Tensor[];
  /** Per-step scalars by name: `lr` and what `scalars` adds. */
  readonly scalars: Readonly<Record<string, Tensor>>;
}

/** What becomes of them. */
export interface RuleOutputs {
  readonly weight: Tensor;
  readonly state: readonly Tensor[];
}

/** An optimizer without variables: made by `sgd`, `rowAdam` and the like, or by hand. */
export interface Rule {
  /** As written into results: "adam", "rowAdam", ... */
  readonly name: string;
  readonly learningRate: number;
  /** Coupled L2: `l2 * weight` is added to the gradient (L2 of a loss term l2/2 * |w|^2). */
  readonly l2: number;
  /** Decoupled decay: the weight shrinks by lr * decay * weight, outside of the moments (AdamW). */
  readonly decay: number;
  /** True: only rows a batch touched move, and only their state (lazy). False: every row moves every step. */
  readonly rowsOnly: boolean;
  /** Names of the state kept for each weight. */
  readonly slots: readonly string[];
  /** Start value of each slot. */
  readonly initial: readonly number[];
  /** True if a zero gradient leaves weight and state as they are, so that untouched rows need no visit. */
  readonly zeroGradientIsStill: boolean;
  /** Names of the per-step scalars besides `lr`. */
  readonly scalarNames: readonly string[];
  /** Their values at step t = 1, 2, ... */
  scalars(t: number): readonly number[];
  apply(inputs: RuleInputs): RuleOutputs;
}
