/** The compact tables of a row-chunk scheme: the chunks that exist, and the index of the scheme's layout to find them by. */
import {
  broadcastTo,
  type Device,
  expandDims,
  gather,
  reshape,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import type { Found } from "../elements/find.ts";
import { IndexedTables } from "../elements/indexed-tables.ts";
import type { RowChunkScheme } from "./scheme.ts";

/**
 * They score what a chunk store scored, from fewer bytes, and can be trained further with what exists fixed, as element masks can at the
 * granularity of chunks.
 */
export class ChunkTables extends IndexedTables<RowChunkScheme> {
  /** Use buildTables, makeTables or `store.compact`; a bare constructor makes tables of zeros. */
  constructor(device: Device, scheme: RowChunkScheme, name = "embeddings") {
    super(device, scheme, scheme, name);
  }

  protected read(values: Variable, of: Tensor, { exists, place }: Found): Tensor {
    const chunk = gather(values.value, place);
    const shown = where(broadcastTo(expandDims(exists, -1), chunk.shape), chunk, 0);
    return reshape(shown, [...of.shape, this.scheme.base]);
  }
}
