/** Scores rows with onnxruntime, which is asked for only where it is used: nothing else of this package needs it. */
import type { Columns, FieldInfo } from "@trimtab/data";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { OnnxRuntimeError } from "../errors.ts";
import { idsName, weightsName } from "./inputs.ts";
import { LOGITS } from "./model.ts";

/** The id of a slot without a value, in columns of the data package. */
const NO_VALUE = 0xffffffff;

/** A model file in onnxruntime, on one processor thread. */
export class OnnxScorer {
  readonly version: string;
  readonly #session: InferenceSession;
  readonly #tensor: typeof Tensor;
  readonly #fields: readonly FieldInfo[];
  readonly #batch: number;

  private constructor(
    runtime: typeof import("onnxruntime-node"),
    session: InferenceSession,
    fields: readonly FieldInfo[],
    batch: number,
  ) {
    this.version = runtime.env.versions.node ?? runtime.env.versions.common;
    this.#session = session;
    this.#tensor = runtime.Tensor;
    this.#fields = fields;
    this.#batch = batch;
  }

  /** Loads a model file. Throws OnnxRuntimeError where onnxruntime-node is not installed or refuses the file. */
  static async open(
    path: string,
    fields: readonly FieldInfo[],
    { batch = 1024 }: { readonly batch?: number } = {},
  ): Promise<OnnxScorer> {
    const runtime = await import("onnxruntime-node").catch((cause: unknown) => {
      throw new OnnxRuntimeError(
        `onnx: onnxruntime-node cannot be loaded (${messageOf(cause)}), and without it what was written cannot be checked; install it beside trimtab, or export without --onnx.`,
        { cause },
      );
    });
    const options = { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 };
    const session = await runtime.InferenceSession.create(path, options).catch((cause: unknown) => {
      throw new OnnxRuntimeError(`${path}: onnxruntime refuses the model: ${messageOf(cause)}`, { cause });
    });
    return new OnnxScorer(runtime, session, fields, batch);
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  /** One logit a row. Throws OnnxRuntimeError where onnxruntime refuses the rows. */
  async logits(columns: Columns): Promise<Float32Array> {
    const out = new Float32Array(columns.rows);
    for (let from = 0; from < columns.rows; from += this.#batch) {
      const rows = Math.min(this.#batch, columns.rows - from);
      const feeds = this.#feeds(columns, from, rows);
      const fetched = await this.#session.run(feeds, [LOGITS]).catch((cause: unknown) => {
        throw new OnnxRuntimeError(`onnx: onnxruntime cannot score the rows: ${messageOf(cause)}`, { cause });
      });
      out.set((fetched[LOGITS] as Tensor).data as Float32Array, from);
    }
    return out;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  #feeds(columns: Columns, from: number, rows: number): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    const asked = new Set(this.inputs);
    this.#fields.forEach(({ name, slots }, f) => {
      if (!asked.has(idsName(name))) return;
      const own = columns.ids[f]!.subarray(from * slots, (from + rows) * slots);
      const ids = BigInt64Array.from(own, (id) => (id === NO_VALUE ? 0n : BigInt(id)));
      const shape = slots > 1 ? [rows, slots] : [rows];
      feeds[idsName(name)] = new this.#tensor("int64", ids, shape);
      if (slots > 1) feeds[weightsName(name)] = new this.#tensor("float32", meanWeights(own, slots), shape);
    });
    return feeds;
  }
}

/** 1/k for the k values that a row has, 0 for slots without one. */
export function meanWeights(ids: ArrayLike<number>, slots: number): Float32Array {
  const weights = new Float32Array(ids.length);
  for (let row = 0; row < ids.length; row += slots) {
    let k = 0;
    for (let s = row; s < row + slots; s++) if (ids[s] !== NO_VALUE) k++;
    for (let s = row; s < row + slots; s++) if (ids[s] !== NO_VALUE) weights[s] = 1 / k;
  }
  return weights;
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
