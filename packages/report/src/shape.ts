/** Where the numbers of a scheme are: in which fields, and in rows of which popularity. */
import { ElementScheme, HashedScheme, RowChunkScheme, type Scheme } from "@trimtab/embeddings";
import type { Occurrences } from "./frequency.ts";
import type { Curves, Shape } from "./model.ts";

const TENTHS = 10;

/** To which class an id (above 0) of a field belongs; undefined: to none. */
type ClassOf = (id: number, field: number) => number | undefined;

interface Classes {
  readonly of: ClassOf;
  readonly count: number;
}

interface Sums {
  /** Numbers that exist, and ids there are, in each class. */
  readonly numbers: Float64Array;
  readonly ids: Float64Array;
}

/** Whether the rows of a field may have different dims. */
export function rowsDiffer(scheme: Scheme): scheme is ElementScheme | RowChunkScheme {
  return scheme instanceof ElementScheme || scheme instanceof RowChunkScheme;
}

/** Numbers kept for each id of each field; where ids share rows, the numbers that exist over the ids. */
export function keptOf(scheme: Scheme): number[] {
  if (rowsDiffer(scheme)) return scheme.uses().map((use) => use.meanDim ?? use.dim);
  if (scheme instanceof HashedScheme) {
    return scheme.fields.map(({ rows }, f) => (scheme.base * scheme.rows[f]!) / rows);
  }
  return [...scheme.dims];
}

/** Tenths of a field's ids. `prepare` numbers values by falling frequency, so an id is a rank. */
function tenths({ fields }: Scheme): Classes {
  return { count: TENTHS, of: (id, f) => Math.floor(((id - 1) / (fields[f]!.rows - 1)) * TENTHS) };
}

/** Ids that occur 2^c to 2^(c + 1) - 1 times. */
function powers(occurrences: Occurrences): Classes {
  let most = 1;
  for (const counts of occurrences) for (const count of counts.subarray(1)) most = Math.max(most, count);
  const of: ClassOf = (id, f) => {
    const count = occurrences[f]![id]!;
    return count > 0 ? Math.floor(Math.log2(count)) : undefined;
  };
  return { count: Math.floor(Math.log2(most)) + 1, of };
}

/** Numbers and ids of one field by classes; id 0 is everything unknown and is left out. */
function sumsOf(scheme: Scheme, field: number, { of, count }: Classes): Sums {
  const { rows } = scheme.fields[field]!;
  const numbers = new Float64Array(count);
  const ids = new Float64Array(count);
  const add = (to: Float64Array, id: number, n: number) => {
    const at = id > 0 ? of(id, field) : undefined;
    if (at !== undefined) to[at]! += n;
  };
  for (let id = 1; id < rows; id++) add(ids, id, 1);
  if (scheme instanceof ElementScheme) {
    scheme.eachNumber(field, (address) => add(numbers, Math.floor(address / scheme.base), 1));
  } else if (scheme instanceof RowChunkScheme) {
    scheme.eachChunk(field, (address) => add(numbers, Math.floor(address / scheme.chunks), scheme.width));
  } else {
    // every id reads this many, whether its row is its own or not
    for (let c = 0; c < count; c++) numbers[c] = ids[c]! * scheme.dims[field]!;
  }
  return { numbers, ids };
}

function curvesOf(scheme: Scheme, classes: Classes, shown: readonly number[]): Curves {
  const { count } = classes;
  const all: Sums = { numbers: new Float64Array(count), ids: new Float64Array(count) };
  const fields: Record<string, (number | null)[]> = {};
  const rates = ({ numbers, ids }: Sums) =>
    Array.from(numbers, (n, c) => (ids[c] === 0 ? null : n / ids[c]!));
  for (const [f, { name }] of scheme.fields.entries()) {
    const one = sumsOf(scheme, f, classes);
    for (let c = 0; c < count; c++) {
      all.numbers[c]! += one.numbers[c]!;
      all.ids[c]! += one.ids[c]!;
    }
    if (shown.includes(f)) fields[name] = rates(one);
  }
  return { all: rates(all), fields };
}

/**
 * The mean shape of the schemes of several seeds, which are over the same fields.
 *
 * @param shown fields with curves of their own
 */
export function shapeOf(
  schemes: readonly Scheme[],
  shown: readonly number[],
  occurrences?: Occurrences,
): Shape {
  const kept = schemes.map(keptOf);
  const first = schemes[0]!;
  const curves = (classes: Classes) => meanCurves(schemes.map((scheme) => curvesOf(scheme, classes, shown)));
  return {
    scheme: first.kind,
    kept: kept[0]!.map((_, f) => mean(kept.map((one) => one[f]!))),
    dropped: kept[0]!.map((_, f) => kept.filter((one) => one[f] === 0).length),
    popularity: curves(tenths(first)),
    frequency: occurrences ? curves(powers(occurrences)) : null,
  };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function meanCurves(all: readonly Curves[]): Curves {
  const meanCurve = (lines: readonly (readonly (number | null)[])[]) =>
    lines[0]!.map((value, c) => (value === null ? null : mean(lines.map((line) => line[c]!))));
  const names = Object.keys(all[0]!.fields);
  return {
    all: meanCurve(all.map((one) => one.all)),
    fields: Object.fromEntries(
      names.map((name) => [name, meanCurve(all.map(({ fields }) => fields[name]!))]),
    ),
  };
}
