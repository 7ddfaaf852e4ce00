/** The square of bits is a set of pairs, and its closure what a walk along them finds. */
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { BitMatrix } from "../../src/compile/bit-matrix.ts";

const graph = fc.integer({ min: 1, max: 70 }).chain((count) => {
  const place = fc.nat({ max: count - 1 });
  return fc.tuple(fc.constant(count), fc.array(fc.tuple(place, place), { maxLength: 2 * count }));
});

test("law: bits are those that were added, the closure holds all that a walk reaches, circles too", () =>
  law(
    fc.property(graph, ([count, edges]) => {
      const matrix = new BitMatrix(count);
      for (const [from, to] of edges) matrix.add(from, to);
      const closure = matrix.closure();
      for (let from = 0; from < count; from++) {
        const next = (place: number) => edges.filter(([a]) => a === place).map(([, b]) => b);
        expect(matrix.bitsOf(from)).toEqual([...new Set(next(from))].sort((a, b) => a - b));
        const reached = new Set<number>();
        for (let stack = next(from); stack.length > 0; ) {
          const place = stack.pop()!;
          if (reached.has(place)) continue;
          reached.add(place);
          stack.push(...next(place));
        }
        expect(closure.bitsOf(from)).toEqual([...reached].sort((a, b) => a - b));
        for (let to = 0; to < count; to++) expect(closure.has(from, to)).toBe(reached.has(to));
      }
    }),
    60,
  ));
