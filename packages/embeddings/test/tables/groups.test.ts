import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { layoutOf, slotsOf, uniform } from "../../src/index.ts";
import { groupsOf, WHOLE } from "../../src/tables/groups.ts";
import { schemes } from "../schemes.ts";

test("law: every field with a dim is in one table of that dim, rows lie end to end, names differ", () => {
  law(
    fc.property(schemes(), fc.integer({ min: 64, max: 4000 }), (scheme, maxBytes) => {
      const groups = groupsOf(scheme, maxBytes);
      const found = groups.flatMap((g) => g.fields).sort((a, b) => a - b);
      expect(found).toEqual(scheme.dims.flatMap((d, f) => (d > 0 ? [f] : [])));
      expect(new Set(groups.map((g) => g.layout.name)).size).toBe(groups.length);
      for (const group of groups) {
        let base = 0;
        group.layout.fields.forEach((at, i) => {
          expect(at).toEqual({ field: group.fields[i]!, base });
          expect(scheme.dims[at.field]).toBe(group.dim);
          expect(scheme.isProjected(at.field)).toBe(group.projected);
          base += scheme.fields[at.field]!.rows;
        });
        expect(group.layout.rows).toBe(base);
        if (group.fields.length > 1) expect(base * group.dim * 4).toBeLessThanOrEqual(maxBytes);
        if (group.layout.name === WHOLE) expect(group.layout).toEqual(layoutOf(WHOLE, scheme.fields));
      }
    }),
  );
});

const fields = [
  { name: "a", rows: 10, slots: 1 },
  { name: "b", rows: 20, slots: 3 },
  { name: "c", rows: 30, slots: 1 },
];

test("one table where it fits, named as the first-order weights' layout", () => {
  expect(groupsOf(uniform(fields, 4), 1e6).map((g) => g.layout.name)).toEqual(["all"]);
  expect(slotsOf(layoutOf("all", fields), fields)).toBe(5);
});

test("several tables where one would be over the limit; a field is never cut", () => {
  const groups = groupsOf(uniform(fields, 4), 30 * 4 * 4);
  expect(groups.map((g) => [g.layout.name, ...g.fields])).toEqual([
    ["d4-0", 0, 1],
    ["d4-1", 2],
  ]);
  expect(groupsOf(uniform(fields, 4), 1).map((g) => g.fields)).toEqual([[0], [1], [2]]);
});
