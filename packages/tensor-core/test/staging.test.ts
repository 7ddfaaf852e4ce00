// Feeds on their way to an engine: whoever copies what is said to be new has the whole image, whatever came before.
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { FeedError } from "../src/errors.ts";
import type { FeedSlot } from "../src/kernels/ir.ts";
import { type Feeds, Staging } from "../src/staging.ts";

/** Slots one after another, with gaps as alignment makes them. */
function slotsOf(sizes: readonly { length: number; gap: number; upTo: boolean }[]): FeedSlot[] {
  let offset = 0;
  return sizes.map(({ length, gap, upTo }, i) => {
    const slot = { name: `s${i}`, dtype: "u32" as const, shape: [length], offset, length, upTo };
    offset += length + gap;
    return slot;
  });
}

const sizes = fc.record({
  length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 200, max: 900 })),
  gap: fc.nat({ max: 3 }),
  upTo: fc.boolean(),
});

test("law: the parts that are new make a copy the image, also after feeds that were refused", () => {
  law(
    fc.property(
      fc.array(sizes, { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), wrong: fc.nat({ max: 20 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      (list, runs) => {
        const slots = slotsOf(list);
        const { offset, length } = slots.at(-1)!;
        const staging = new Staging(offset + length, slots);
        const copy = new Uint32Array(offset + length);
        runs.forEach(({ share, wrong }, run) => {
          const feeds: Record<string, Uint32Array> = {};
          slots.forEach(({ name, length: most, upTo }, i) => {
            const n = upTo ? Math.floor(share * most) : most;
            feeds[name] = new Uint32Array(i === wrong ? most + 1 : n).fill(run + 1);
          });
          if (wrong < slots.length) {
            expect(() => staging.put(feeds)).toThrow(FeedError);
            return;
          }
          staging.put(feeds);
          const written = staging.written();
          for (let i = 0; i < written.length; i++) {
            if (i > 0) expect(written[i]!).toBeGreaterThan(written[i - 1]!);
          }
          for (let i = 0; i < written.length; i += 2)
            copy.set(staging.image.subarray(written[i]!, written[i + 1]!), written[i]!);
          expect([...copy]).toEqual([...staging.image]);
          for (const slot of slots)
            expect([...copy.subarray(slot.offset).subarray(0, feeds[slot.name]!.length)]).toEqual([
              ...feeds[slot.name]!,
            ]);
        });
      },
    ),
    200,
  );
});

test("what a short feed leaves free is not copied; neighbours go together", () => {
  const slots = slotsOf([
    { length: 1, gap: 3, upTo: false },
    { length: 5000, gap: 0, upTo: true },
    { length: 5000, gap: 0, upTo: true },
  ]);
  const staging = new Staging(10_004, slots);
  const feeds = (a: number, b: number): Feeds => ({ s0: 7, s1: new Uint32Array(a), s2: new Uint32Array(b) });
  staging.put(feeds(10, 20));
  expect([...staging.written()]).toEqual([0, 14, 5004, 5024]);
  expect([...staging.written()]).toEqual([]);
  staging.put(feeds(0, 1));
  expect([...staging.written()]).toEqual([0, 1, 5004, 5005]);
  staging.put(feeds(5000, 5000));
  expect([...staging.written()]).toEqual([0, 10_004]);
});
