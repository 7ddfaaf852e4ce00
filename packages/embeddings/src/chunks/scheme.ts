/** Schemes in which any subset of each row's chunks exists: what FIITED finds, and what a chunk store is at a moment. */
import { type ElementOptions, ElementScheme } from "../elements/elements.ts";
import { SchemeError } from "../errors.ts";
import type { FieldSpec } from "../fields.ts";
import { describeScheme } from "../scheme/describe.ts";
import {
  type FieldUse,
  type Scheme,
  type SchemeJSON,
  type ServeLayout,
  type TrainCost,
  VALUE_BYTES,
} from "../scheme/scheme.ts";

export interface RowChunkOptions {
  /** d: numbers in a whole vector; also the uniform dim that savings are measured against. */
  readonly dim: number;
  /** K: chunks of a vector, a divisor of the dim. */
  readonly chunks: number;
  /** For each field a bitset of n_f x K bits in 32-bit words: bit r x K + k is chunk k of row r. Copied. */
  readonly masks: readonly Uint32Array[];
  /** How it is served; the layout of the fewest bytes when left out. */
  readonly layout?: ElementOptions["layout"];
}

/**
 * For each row, which of its K chunks of d / K numbers exist; the others read as zero and are never stored. A chunk is found as a number
 * of an element mask of dim K is, by the same layouts: a bit or less a chunk where many exist, 4 bytes a live chunk (`coo`)
 * where few do. (A hash map of live chunks would take 8 and more.)
 */
export class RowChunkScheme implements Scheme {
  readonly kind = "chunks";
  /** The same bits as an element mask of dim K: one "number" is a chunk. */
  readonly grid: ElementScheme;
  readonly base: number;
  /** K */
  readonly chunks: number;
  /** c: numbers in a chunk. */
  readonly width: number;

  /** Use `rowChunks`. */
  constructor(fields: readonly FieldSpec[], { dim, chunks, masks, layout }: RowChunkOptions) {
    if (!Number.isInteger(chunks) || chunks < 1 || !Number.isInteger(dim) || dim < 1 || dim % chunks !== 0) {
      throw new SchemeError(
        `scheme: dim ${dim} cannot be cut into ${chunks} equal chunks; give whole numbers, chunks a divisor of the dim.`,
      );
    }
    this.grid = new ElementScheme(fields, { dim: chunks, masks, layout });
    this.base = dim;
    this.chunks = chunks;
    this.width = dim / chunks;
    Object.freeze(this);
  }

  get fields(): readonly FieldSpec[] {
    return this.grid.fields;
  }

  get dims(): readonly number[] {
    return this.grid.dims.map((most) => most * this.width);
  }

  get layout(): ElementScheme["layout"] {
    return this.grid.layout;
  }

  get parameters(): number {
    return this.count() * this.width;
  }

  /** Chunks that exist, of field f or of all. */
  count(field?: number): number {
    return field === undefined ? this.grid.parameters : this.grid.count(field);
  }

  /** True if chunk `chunk` of row `row` of field `field` exists. Throws SchemeError where there is no such chunk. */
  has(field: number, row: number, chunk: number): boolean {
    return this.grid.has(field, row, chunk);
  }

  /** A copy of the bitset of field f. */
  mask(field: number): Uint32Array {
    return this.grid.mask(field);
  }

  /** Calls `visit` with row x K + chunk of every chunk of field f, ascending. */
  eachChunk(field: number, visit: (address: number) => void): void {
    this.grid.eachNumber(field, visit);
  }

  /** True if every chunk of `other` exists here too. Throws SchemeError if fields, dims or chunks differ. */
  contains(other: RowChunkScheme): boolean {
    this.#checkSame("contains", other);
    return this.grid.contains(other.grid);
  }

  /** Chunks that exist in both over chunks that exist in either; 1 if neither has any. Throws as `contains`. */
  shared(other: RowChunkScheme): number {
    this.#checkSame("shared", other);
    return this.grid.shared(other.grid);
  }

  serveBytes(layout: ServeLayout = this.layout): number {
    return this.grid.serveBytes(layout) + this.#beyond(this.count());
  }

  /**
   * Training of the compact tables, with what exists fixed: what serving holds, the optimizer's state, each chunk's address and a u32 a
   * row. A chunk store that trains while chunks come and go tells its own `memory()`.
   */
  trainBytes({ slots }: TrainCost): number {
    const rest = this.grid.trainBytes({ slots: 0 });
    return rest + this.#beyond(this.count()) + this.parameters * slots * VALUE_BYTES;
  }

  uses(): FieldUse[] {
    const total = this.serveBytes();
    return this.grid.uses().map(({ field, rows, parameters: chunks, bytes: own }, f) => {
      const parameters = chunks * this.width;
      const bytes = own + this.#beyond(chunks);
      const share = total === 0 ? 0 : bytes / total;
      return { field, rows, dim: this.dims[f]!, meanDim: parameters / rows, parameters, bytes, share };
    });
  }

  describe(): string {
    return describeScheme(this);
  }

  /** The bitsets as base64 of their words, lowest byte first. */
  toJSON(): SchemeJSON {
    const { dim: _, ...rest } = this.grid.toJSON();
    return { ...rest, kind: this.kind, dim: this.base, chunks: this.chunks };
  }

  /** Bytes of values that the grid, which counts a chunk as one number, leaves out. */
  #beyond(chunks: number): number {
    return chunks * (this.width - 1) * VALUE_BYTES;
  }

  #checkSame(what: string, other: RowChunkScheme): void {
    if (this.base === other.base && this.chunks === other.chunks) return;
    throw new SchemeError(
      `${what}: the schemes cut dim ${this.base} into ${this.chunks} and dim ${other.base} into ${other.chunks} chunks; ` +
        "compare schemes of one search.",
    );
  }
}

/** Which of the n_f x K chunks of each field exist. Throws SchemeError for masks that do not fit. */
export function rowChunks(fields: readonly FieldSpec[], options: RowChunkOptions): RowChunkScheme {
  return new RowChunkScheme(fields, options);
}
