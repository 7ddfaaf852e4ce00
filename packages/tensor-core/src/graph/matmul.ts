import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, showShape, sizeOf } from "../shape.ts";
import { Tensor } from "./tensor.ts";
import { broadcastTo, reshape } from "./views.ts";

/**
 * Matrix product of the last two axes, [.., m, k] x [.., k, n] -> [.., m, n], f32; leading axes broadcast.
 * A transposed operand is `transpose(x)`: it costs nothing, kernels read it by address.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== "f32" || b.dtype !== "f32") {
    throw new DTypeError(`matmul: takes f32, got ${a.dtype} and ${b.dtype}.`);
  }
  const ra = a.shape.length;
  const rb = b.shape.length;
  if (ra < 2 || rb < 2 || a.shape[ra - 1] !== b.shape[rb - 2]) {
    throw new ShapeError(
      `matmul: ${showShape(a.shape)} x ${showShape(b.shape)}: needs [.., m, k] x [.., k, n] with equal k.`,
    );
  }
  const m = a.shape[ra - 2]!;
  const k = a.shape[ra - 1]!;
  const n = b.shape[rb - 1]!;
  const lead = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  // a matrix times a stack by one matrix is one taller matrix
  if (rb === 2 && lead.length > 0)
    return reshape(matmul(reshape(a, [sizeOf(lead) * m, k]), b), [...lead, m, n]);
  const x = broadcastTo(a, [...lead, m, k]);
  const y = broadcastTo(b, [...lead, k, n]);
  return new Tensor({ kind: "matmul" }, [x, y], [...lead, m, n], "f32");
}
