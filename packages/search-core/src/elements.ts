/**
 * Choosing single numbers under a budget: the largest scores of all tables together, as many as the real serve bytes of the
 * element scheme allow. Magnitude pruning and PEP end here.
 */
import {
  type ElementCounts,
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
 * The scheme of the largest scores within the limit: the smallest score down to which all are kept, then as many numbers of the
 * score below it as still fit (in field, row, dim order). Undefined if even the numbers that must be kept do not fit.
 */
export function keepLargest(choice: ElementChoice): ElementScheme | undefined {
  const { fields, dim, limit } = choice;
  const keys = orderedKeys(choice);
  const fits = (counts: Counts) => costOf({ dim, ...counts }, limit) <= limit.value;
  const least = leastThatFits(keys, choice, fits);
  if (least === undefined) return undefined;
  const tie = least - 1;
  let ties = tie === NEVER ? 0 : tiesThatFit(keys, least, choice, fits);
  const masks = keys.map((k) => maskOf(k, (key) => key >= least || (ties > 0 && key === tie && ties-- > 0)));
  return elements(fields, { dim, masks });
}

type Counts = Omit<ElementCounts, "dim">;

function costOf(counts: ElementCounts, { unit }: Limit): number {
  return unit === "bytes" ? elementBytes(smallestLayout(counts), counts) : counts.numbers;
}

/** Keys are counted by their highest bits, those of one count by the next, then by the last: three passes over all numbers. */
const LEVELS = [
  { shift: 21, bins: 2048 },
  { shift: 10, bins: 2048 },
  { shift: 0, bins: 1024 },
];

/**
 * The smallest key from which on all keys fit. What a mask costs follows from how many numbers, rows and rows of fields reach
 * a key, and the best number tells for a row and for a field.
 */
function leastThatFits(
  keys: readonly Uint32Array[],
  { fields, dim }: ElementChoice,
  fits: (counts: Counts) => boolean,
): number | undefined {
  const bestOfRows = keys.map((k) => largestOfEach(k, dim));
  const bestOfFields = bestOfRows.map((best) => best.reduce((a, b) => Math.max(a, b), NEVER));
  const rowsFrom = (least: number) =>
    fields.reduce((n, { rows }, f) => n + (bestOfFields[f]! >= least ? rows : 0), 0);

  // the highest bits of the largest key that does not fit, and how many keys are above all that begin with them
  let begin = 0;
  let numbersAbove = 0;
  let rowsAbove = 0;
  for (const { shift, bins } of LEVELS) {
    const numbers = atLeast(keys, begin, shift, bins);
    const filled = atLeast(bestOfRows, begin, shift, bins);
    const bin = first(begin === 0 ? 0 : 1, bins, (i) =>
      fits({
        numbers: numbersAbove + numbers[i]!,
        filledRows: rowsAbove + filled[i]!,
        rows: rowsFrom(Math.max(NEVER + 1, (begin * bins + i) * 2 ** shift)),
      }),
    );
    // all of them
    if (bin === 0) return NEVER + 1;
    begin = begin * bins + bin - 1;
    numbersAbove += numbers[bin]!;
    rowsAbove += filled[bin]!;
  }
  return begin === ALWAYS ? undefined : begin + 1;
}

/** The first of from .. to - 1 that holds, where all after it hold; `to` if none does. */
function first(from: number, to: number, holds: (i: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Of the keys that begin with these bits: for each bin how many are in it or in a later one; 0 behind the last. */
function atLeast(keys: readonly Uint32Array[], begin: number, shift: number, bins: number): Float64Array {
  const counts = new Float64Array(bins + 1);
  const [from, to] = [begin * bins * 2 ** shift, (begin + 1) * bins * 2 ** shift];
  for (const list of keys) {
    for (let i = 0; i < list.length; i++) {
      const key = list[i]!;
      if (key !== NEVER && key >= from && key < to) counts[(key >>> shift) & (bins - 1)]!++;
    }
  }
  for (let bin = bins - 1; bin >= 0; bin--) counts[bin]! += counts[bin + 1]!;
  return counts;
}

function largestOfEach(keys: Uint32Array, dim: number): Uint32Array {
  const best = new Uint32Array(keys.length / dim);
  for (let i = 0, row = 0; row < best.length; row++) {
    for (const end = i + dim; i < end; i++) if (keys[i]! > best[row]!) best[row] = keys[i]!;
  }
  return best;
}

/** How many numbers of the key below `least`, the first that did not fit as a whole, do fit, first ones first. */
function tiesThatFit(
  keys: readonly Uint32Array[],
  least: number,
  { fields, dim }: ElementChoice,
  fits: (counts: Counts) => boolean,
): number {
  const counts = { numbers: 0, filledRows: 0, rows: 0 };
  const bestOfRows = keys.map((k) => largestOfEach(k, dim));
  const filledFields = bestOfRows.map((best) => best.some((key) => key >= least));
  for (const [f, best] of bestOfRows.entries()) {
    for (const key of keys[f]!) if (key >= least) counts.numbers++;
    for (const key of best) if (key >= least) counts.filledRows++;
    if (filledFields[f]) counts.rows += fields[f]!.rows;
  }
  let taken = 0;
  for (const [f, list] of keys.entries()) {
    const best = bestOfRows[f]!;
    for (let i = 0; i < list.length; i++) {
      if (list[i] !== least - 1) continue;
      const row = Math.floor(i / dim);
      counts.numbers++;
      if (best[row]! < least) {
        counts.filledRows++;
        best[row] = least;
      }
      if (!filledFields[f]) {
        counts.rows += fields[f]!.rows;
        filledFields[f] = true;
      }
      if (!fits(counts)) return taken;
      taken++;
    }
  }
  return taken;
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
