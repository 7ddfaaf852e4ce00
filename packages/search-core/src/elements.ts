/**
 * Choosing single numbers under a budget: the largest scores of all tables together, as many as the real serve bytes of the
 * element scheme allow. Magnitude pruning and PEP end here.
 */
import {
  type ElementScheme,
  elementBytes,
  elements,
  type FieldSpec,
  smallestLayout,
} from "@trimtab/embeddings";
import type { Model } from "@trimtab/models";
import { type Limit, meets } from "./budget.ts";

/** One bit for each of the n_f x dim numbers of a field, row-major, 32 a word. */
export type Masks = readonly Uint32Array[];

export interface ElementChoice {
  readonly fields: readonly FieldSpec[];
  readonly dim: number;
  /** [n_f x dim] for each field; the larger the worthier. -Infinity and NaN: never kept, whatever room there is. */
  readonly scores: readonly Float32Array[];
  readonly limit: Limit;
  /** Only numbers of these masks are kept: with the answer to a larger budget here, answers are nested. */
  readonly within?: Masks;
  /** Every row keeps at least this many numbers, its best; default 0. */
  readonly leastPerRow?: number;
}

const NEVER = 0;
const ALWAYS = 0xffffffff;

/**
 * The scheme of the largest scores within the limit: bisection on the smallest score that is kept, then on how many numbers of
 * the score below it still fit (in field, row, dim order). Undefined if even the numbers that must be kept do not fit.
 */
export function keepLargest(choice: ElementChoice): ElementScheme | undefined {
  const { fields, dim, limit } = choice;
  const keys = orderedKeys(choice);
  const schemeOf = (masks: Masks) => elements(fields, { dim, masks });
  const from = (least: number) => schemeOf(keys.map((k) => maskOf(k, (key) => key >= least)));
  let best = from(ALWAYS);
  if (!meets(best, limit)) return undefined;
  // invariant: `high` fits, `low` - 1 is not known to
  let low = NEVER + 1;
  let high = ALWAYS;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const scheme = from(middle);
    if (meets(scheme, limit)) {
      high = middle;
      best = scheme;
    } else low = middle + 1;
  }
  if (high === NEVER + 1) return best;
  return withTies(best, keys, high, choice, schemeOf);
}

/** Numbers that share the first score that did not fit as a whole: as many as fit, first ones first. */
function withTies(
  best: ElementScheme,
  keys: readonly Uint32Array[],
  least: number,
  { limit }: ElementChoice,
  schemeOf: (masks: Masks) => ElementScheme,
): ElementScheme {
  const tied = keys.reduce((n, k) => n + k.reduce((m, key) => m + (key === least - 1 ? 1 : 0), 0), 0);
  let found = best;
  let low = 0;
  let high = tied;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    let taken = 0;
    const masks = keys.map((k) =>
      maskOf(k, (key) => key >= least || (key === least - 1 && taken++ < middle)),
    );
    const scheme = schemeOf(masks);
    if (meets(scheme, limit)) {
      low = middle;
      found = scheme;
    } else high = middle - 1;
  }
  return found;
}

function maskOf(keys: Uint32Array, keep: (key: number) => boolean): Uint32Array {
  const mask = new Uint32Array(Math.ceil(keys.length / 32));
  for (let i = 0; i < keys.length; i++) if (keep(keys[i]!)) mask[i >>> 5]! |= 1 << (i & 31);
  return mask;
}

/** Scores as whole numbers in the same order, 1 to ALWAYS - 1; what must not or must be kept below and above them. */
function orderedKeys({ dim, scores, within, leastPerRow = 0 }: ElementChoice): Uint32Array[] {
  return scores.map((values, f) => {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const keys = new Uint32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const outside = within !== undefined && ((within[f]![i >>> 5]! >>> (i & 31)) & 1) === 0;
      if (outside || !(values[i]! > -Infinity)) continue;
      // IEEE 754: without the sign bit floats are ordered as whole numbers; -0 counts as 0
      const b = values[i] === 0 ? 0 : bits[i]!;
      keys[i] = b & 0x80000000 ? ~b : b | 0x80000000;
    }
    for (let row = 0; leastPerRow > 0 && row < keys.length / dim; row++) {
      const own = keys.subarray(row * dim, (row + 1) * dim);
      for (const j of bestOf(own, leastPerRow)) own[j] = ALWAYS;
    }
    return keys;
  });
}

/** Positions of the `count` largest keys that may be kept; ties: the first ones. */
function bestOf(keys: Uint32Array, count: number): number[] {
  const may = [...keys.keys()].filter((j) => keys[j]! !== NEVER);
  return may.sort((a, b) => keys[b]! - keys[a]! || a - b).slice(0, count);
}

/** How many numbers fit into a limit where they lie as evenly over the rows as they can, which costs most. */
export function elementCapacity(fields: readonly FieldSpec[], dim: number, limit: Limit): number {
  const rows = fields.reduce((n, f) => n + f.rows, 0);
  if (limit.unit !== "bytes") return Math.min(limit.value, rows * dim);
  const bytes = (numbers: number) => {
    const counts = { rows, dim, filledRows: Math.min(rows, numbers), numbers };
    return elementBytes(smallestLayout(counts), counts);
  };
  let low = 0;
  let high = rows * dim;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytes(middle) <= limit.value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Why no mask of single numbers can meet a limit, or undefined. */
export function elementsCannot(
  fields: readonly FieldSpec[],
  dim: number,
  limit: Limit,
  leastPerRow: number,
): string | undefined {
  if (limit.unit === "slots") {
    return "slots are dims of whole fields, but single numbers are kept here; write it in bytes or parameters";
  }
  const masks = fields.map(({ rows }) =>
    maskOf(
      Uint32Array.from({ length: rows * dim }, (_, i) => i % dim),
      (j) => j < leastPerRow,
    ),
  );
  // a model without a single number is no answer
  if (leastPerRow === 0) masks[0]![0] = 1;
  const least = elements(fields, { dim, masks });
  if (meets(least, limit)) return undefined;
  const cost = limit.unit === "bytes" ? least.serveBytes() : least.parameters;
  const rows = fields.reduce((n, f) => n + f.rows, 0);
  const why =
    leastPerRow === 0
      ? "a single number"
      : `${leastPerRow} ${leastPerRow === 1 ? "number" : "numbers"} in each of ${rows} rows (leastPerRow)`;
  return `${why} already costs ${cost} ${limit.unit}, the budget is ${limit.value}`;
}

/** The numbers of field f of a model under a uniform scheme, [n_f x dim]. */
export async function readField(model: Model, f: number): Promise<Float32Array> {
  const { part, base } = model.tables.placeOf(f)!;
  const { dim } = part.group;
  const { rows } = model.scheme.fields[f]!;
  return (await part.table.read(base * dim, rows * dim)) as Float32Array;
}
