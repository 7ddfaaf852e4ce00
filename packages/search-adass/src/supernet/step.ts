/** The supernet's programs: one training step and one that measures moments. Paths are fed; there is no program a path. */
import {
  abs,
  add,
  assign,
  bceWithLogits,
  concat,
  type Device,
  eq,
  grad,
  input,
  iota,
  mean,
  mul,
  type Program,
  reshape,
  sum,
  type Tensor,
  where,
} from "@trimtab/tensor-core";
import { BLOCK, type Stage } from "./stage.ts";

/**
 * A step on a batch: parameters move under the chosen path, and row `adass.row` of the history becomes the loss and each field's importance,
 * sum over dims of |sum over the batch of e dL/de| (the SSEDS saliency of the field's vectors as the model sees them).
 */
export function trainingStep(
  device: Device,
  stage: Stage,
  batch: number,
): Promise<Program<{ loss: Tensor }>> {
  const { model, candidates, optimizer, history } = stage;
  const transform = candidates.transform("train");
  const forward = model.forward({ batch, training: true, transform });
  const loss = mean(bceWithLogits(forward.logits, forward.labels));
  // the base scheme is uniform: what the model computes from is one tensor
  const vectors = forward.lookedUp!;
  const gradients = grad(loss, [...optimizer.parameters, vectors]);
  const slots = sum(mul(gradients.at(-1) as Tensor, vectors), [0]);
  const shown = concat([reshape(loss, [1]), sum(abs(slots), [1])], 0);
  const row = eq(iota([BLOCK, 1]), input("adass.row", [], "u32"));
  const written = assign(history, where(row, reshape(shown, [1, shown.shape[0]!]), history.value));
  const counted = assign(model.lossSum, add(model.lossSum.value, loss));
  const updates = [...optimizer.updates(gradients.slice(0, -1)), ...forward.updates, written, counted];
  return device.compile({ outputs: { loss }, updates });
}

/** A batch's moments join the kept ones of the chosen sizes; undefined where nothing is normalised. */
export async function measuringStep(
  device: Device,
  { model, candidates }: Stage,
  batch: number,
): Promise<Program<Record<string, never>> | undefined> {
  const updates: Tensor[] = [];
  // built for its moments alone; what the model makes of the vectors never enters the program
  model.forward({ batch, training: false, transform: candidates.transform("measure", updates) });
  return updates.length > 0 ? device.compile({ outputs: {}, updates }) : undefined;
}
