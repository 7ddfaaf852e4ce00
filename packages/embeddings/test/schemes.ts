/** Schemes to test with. */
import fc from "fast-check";
import {
  type DimScheme,
  type ElementLayout,
  type ElementScheme,
  elements,
  type FieldSpec,
  HASH_RULES,
  type HashedScheme,
  hashed,
  perField,
  uniform,
} from "../src/index.ts";

/** 1 to 6 fields of 1 to `rows` rows, some of them multi-valued. */
export function fieldsOf(rows = 40): fc.Arbitrary<FieldSpec[]> {
  const one = fc.record({ rows: fc.integer({ min: 1, max: rows }), slots: fc.integer({ min: 1, max: 3 }) });
  return fc
    .array(one, { minLength: 1, maxLength: 6 })
    .map((list) => list.map((f, i) => ({ name: `f${i}`, ...f })));
}

/** Per-field schemes, with and without projections and chosen columns. */
export function perFieldSchemes(rows = 40): fc.Arbitrary<DimScheme> {
  return fc
    .tuple(fieldsOf(rows), fc.integer({ min: 1, max: 8 }), fc.constantFrom("linear", "none"), fc.boolean())
    .chain(([fields, base, projection, chosen]) =>
      fc.tuple(...fields.map(() => fc.subarray(Array.from({ length: base }, (_, j) => j)))).map((columns) =>
        perField(
          fields,
          columns.map((c) => c.length),
          { base, projection: projection as "linear" | "none", columns: chosen ? columns : undefined },
        ),
      ),
    );
}

export function schemes(rows = 40): fc.Arbitrary<DimScheme> {
  const plain = fc
    .tuple(fieldsOf(rows), fc.integer({ min: 0, max: 8 }))
    .map(([fields, dim]) => uniform(fields, dim));
  return fc.oneof(plain, perFieldSchemes(rows));
}

/** Hashed schemes: each field keeps some or all of its rows. */
export function hashedSchemes(rows = 40): fc.Arbitrary<HashedScheme> {
  return fc
    .tuple(fieldsOf(rows), fc.integer({ min: 1, max: 8 }), fc.constantFrom(...HASH_RULES))
    .chain(([fields, dim, rule]) =>
      fc
        .tuple(...fields.map((f) => fc.integer({ min: Math.min(2, f.rows), max: f.rows })))
        .map((kept) => hashed(fields, { dim, rows: kept, rule })),
    );
}

/** A bitset of `bits` bits: about `share` of them, or of whole runs of them (`rowsOf` bits a row), set. */
export function randomMask(
  bits: number,
  rowsOf: number,
  share: number,
  empty: number,
  seed: number,
): Uint32Array {
  const mask = new Uint32Array(Math.ceil(bits / 32));
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let row = 0; row < bits / rowsOf; row++) {
    const skipped = next() < empty;
    for (let j = 0; j < rowsOf; j++) {
      if (!skipped && next() < share) mask[(row * rowsOf + j) >>> 5]! |= 1 << ((row * rowsOf + j) & 31);
    }
  }
  return mask;
}

/** Element masks over random fields: empty, sparse, dense and full fields, empty rows, dims up to `dim`. */
export function elementSchemes(rows = 40, dim = 64, layout?: ElementLayout): fc.Arbitrary<ElementScheme> {
  const share = fc.constantFrom(0, 0.02, 0.1, 0.5, 0.9, 1);
  return fc.tuple(fieldsOf(rows), fc.integer({ min: 1, max: dim })).chain(([fields, d]) =>
    fc.tuple(...fields.map(() => fc.tuple(share, fc.constantFrom(0, 0.5, 0.9), fc.nat()))).map((how) => {
      const masks = fields.map((f, i) => randomMask(f.rows * d, d, ...how[i]!));
      return elements(fields, { dim: d, masks, layout });
    }),
  );
}
