// The different rows of a sample, and where a path finds them, against a walk over the sample.
import { describe, expect, test } from "bun:test";
import type { Columns, FieldInfo } from "@trimtab/data";
import { layoutOf } from "@trimtab/embeddings";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { SampleRows } from "../../src/search/sample-rows.ts";

const UNUSED = 0xffffffff;

interface Case {
  readonly fields: FieldInfo[];
  readonly sample: Columns;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    rows: fc.integer({ min: 1, max: 12 }),
    fields: fc.array(
      fc.record({ rows: fc.integer({ min: 1, max: 6 }), slots: fc.integer({ min: 1, max: 3 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .chain(({ rows, fields }) =>
    fc
      .tuple(
        ...fields.map((field) =>
          fc.array(
            fc
              .uniqueArray(fc.nat(field.rows - 1), {
                minLength: field.slots > 1 ? 0 : 1,
                maxLength: field.slots,
              })
              .map((ids) => [...ids, ...Array<number>(field.slots - ids.length).fill(UNUSED)]),
            { minLength: rows, maxLength: rows },
          ),
        ),
      )
      .map((columns) => ({
        fields: fields.map((field, f) => ({ name: `f${f}`, ...field }) as FieldInfo),
        sample: {
          rows,
          labels: new Float32Array(rows),
          ids: columns.map((column) => Uint32Array.from(column.flat())),
        },
      })),
  );

describe("rows of a sample", () => {
  test("every different id of a field is there once, as data too", () => {
    law(
      fc.property(cases, ({ fields, sample }) => {
        const rows = new SampleRows(sample, fields);
        const columns = rows.columns();
        let count = 0;
        sample.ids.forEach((column, f) => {
          const wanted = new Set(column.filter((id) => id !== UNUSED));
          expect(new Set(rows.ids[f])).toEqual(wanted);
          expect(rows.ids[f]!.length).toBe(wanted.size);
          expect(rows.starts[f]).toBe(count);
          count += wanted.size;
          const { slots } = fields[f]!;
          for (const [i, id] of rows.ids[f]!.entries()) expect(columns.ids[f]![i * slots]).toBe(id);
        });
        expect(rows.count).toBe(count);
      }),
    );
  });

  test("a path's places are those of its sizes and ids; zeros for size 0, unused slots and rows behind the sample", () => {
    const paths = fc.record({ batch: fc.integer({ min: 1, max: 8 }), first: fc.nat(1), seed: fc.nat() });
    law(
      fc.property(cases, paths, ({ fields, sample }, { batch, first, seed }) => {
        const rows = new SampleRows(sample, fields);
        const sizes = 3;
        const path = fields.map((_, f) => (seed + 5 * f) % (sizes + first));
        const layout = layoutOf("all", fields);
        for (let from = 0; from < sample.rows; from += batch) {
          const places = rows.places(path, layout, { from, batch, first, sizes });
          const wanted: number[] = [];
          for (let row = from; row < from + batch; row++) {
            fields.forEach(({ slots }, f) => {
              for (let s = 0; s < slots; s++) {
                const id = row < sample.rows ? sample.ids[f]![row * slots + s]! : UNUSED;
                const size = path[f]! - first;
                const kept = id === UNUSED || size < 0 ? undefined : rows.ids[f]!.indexOf(id);
                wanted.push(
                  kept === undefined ? sizes * rows.count : size * rows.count + rows.starts[f]! + kept,
                );
              }
            });
          }
          expect([...places]).toEqual(wanted);
        }
      }),
    );
  });
});
