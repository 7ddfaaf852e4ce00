/** Where the numbers of a scheme are: in which fields, and in rows of which popularity. */
import { ElementScheme, HashedScheme, RowChunkScheme, type Scheme } from "@trimtab/embeddings";
import type { Popularity, Shape } from "./model.ts";

export const TENTHS = 10;

interface Tenths {
  /** Numbers that exist, and ids there are, in each tenth. */
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

/**
 * Numbers kept for each id by tenths of the field's ids. `prepare` numbers values by falling frequency, so an id is a rank;
 * id 0 is everything unknown and is left out.
 */
function tenthsOf(scheme: Scheme, field: number): Tenths {
  const { rows } = scheme.fields[field]!;
  const numbers = new Float64Array(TENTHS);
  const ids = new Float64Array(TENTHS);
  const tenth = (id: number) => Math.floor(((id - 1) / (rows - 1)) * TENTHS);
  for (let id = 1; id < rows; id++) ids[tenth(id)]!++;
  if (scheme instanceof ElementScheme) {
    scheme.eachNumber(field, (address) => {
      const id = Math.floor(address / scheme.base);
      if (id > 0) numbers[tenth(id)]!++;
    });
  } else if (scheme instanceof RowChunkScheme) {
    scheme.eachChunk(field, (address) => {
      const id = Math.floor(address / scheme.chunks);
      if (id > 0) numbers[tenth(id)]! += scheme.width;
    });
  } else {
    // every id reads this many, whether its row is its own or not
    for (let t = 0; t < TENTHS; t++) numbers[t] = ids[t]! * scheme.dims[field]!;
  }
  return { numbers, ids };
}

function popularityOf(scheme: Scheme, shown: readonly number[]): Popularity {
  const all: Tenths = { numbers: new Float64Array(TENTHS), ids: new Float64Array(TENTHS) };
  const fields: Record<string, (number | null)[]> = {};
  const rates = ({ numbers, ids }: Tenths) =>
    Array.from(numbers, (n, t) => (ids[t] === 0 ? null : n / ids[t]!));
  for (const [f, { name }] of scheme.fields.entries()) {
    const one = tenthsOf(scheme, f);
    for (let t = 0; t < TENTHS; t++) {
      all.numbers[t]! += one.numbers[t]!;
      all.ids[t]! += one.ids[t]!;
    }
    if (shown.includes(f)) fields[name] = rates(one);
  }
  return { all: rates(all), fields };
}

/** The mean shape of the schemes of several seeds, which are over the same fields. `shown`: fields with a curve of their own. */
export function shapeOf(schemes: readonly Scheme[], shown: readonly number[]): Shape {
  const kept = schemes.map(keptOf);
  const curves = schemes.map((scheme) => popularityOf(scheme, shown));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const meanCurve = (lines: readonly (readonly (number | null)[])[]) =>
    lines[0]!.map((first, t) => (first === null ? null : mean(lines.map((line) => line[t]!))));
  return {
    scheme: schemes[0]!.kind,
    kept: kept[0]!.map((_, f) => mean(kept.map((one) => one[f]!))),
    dropped: kept[0]!.map((_, f) => kept.filter((one) => one[f] === 0).length),
    popularity: {
      all: meanCurve(curves.map(({ all }) => all)),
      fields: Object.fromEntries(
        Object.keys(curves[0]!.fields).map((name) => [
          name,
          meanCurve(curves.map(({ fields }) => fields[name]!)),
        ]),
      ),
    },
  };
}
