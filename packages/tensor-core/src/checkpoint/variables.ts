/** Between variables on a device and tensors in a file. */
import { dtypeOf } from "../dtype.ts";
import { CheckpointError, DisposedError } from "../errors.ts";
import type { Variable } from "../graph/variable.ts";
import { sameShape, showShape } from "../shape.ts";
import type { StoredTensor, TensorFile } from "./safetensors.ts";

/** Copies of all variables by name, after everything queued so far; ready for `saveTensors`. */
export async function captureVariables(
  variables: ReadonlyMap<string, Variable>,
): Promise<Map<string, StoredTensor>> {
  const out = new Map<string, StoredTensor>();
  for (const [name, v] of variables) out.set(name, { dtype: v.dtype, shape: v.shape, data: await v.read() });
  return out;
}

/**
 * Writes a file's tensors into variables of the same names; tensors without a variable are left alone. Throws
 * CheckpointError naming `source` where one is missing or of another shape or dtype, DisposedError for a variable that is
 * gone; nothing is written then.
 */
export function restoreVariables(
  variables: ReadonlyMap<string, Variable>,
  file: TensorFile,
  source: string,
): void {
  for (const [name, v] of variables) {
    if (v.disposed) throw new DisposedError(`restore: variable "${name}" was disposed; make it again first.`);
    const stored = file.tensors.get(name);
    if (!stored)
      throw new CheckpointError(
        `checkpoint ${source}: has no "${name}"; it is of another model or optimizer.`,
      );
    const fits = stored.data.length === v.size && dtypeOf(stored.data) === v.dtype;
    if (!fits || stored.dtype !== v.dtype || !sameShape(stored.shape, v.shape)) {
      throw new CheckpointError(
        `checkpoint ${source}: "${name}" is ${stored.dtype} ${showShape(stored.shape)}, the model wants ` +
          `${v.dtype} ${showShape(v.shape)}; it is of another configuration.`,
      );
    }
  }
  for (const [name, v] of variables) v.write(file.tensors.get(name)!.data);
}
