/**
 * The saliency of every slot (field f, dim j) of a trained base model: |dL/d alpha[f,j]| at alpha = 1, where alpha is a mask
 * on the embeddings (SSEDS, arXiv 2204.03281, section 3.2). No mask is needed to compute it:
 *
 *   dL/d alpha[f,j] = sum over the batch of (dL/de)[b,f,j] * e[b,f,j]
 */
import { type BatchSource, type Columns, createBatchSource, type FieldInfo } from "@trimtab/data";
import type { Model } from "@trimtab/models";
import { batchFeeds } from "@trimtab/search-core";
import {
  abs,
  add,
  assign,
  bceWithLogits,
  type Device,
  grad,
  input,
  mean,
  mul,
  sum,
  type Tensor,
} from "@trimtab/tensor-core";

export interface SaliencyOptions {
  readonly device: Device;
  readonly model: Model;
  readonly columns: Columns;
  readonly fields: readonly FieldInfo[];
  /** Rows of a gradient batch; at most the rows there are. */
  readonly batch: number;
  /** Batches averaged; 1 is the paper's single batch. Fewer are used if the data ends. */
  readonly batches: number;
  /**
   * Ours: how batches are averaged. "mean-abs": absolute values, so that a slot that pulls both ways still counts. "abs-mean": the
   * absolute value of the average. "gain": the average of -dL/d alpha where it is positive, that is, how much the loss
   * would rise if the slot went; a slot whose going lowers the loss (on rows the model has not seen) counts nothing.
   */
  readonly average: "mean-abs" | "abs-mean" | "gain";
  readonly seed: number;
  readonly onBatch?: (done: number, total: number) => void;
}

export interface Saliency {
  /** [field][dim], sums to 1 over all slots (L1-normalised, as in the paper). */
  readonly values: readonly (readonly number[])[];
  /** Batches that went in. */
  readonly batches: number;
}

/** One gradient pass over the model in scoring mode (no dropout, running moments). */
export async function computeSaliency(options: SaliencyOptions): Promise<Saliency> {
  const { device, model, columns, average } = options;
  const size = Math.min(options.batch, columns.rows);
  const forward = model.forward({ batch: size, training: false });
  const looked = forward.lookedUp;
  if (!looked) {
    throw new TypeError(
      `saliency: model "${model.config.kind}" has no embeddings to rank; use FM, DNN, Wide&Deep, DeepFM or DLRM.`,
    );
  }
  const loss = mean(bceWithLogits(forward.logits, input("labels", [size])));
  const [gradient] = grad(loss, [looked]);
  const [, fields, dim] = looked.shape as [number, number, number];
  const slots = sum(mul(gradient as Tensor, looked), [0]);
  using total = device.variable("saliency", [fields, dim]);
  const term = average === "mean-abs" ? abs(slots) : slots;
  using program = await device.compile({ updates: [assign(total, add(total.value, term))] });
  const needs = new Set(program.inputs);
  const source = openSource(options, size);
  let done = 0;
  try {
    const epoch = source.epoch(0);
    const wanted = Math.min(options.batches, Math.floor(columns.rows / size));
    for await (const batch of epoch) {
      program.run(batchFeeds(batch, needs));
      batch.release();
      done++;
      options.onBatch?.(done, wanted);
      if (done % 8 === 0) await device.idle();
      if (done >= wanted) break;
    }
    await epoch.close();
  } finally {
    await source.close();
  }
  const raw = (await total.read()) as Float32Array;
  const worth = average === "gain" ? raw.map((v) => Math.max(0, -v)) : raw.map(Math.abs);
  return { values: normalise(worth, fields, dim), batches: done };
}

function openSource({ model, columns, fields, seed }: SaliencyOptions, batch: number): BatchSource {
  return createBatchSource(columns, {
    fields,
    tables: model.layouts,
    batch,
    seed,
    shuffle: true,
    plans: false,
    dropLast: true,
  });
}

function normalise(raw: Float32Array, fields: number, dim: number): number[][] {
  let total = 0;
  for (const v of raw) total += v;
  const scale = total > 0 ? 1 / total : 0;
  return Array.from({ length: fields }, (_, f) =>
    Array.from({ length: dim }, (_, j) => raw[f * dim + j]! * scale),
  );
}
