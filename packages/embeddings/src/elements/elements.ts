/** Schemes in which any subset of the N x d numbers exists: what PEP and pruning by magnitude find. */
import { SchemeError } from "../errors.ts";
import { type FieldSpec, MAX_DIM, ownFields } from "../fields.ts";
import { describeScheme } from "../scheme/describe.ts";
import {
  type FieldUse,
  type Scheme,
  type SchemeJSON,
  type ServeLayout,
  type TrainCost,
  VALUE_BYTES,
} from "../scheme/scheme.ts";
import { countBits, eachBit, encodeWords, hasBit, popcount, wordsOf } from "./bits.ts";
import {
  ELEMENT_LAYOUTS,
  type ElementCounts,
  type ElementLayout,
  elementBytes,
  indexBytes,
  smallestLayout,
} from "./layouts.ts";

export interface ElementOptions {
  /** d: numbers in a whole vector; also the uniform dim that savings are measured against. */
  readonly dim: number;
  /** For each field a bitset of n_f x dim bits in 32-bit words: bit r x dim + j is number j of row r. Copied. */
  readonly masks: readonly Uint32Array[];
  /** How it is served; the layout of the fewest bytes when left out. */
  readonly layout?: ElementLayout;
}

/** One field's part of an element scheme. */
interface FieldCounts {
  readonly numbers: number;
  readonly filledRows: number;
  /** Most numbers of a row. */
  readonly largest: number;
}

/** The numbers whose bit is set exist, in their own columns; the others read as zero and are never stored. */
export class ElementScheme implements Scheme {
  readonly kind = "elements";
  readonly fields: readonly FieldSpec[];
  /** Most numbers of a row of each field; a field with 0 has no embedding and costs nothing. */
  readonly dims: readonly number[];
  readonly base: number;
  readonly parameters: number;
  /** What the scheme is served in: the layout of the fewest bytes, unless another was asked for. */
  readonly layout: ElementLayout;
  /** What `elementBytes` wants, over the fields that have an embedding. */
  readonly counts: ElementCounts;
  readonly #asked: ElementLayout | undefined;
  readonly #masks: readonly Uint32Array[];
  readonly #counts: readonly FieldCounts[];

  /** Use `elements`. */
  constructor(fields: readonly FieldSpec[], { dim, masks, layout }: ElementOptions) {
    this.fields = ownFields(fields);
    checkMasks(this.fields, dim, masks);
    this.base = dim;
    this.#masks = masks.map((mask) => mask.slice());
    this.#counts = this.fields.map(({ rows }, f) => countField(this.#masks[f]!, rows, dim));
    this.dims = Object.freeze(this.#counts.map(({ largest }) => largest));
    this.counts = Object.freeze(this.#countsOf(this.fields.map((_, f) => f)));
    this.parameters = this.counts.numbers;
    if (layout !== undefined && !isElementLayout(layout)) throw noLayout(layout);
    const smallest = smallestLayout(this.counts);
    this.#asked = layout === smallest ? undefined : layout;
    this.layout = layout ?? smallest;
    Object.freeze(this);
  }

  /** True if number `column` of row `row` of field `field` exists. Throws SchemeError where there is no such number. */
  has(field: number, row: number, column: number): boolean {
    const spec = this.fields[field];
    const inside = (x: number, end: number) => Number.isInteger(x) && x >= 0 && x < end;
    if (!spec || !inside(row, spec.rows) || !inside(column, this.base)) {
      throw new SchemeError(
        `scheme: there is no number ${column} of row ${row} of field ${field}; ` +
          `${spec ? `field "${spec.name}" has ${spec.rows} rows of ${this.base}` : `there are ${this.fields.length} fields`}.`,
      );
    }
    return hasBit(this.#masks[field]!, row * this.base + column);
  }

  /** Numbers of field f that exist. */
  count(field: number): number {
    return this.#counts[field]!.numbers;
  }

  /** Rows of field f that have at least one number. */
  filledRows(field: number): number {
    return this.#counts[field]!.filledRows;
  }

  /** A copy of the bitset of field f. */
  mask(field: number): Uint32Array {
    return this.#masks[field]!.slice();
  }

  /** Calls `visit` with row x dim + column of every number of field f, ascending. */
  eachNumber(field: number, visit: (address: number) => void): void {
    eachBit(this.#masks[field]!, visit);
  }

  /** True if every number of `other` exists here too. Throws SchemeError if fields or dims differ. */
  contains(other: ElementScheme): boolean {
    this.#checkSame("contains", other);
    return this.#masks.every((mask, f) => {
      const theirs = other.#masks[f]!;
      return mask.every((word, w) => (theirs[w]! & ~word) === 0);
    });
  }

  /** Numbers that exist in both over numbers that exist in either; 1 if neither has any. Throws as `contains`. */
  shared(other: ElementScheme): number {
    this.#checkSame("shared", other);
    let both = 0;
    this.#masks.forEach((mask, f) => {
      const theirs = other.#masks[f]!;
      mask.forEach((word, w) => {
        both += popcount(word & theirs[w]!);
      });
    });
    const either = this.parameters + other.parameters - both;
    return either === 0 ? 1 : both / either;
  }

