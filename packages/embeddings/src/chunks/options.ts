/** What a chunk store is made of. */
import type { Rule } from "@trimtab/tensor-core";
import { ChunkStoreError } from "../errors.ts";
import { type FieldSpec, layoutOf, MAX_DIM, ownFields, type TableLayout } from "../fields.ts";
import { DEFAULT_STD } from "../tables/build.ts";
import { WHOLE } from "../tables/groups.ts";
import { MOST_ON_HOST } from "../tables/initial.ts";
import { CANDIDATE_BYTES } from "./candidates.ts";
import { MAX_ROWS, rowBytes } from "./map.ts";
import { RowFields } from "./row-fields.ts";

export interface ChunkStoreOptions {
  /**
   * Fields of the model; together fewer than 2^40 rows. Rows cost nothing until a batch looks them up, so `rows` may leave room
   * for ids that are still to come.
   */
  readonly fields: readonly FieldSpec[];
  /** d: numbers in a whole vector. */
  readonly dim: number;
  /** K: chunks of a vector, each of d / K numbers. 1 prunes whole rows, as AdaEmbed does. */
  readonly chunks: number;
  /** How chunks are trained: a rule of rows, `rowSgd`, `rowAdagrad` or `rowAdam`. */
  readonly rule: Rule;
  /** Seed of first values (its lower 32 bits): those of the uniform table with this seed. */
  readonly seed: number;
  /** Standard deviation of first values. Default 1e-4. */
  readonly std?: number;
  /** Decay of a utility in a step, in (0, 1]: u <- gamma u + accesses x gradient norm. Default 0.99. */
  readonly gamma?: number;
  /** Chunks that the pool has room for at the start; it grows by halves when more become live. Default 4096. */
  readonly capacity?: number;
  /** Chunks that may be live: beyond it rows that arrive become candidates. Default: no limit. `store.target` changes it. */
  readonly target?: number;
  /**
   * Bytes for tracking chunks that are not live, on host and device together, with what they cost in the map at worst. Default 1 MiB.
   * 0: none is tracked, and what was pruned cannot come back.
   */
  readonly candidateBytes?: number;
  /** Prefix of the variables' names. Default "embeddings". */
  readonly name?: string;
}

const MIB = 2 ** 20;

/** Options, checked, with what follows from them. */
export interface StoreShape {
  readonly fields: readonly FieldSpec[];
  readonly layout: TableLayout;
  readonly rowFields: RowFields;
  readonly dim: number;
  readonly chunks: number;
  /** c: numbers in a chunk. */
  readonly width: number;
  readonly rule: Rule;
  readonly seed: number;
  readonly std: number;
  readonly gamma: number;
  /** Slots for candidates. */
  readonly candidates: number;
  readonly name: string;
  /** First values are drawn where those of the uniform table are: so they have the same bits. */
  readonly drawnOnHost: boolean;
}

/** Slots for candidates that `bytes` pay for. */
export function candidateSlots(bytes: number, chunks: number): number {
  return Math.floor(bytes / (CANDIDATE_BYTES + rowBytes(chunks)));
}

/** Throws ChunkStoreError for the first option that cannot be. */
export function storeShape(options: ChunkStoreOptions): StoreShape {
  const { dim, chunks, rule, seed, std = DEFAULT_STD, gamma = 0.99, name = "embeddings" } = options;
  const { candidateBytes = MIB, capacity = 0, target = Number.POSITIVE_INFINITY } = options;
  const fail = (what: string) => new ChunkStoreError(`chunk store: ${what}`);
  const fields = ownFields(options.fields);
  const layout = layoutOf(WHOLE, fields);
  if (layout.rows >= MAX_ROWS) throw fail(`${layout.rows} rows were given; there may be fewer than 2^40.`);
  if (!Number.isInteger(dim) || dim < 1 || dim > MAX_DIM) {
    throw fail(`dim ${dim} must be a whole number from 1 to ${MAX_DIM}.`);
  }
  if (!Number.isInteger(chunks) || chunks < 1 || dim % chunks !== 0) {
    throw fail(`dim ${dim} cannot be cut into ${chunks} equal chunks; give a divisor of the dim.`);
  }
  if (!(gamma > 0 && gamma <= 1)) throw fail(`gamma ${gamma} must be above 0 and at most 1.`);
  if (!(candidateBytes >= 0)) throw fail(`candidateBytes ${candidateBytes} must be 0 or more.`);
  if (!(capacity >= 0) || !Number.isInteger(capacity)) {
    throw fail(`capacity ${capacity} must be a whole number from 0 up.`);
  }
  if (!(target >= 0)) throw fail(`target ${target} must be 0 or more.`);
  if (!rule.rowsOnly) {
    throw fail(
      `rule ${rule.name} moves every row of a table every step, but rows that are not looked up have no place here; ` +
        "use rowSgd, rowAdagrad or rowAdam.",
    );
  }
  return {
    fields,
    layout,
    rowFields: new RowFields(layout),
    dim,
    chunks,
    width: dim / chunks,
    rule,
    seed: seed >>> 0,
    std,
    gamma,
    candidates: candidateSlots(candidateBytes, chunks),
    name,
    drawnOnHost: layout.rows * dim <= MOST_ON_HOST,
  };
}
