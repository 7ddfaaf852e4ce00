/** Tables from any kind of scheme. */
import type { Device } from "@trimtab/tensor-core";
import { ChunkTables } from "../chunks/compact.ts";
import { RowChunkScheme } from "../chunks/scheme.ts";
import { ElementScheme } from "../elements/elements.ts";
import { ElementTables } from "../elements/tables.ts";
import { HashedScheme } from "../scheme/hashed.ts";
import type { Scheme } from "../scheme/scheme.ts";
import type { EmbeddingTables } from "./contract.ts";
import { HashedTables } from "./hashed.ts";
import { initialise } from "./initial.ts";
import { DenseTables } from "./tables.ts";

export interface TableOptions {
  /** Whole number; only its lower 32 bits count. */
  readonly seed: number;
  /** Standard deviation of the first values. Default 1e-4, as in the public benchmark BARS. */
  readonly std?: number;
  /** Prefix of the variables' names. Default "embeddings". */
  readonly name?: string;
}

/** Standard deviation of first values, as in the public benchmark BARS. */
export const DEFAULT_STD = 1e-4;

/** Allocates the tables of a scheme, all zeros. Throws SchemeError for other kinds, BufferTooLarge over the binding limit. */
export function makeTables(device: Device, scheme: Scheme, name?: string): EmbeddingTables {
  if (scheme instanceof ElementScheme) return new ElementTables(device, scheme, name);
  if (scheme instanceof RowChunkScheme) return new ChunkTables(device, scheme, name);
  if (scheme instanceof HashedScheme) return new HashedTables(device, scheme, name);
  return new DenseTables(device, scheme, name);
}

/**
 * Allocates the tables of a scheme and fills them with first values; the same seed gives a number the same value whatever
 * exists beside it. Throws SchemeError for other kinds, BufferTooLarge for what is over the binding limit.
 */
export async function buildTables(
  device: Device,
  scheme: Scheme,
  options: TableOptions,
): Promise<EmbeddingTables> {
  const tables = makeTables(device, scheme, options.name);
  try {
    await initialise(device, tables.draws(options.std ?? DEFAULT_STD), options.seed);
  } catch (reason) {
    tables.dispose();
    throw reason;
  }
  return tables;
}