  /** Bytes in one layout, or in the one that is served. */
  serveBytes(layout: ServeLayout = this.layout): number {
    if (isElementLayout(layout)) return elementBytes(layout, this.counts);
    throw noLayout(layout);
  }

  /**
   * Training holds what serving does, the optimizer's state of the numbers that exist, each number's address (unless the layout
   * has them, as coo) and a u32 for each row that says where a batch keeps its gradient. Rows need no stamps.
   */
  trainBytes({ slots }: TrainCost): number {
    const { rows, numbers } = this.counts;
    if (numbers === 0) return 0;
    const addresses = this.layout === "coo" ? 0 : numbers;
    return this.serveBytes() + (numbers * slots + addresses + rows) * VALUE_BYTES;
  }

  uses(): FieldUse[] {
    const total = this.serveBytes();
    const members: number[] = [];
    let before = 0;
    // what a field adds to those before it: the parts add up to the whole, shared words and all
    return this.fields.map(({ name, rows }, f) => {
      members.push(f);
      const until = elementBytes(this.layout, this.#countsOf(members));
      const bytes = until - before;
      before = until;
      const parameters = this.count(f);
      const share = total === 0 ? 0 : bytes / total;
      return { field: name, rows, dim: this.dims[f]!, meanDim: parameters / rows, parameters, bytes, share };
    });
  }

  /** Bytes that are not values. */
  get indexBytes(): number {
    return indexBytes(this.layout, this.counts);
  }

  describe(): string {
    return describeScheme(this);
  }

  /** The bitsets as base64 of their words, lowest byte first. */
  toJSON(): SchemeJSON {
    const { kind, fields, base } = this;
    const layout = this.#asked ? { layout: this.#asked } : {};
    return { kind, fields, dim: base, masks: this.#masks.map(encodeWords), ...layout };
  }

  #checkSame(what: string, other: ElementScheme): void {
    const same =
      this.base === other.base &&
      this.fields.length === other.fields.length &&
      this.fields.every((f, i) => f.name === other.fields[i]!.name && f.rows === other.fields[i]!.rows);
    if (same) return;
    throw new SchemeError(
      `${what}: the schemes are over different fields or dims (${this.fields.length} fields of dim ${this.base}, ` +
        `${other.fields.length} of dim ${other.base}); compare schemes of one search.`,
    );
  }

  #countsOf(members: readonly number[]): ElementCounts {
    let rows = 0;
    let filledRows = 0;
    let numbers = 0;
    for (const f of members) {
      const counts = this.#counts[f]!;
      if (counts.numbers === 0) continue;
      rows += this.fields[f]!.rows;
      filledRows += counts.filledRows;
      numbers += counts.numbers;
    }
    return { rows, dim: this.base, filledRows, numbers };
  }
}

function noLayout(layout: string): SchemeError {
  return new SchemeError(
    `scheme: an elements scheme has no serve layout "${layout}"; it has ${ELEMENT_LAYOUTS.join(", ")}.`,
  );
}

function isElementLayout(layout: ServeLayout): layout is ElementLayout {
  return (ELEMENT_LAYOUTS as readonly string[]).includes(layout);
}

function countField(mask: Uint32Array, rows: number, dim: number): FieldCounts {
  let numbers = 0;
  let filledRows = 0;
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    const n = countBits(mask, row * dim, (row + 1) * dim);
    if (n === 0) continue;
    numbers += n;
    filledRows++;
    if (n > largest) largest = n;
  }
  return { numbers, filledRows, largest };
}

function checkMasks(fields: readonly FieldSpec[], dim: number, masks: readonly Uint32Array[]): void {
  if (!Number.isInteger(dim) || dim < 1 || dim > MAX_DIM) {
    throw new SchemeError(
      `scheme: dim ${dim} of an element mask must be a whole number from 1 to ${MAX_DIM}.`,
    );
  }
  const rows = fields.reduce((n, field) => n + field.rows, 0);
  if (rows * dim >= 2 ** 32) {
    throw new SchemeError(
      `scheme: ${rows} rows of dim ${dim} are ${rows * dim} numbers; an element mask addresses fewer than 2^32. ` +
        "Use a smaller dim, or a higher minimum count.",
    );
  }
  if (masks.length !== fields.length) {
    throw new SchemeError(`scheme: ${masks.length} masks for ${fields.length} fields; give each field one.`);
  }
  fields.forEach(({ name, rows: own }, f) => {
    const mask = masks[f];
    const bits = own * dim;
    if (!(mask instanceof Uint32Array) || mask.length !== wordsOf(bits)) {
      throw new SchemeError(
        `scheme: the mask of field "${name}" has ${mask instanceof Uint32Array ? `${mask.length} words` : "another type"}; ` +
          `${own} rows of dim ${dim} want a Uint32Array of ${wordsOf(bits)} words.`,
      );
    }
    if (countBits(mask, bits, mask.length * 32) > 0) {
      throw new SchemeError(
        `scheme: the mask of field "${name}" has bits behind its ${bits} numbers; leave the rest of the last word zero.`,
      );
    }
  });
}

/** Which of the n_f x dim numbers of each field exist. Throws SchemeError for masks that do not fit. */
export function elements(fields: readonly FieldSpec[], options: ElementOptions): ElementScheme {
  return new ElementScheme(fields, options);
}
