// Layouts on the host: packed, measured and read back.
import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { addressesOf, packIndex, unpackIndex } from "../../src/elements/index-arrays.ts";
import { ELEMENT_LAYOUTS } from "../../src/index.ts";
import { elementSchemes } from "../schemes.ts";

describe.each(ELEMENT_LAYOUTS.map((l) => [l] as const))("%s", (layout) => {
  test("law: the round trip is exact, and the arrays are as long as the formula says", () => {
    law(
      fc.property(elementSchemes(), (scheme) => {
        fc.pre(scheme.parameters > 0);
        const addresses = addressesOf(scheme);
        const arrays = packIndex(layout, addresses, scheme.counts);
        const words = [...arrays.values()].reduce((n, a) => n + a.length, 0);
        expect(4 * (words + addresses.length)).toBe(scheme.serveBytes(layout));
        expect(unpackIndex(layout, arrays, scheme.counts, addresses.length)).toEqual(addresses);
        // another number of values, or a damaged index, is noticed
        expect(unpackIndex(layout, arrays, scheme.counts, addresses.length - 1)).toBeUndefined();
        expect(unpackIndex(layout, arrays, scheme.counts, addresses.length + 1)).toBeUndefined();
      }),
    );
  });
});

test("addresses count the rows of fields that have any number, ascending", () => {
  law(
    fc.property(elementSchemes(), (scheme) => {
      const expected: number[] = [];
      let base = 0;
      scheme.fields.forEach(({ rows }, f) => {
        for (let r = 0; r < rows; r++) {
          for (let j = 0; j < scheme.base; j++)
            if (scheme.has(f, r, j)) expected.push((base + r) * scheme.base + j);
        }
        if (scheme.count(f) > 0) base += rows;
      });
      expect([...addressesOf(scheme)]).toEqual(expected);
    }),
  );
});
