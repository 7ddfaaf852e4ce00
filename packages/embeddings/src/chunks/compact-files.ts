/** Compact tables of row chunks in a file: the arrays as they are served; the mask is in the index, not a second time in the header. */
import type { Device, StoredTensor, TensorFile, Variable } from "@trimtab/tensor-core";
import { headOf, schemeOf } from "../elements/files.ts";
import { TablesError } from "../errors.ts";
import { ChunkTables } from "./compact.ts";
import { rowChunks } from "./scheme.ts";

/** The metadata key that says that a file holds row chunks, and which. */
export const CHUNKS_KEY = "chunks";
/** The metadata key of the numbers in a chunk. */
const WIDTH_KEY = "chunkWidth";
const VALUES = "values";

/** `values` f32 [chunks, c] and the arrays of the layout u32 [n] by their names. */
export async function captureChunks(tables: ChunkTables): Promise<TensorFile> {
  const { grid, width } = tables.scheme;
  const tensors = new Map<string, StoredTensor>();
  const put = async (name: string, v: Variable, shape: readonly number[]) => {
    tensors.set(name, { dtype: v.dtype, shape, data: await v.read() });
  };
  if (tables.values) await put(VALUES, tables.values, tables.values.shape);
  for (const [name, v] of tables.index) await put(name, v, [v.size]);
  return { tensors, metadata: { [CHUNKS_KEY]: headOf(grid, tables.order), [WIDTH_KEY]: String(width) } };
}

/** Builds tables from such a file. Throws TablesError, naming `path`, where its parts contradict each other. */
export function restoreChunks(
  device: Device,
  file: TensorFile,
  path: string,
  name: string | undefined,
): ChunkTables {
  const values = file.tensors.get(VALUES)?.data ?? new Float32Array(0);
  const width = Number(file.metadata[WIDTH_KEY]);
  if (!Number.isInteger(width) || width < 1 || values.length % width !== 0) {
    throw new TablesError(
      `${path}: holds ${values.length} values in chunks of ${file.metadata[WIDTH_KEY]}; it is damaged.`,
    );
  }
  const grid = schemeOf(file, path, values.length / width, CHUNKS_KEY);
  const masks = grid.fields.map((_, f) => grid.mask(f));
  const { fields, base: chunks, layout } = grid;
  const scheme = rowChunks(fields, { dim: chunks * width, chunks, masks, layout });
  const tables = new ChunkTables(device, scheme, name);
  try {
    tables.values?.write(values);
    return tables;
  } catch (reason) {
    tables.dispose();
    throw reason;
  }
}
