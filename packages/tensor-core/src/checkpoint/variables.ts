/** Between variables on a device and tensors in a file. */
import { CheckpointError } from "../errors.ts";
import type { Variable } from "../graph/variable.ts";
import { sameShape, showShape } from "../shape.ts";
import type { StoredTensor, TensorFile } from "./safetensors.ts";

/** Copies of all variables, after everything queued so far. */
export async function captureVariables(
  variables: ReadonlyMap<string, Variable>,
): Promise<Map<string, StoredTensor>> {
  const out = new Map<string, StoredTensor>();
  for (const [name, v] of variables) out.set(name, { dtype: v.dtype, shape: v.shape, data: await v.read() });
  return out;
}

/** Writes a file's tensors into variables of the same names. Every variable must be there; nothing is written if one is not. */
export function restoreVariables(
  variables: ReadonlyMap<string, Variable>,
  file: TensorFile,
  source: string,
): void {
  for (const [name, v] of variables) {
    const stored = file.tensors.get(name);
    if (!stored)
      throw new CheckpointError(
        `checkpoint ${source}: has no "${name}"; it is of another model or optimizer.`,
      );
    if (stored.dtype !== v.dtype || !sameShape(stored.shape, v.shape)) {
      throw new CheckpointError(
        `checkpoint ${source}: "${name}" is ${stored.dtype} ${showShape(stored.shape)}, the model wants ` +
          `${v.dtype} ${showShape(v.shape)}; it is of another configuration.`,
      );
    }
  }
  for (const [name, v] of variables) v.write(file.tensors.get(name)!.data);
}
