/** Keys are equal for what is equal, and for nothing else. */
import { expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { keyOfFields } from "../../src/compile/keys.ts";

const number = fc.constantFrom(0, -0, 1, -1, 11, 0.1, NaN, Infinity, -Infinity);
const numbers = fc.array(number, { maxLength: 3 });
const view = fc.record({ offset: number, strides: numbers });
const instr = fc.record(
  { op: fc.constantFrom("load", "index"), value: number, start: numbers, view },
  { requiredKeys: ["op"] },
);

test("law: instructions have equal keys where they are equal, to minus zero and NaN", () =>
  law(
    fc.property(instr, instr, (a, b) => {
      expect(keyOfFields(a)).toBe(keyOfFields(structuredClone(a)));
      expect(keyOfFields(a) === keyOfFields(b)).toBe(Bun.deepEquals(a, b, true));
    }),
    500,
  ));

test("a field that is undefined is none", () => {
  expect(keyOfFields({ op: "load", row: undefined })).toBe(keyOfFields({ op: "load" }));
});

test("objects are what they are identified as", () => {
  const plan = { name: "p" };
  const identify = (object: object) => (object === plan ? "#1" : "#2");
  const key = (object: object) => keyOfFields({ kind: "rows", plan: object }, identify);
  expect(key(plan)).toBe(key(plan));
  expect(key(plan)).not.toBe(key({ name: "p" }));
});
