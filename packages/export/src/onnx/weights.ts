/** Numbers of a model as constants of a graph, read row by row in whatever precision they are kept. */
import { ExportError } from "../errors.ts";
import { entriesPerScale } from "../precision/quantise.ts";
import { type ExportedFile, type ExportedTensor, scalesOf } from "../precision/stored.ts";
import type { Value } from "./graph.ts";
import type { Ops } from "./ops.ts";

export class Weights {
  readonly #ops: Ops;
  readonly #file: ExportedFile;

  constructor(ops: Ops, file: ExportedFile) {
    this.#ops = ops;
    this.#file = file;
  }

  tensor(name: string): ExportedTensor {
    const tensor = this.#file.tensors.get(name);
    if (tensor) return tensor;
    throw new ExportError(`onnx: the model has no "${name}"; it is of another configuration.`);
  }

  has(name: string): boolean {
    return this.#file.tensors.has(name);
  }

  /** A tensor that is used whole. */
  whole(name: string): Value {
    const { dtype, shape, data } = this.tensor(name);
    return this.#ops.graph.constant(dtype, shape, data);
  }

  u32(name: string): Uint32Array {
    return this.tensor(name).data as Uint32Array;
  }

  /** f32: entries of the first axis, at `indices`; they keep the axes behind it. Only what is looked up becomes f32. */
  entries(name: string, indices: Value, rank: number): Value {
    const o = this.#ops;
    const { dtype, shape } = this.tensor(name);
    const read = o.gather(this.whole(name), indices);
    if (dtype === "f32") return read;
    const wide = o.graph.cast(read, "f32");
    if (dtype !== "i8") return wide;
    const per = entriesPerScale(name, shape[1] ?? 1);
    const scales = o.gather(this.whole(scalesOf(name)), per === 1 ? indices : o.div(indices, per));
    return o.mul(wide, shape.length > 1 ? o.unsqueeze(scales, rank) : scales);
  }
}
