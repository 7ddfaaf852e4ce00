/** Tables as a safetensors file: of dense tables a tensor a field, so that the file does not depend on how a device groups fields. */
import {
  type Device,
  loadTensors,
  type StoredTensor,
  saveTensors,
  type TensorFile,
} from "@trimtab/tensor-core";
import { ChunkTables } from "../chunks/compact.ts";
import { CHUNKS_KEY, captureChunks, restoreChunks } from "../chunks/compact-files.ts";
import { captureElements, ELEMENTS_KEY, restoreElements } from "../elements/files.ts";
import { ElementTables } from "../elements/tables.ts";
import { TablesError } from "../errors.ts";
import { HashedScheme } from "../scheme/hashed.ts";
import { schemeFromJSON } from "../scheme/json.ts";
import type { Scheme } from "../scheme/scheme.ts";
import type { EmbeddingTables } from "./contract.ts";
import { HashedTables } from "./hashed.ts";
import { DenseTables } from "./tables.ts";

const tableName = (field: string) => `${field}/table`;
const columnsName = (field: string) => `${field}/columns`;
const projectionName = (field: string) => `${field}/projection`;

/**
 * Copies of the tables, as they are served. Dense tables: a tensor a field. Element masks and row chunks: `values` and the index arrays of their layout.
 * Their metadata has what the tensors do not say of the scheme.
 */
export async function captureTables(tables: EmbeddingTables): Promise<TensorFile> {
  if (tables instanceof ElementTables) return captureElements(tables);
  if (tables instanceof ChunkTables) return captureChunks(tables);
  if (tables instanceof HashedTables) return captureDense(tables.stored, tables.scheme);
  if (tables instanceof DenseTables) return captureDense(tables, tables.scheme);
  throw new TablesError(`saveTables: cannot save tables of a "${tables.scheme.kind}" scheme.`);
}

/** `<field>/table` [n_f, d_f] (of a hashed scheme [m_f, d]) `<field>/projection` [d_f, base] or `<field>/columns` u32 [d_f]; the scheme is in the metadata. */
async function captureDense(tables: DenseTables, told: Scheme): Promise<TensorFile> {
  const { scheme } = tables;
  const tensors = new Map<string, StoredTensor>();
  for (const f of tables.order) {
    const { part, base, index } = tables.placeOf(f)!;
    const { name, rows } = scheme.fields[f]!;
    const { dim } = part.group;
    const data = await part.table.read(base * dim, rows * dim);
    tensors.set(tableName(name), { dtype: "f32", shape: [rows, dim], data });
    if (part.positions) {
      const columns = await part.positions.read(index * dim, dim);
      tensors.set(columnsName(name), { dtype: "u32", shape: [dim], data: columns });
    }
    if (!part.projection) continue;
    const size = dim * scheme.base;
    const map = await part.projection.read(index * size, size);
    tensors.set(projectionName(name), { dtype: "f32", shape: [dim, scheme.base], data: map });
  }
  return { tensors, metadata: { scheme: JSON.stringify(told.toJSON()) } };
}

/** Writes the tables and their scheme to one file; beside the header it has the scheme's serve bytes. */
export async function saveTables(path: string, tables: EmbeddingTables): Promise<void> {
  saveTensors(path, await captureTables(tables));
}

/** Builds tables from what saveTables wrote. @throws TablesError, SchemeFormatError, CheckpointError naming the file */
export function loadTables(device: Device, path: string, name?: string): EmbeddingTables {
  return restoreTables(device, loadTensors(path), path, name);
}

/**
 * Builds tables from copies that captureTables made, wherever they were kept.
 *
 * @param path what errors name
 * @throws TablesError, SchemeFormatError
 */
export function restoreTables(
  device: Device,
  file: TensorFile,
  path: string,
  name?: string,
): EmbeddingTables {
  if (ELEMENTS_KEY in file.metadata) return restoreElements(device, file, path, name);
  if (CHUNKS_KEY in file.metadata) return restoreChunks(device, file, path, name);
  let json: unknown;
  try {
    json = JSON.parse(file.metadata.scheme ?? "");
  } catch {
    throw new TablesError(`${path}: has no scheme in its metadata; it was not written by saveTables.`);
  }
  const scheme = schemeFromJSON(json, path);
  const tables =
    scheme instanceof HashedScheme
      ? new HashedTables(device, scheme, name)
      : new DenseTables(device, scheme, name);
  try {
    fill(tables instanceof HashedTables ? tables.stored : tables, file, path);
  } catch (reason) {
    tables.dispose();
    throw reason;
  }
  return tables;
}

function fill(tables: DenseTables, file: TensorFile, path: string): void {
  const { scheme } = tables;
  const take = (name: string, length: number): Float32Array => {
    const stored = file.tensors.get(name);
    if (stored?.data instanceof Float32Array && stored.data.length === length) return stored.data;
    throw new TablesError(
      `${path}: "${name}" ${stored ? `has ${stored.data.length} ${stored.dtype}` : "is missing"}, ` +
        `the scheme in the file wants ${length} f32; it is damaged.`,
    );
  };
  for (const f of tables.order) {
    const { part, base, index } = tables.placeOf(f)!;
    const { name, rows } = scheme.fields[f]!;
    const { dim } = part.group;
    part.table.write(take(tableName(name), rows * dim), base * dim);
    const size = dim * scheme.base;
    part.projection?.write(take(projectionName(name), size), index * size);
  }
}
