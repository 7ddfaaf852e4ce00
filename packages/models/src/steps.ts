/** The two programs every user of a model needs: a training step and a scoring step. */
import { carryTouched, type VectorTransform } from "@trimtab/embeddings";
import {
  add,
  assign,
  bceWithLogits,
  clipGradients,
  type Gradient,
  grad,
  mean,
  type Optimizer,
  type RowGradient,
  type Tensor,
} from "@trimtab/tensor-core";
import type { Model } from "./model.ts";

/** Parts for `device.compile`. */
export interface TrainStep {
  /** `loss`: mean binary cross-entropy of the batch, L2 not counted. */
  readonly outputs: { readonly loss: Tensor };
  readonly updates: readonly Tensor[];
}

/**
 * One step of `optimizer` (made from `model.groups()`) on a batch of `batch` rows. Also adds the loss to `model.lossSum`, so
 * that a loop need not read it every step. Inputs: `labels`, each layout's ids, weights and plan, `rng.seed` and `rng.step`
 * with dropout, and what `optimizer.next` feeds. `transform` as in `model.forward`; the optimizer may hold parameters of it.
 * `clip`: the largest norm of all gradients together (see clipGradients); none when left out.
 */
export function trainStep(
  model: Model,
  optimizer: Optimizer,
  batch: number,
  { transform, clip }: { readonly transform?: VectorTransform; readonly clip?: number } = {},
): TrainStep {
  const { logits, labels, updates, live } = model.forward({ batch, training: true, transform, byRow: true });
  const loss = mean(bceWithLogits(logits, labels));
  const { parameters } = optimizer;
  const own: Gradient[] = [...grad(loss, live ? [...parameters, live.touched] : parameters)];
  // what no optimizer holds is clipped with the rest, and moved by its tables
  if (live) own.push(live.rowGradient(own.pop() as Tensor));
  const gradients = clip === undefined ? own : clipGradients(own, clip);
  for (const [i, gradient] of own.entries()) carryTouched(gradient, gradients[i]);
  const moved = live ? live.updates(gradients.pop() as RowGradient) : [];
  const counted = assign(model.lossSum, add(model.lossSum.value, loss));
  return { outputs: { loss }, updates: [...optimizer.updates(gradients), ...moved, ...updates, counted] };
}

/** Logits [B] of a batch of `batch` rows, with running moments and without dropout. `transform` as in `model.forward`. */
export function scoreStep(
  model: Model,
  batch: number,
  options: { readonly transform?: VectorTransform } = {},
): { readonly outputs: { readonly logits: Tensor } } {
  const { logits } = model.forward({ batch, training: false, ...options });
  return { outputs: { logits } };
}
