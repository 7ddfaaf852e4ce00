// Sentences are broken between words.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { terminalWidth, wrapLines, wrapWords } from "../../src/parts/wrap.ts";

test("no word is broken, nothing is lost, lines fit where words do", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "-", "%", "1"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 14, max: 60 }),
      (words, width) => {
        const lines = wrapWords(words.join(" "), width).split("\n");
        expect(lines.map((line) => line.trim()).join(" ")).toBe(words.join(" "));
        expect(lines.filter((line) => line.length > width)).toEqual([]);
        expect(lines.slice(1).filter((line) => !line.startsWith("  "))).toEqual([]);
      },
    ),
    process.env.CI === "true" ? { seed: 7 } : {},
  );
});

test("a pipe gets whole lines", () => {
  expect(terminalWidth({ isTTY: false, columns: 40 })).toBe(Number.POSITIVE_INFINITY);
  expect(terminalWidth({ isTTY: true, columns: 40 })).toBe(40);
  expect(wrapWords("one two three", Number.POSITIVE_INFINITY)).toBe("one two three");
});

test("a text of several lines keeps them, and their indents", () => {
  expect(wrapLines("one two three\n    at four five\n", 13)).toBe("one two three\n    at four\n    five\n");
  expect(wrapLines("one two three", 9)).toBe("one two\n  three");
  // what was wrapped before stays as it is
  expect(wrapLines("one two\n  three", 9)).toBe("one two\n  three");
});
