import { describe, expect, test } from "bun:test";
import { perField, uniform } from "@trimtab/embeddings";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { BudgetError, costOf, limitOf, meets, parseBudget } from "../src/index.ts";

const fields = [
  { name: "user", rows: 1000, slots: 1 },
  { name: "item", rows: 200, slots: 1 },
];

describe("parseBudget", () => {
  test.each([
    ["10%", "share", 0.1],
    ["2.5 %", "share", 0.025],
    ["100%", "share", 1],
    ["64MiB", "bytes", 64 * 2 ** 20],
    ["64 mib", "bytes", 64 * 2 ** 20],
    ["3MB", "bytes", 3e6],
    ["512 B", "bytes", 512],
    ["500k parameters", "parameters", 500_000],
    ["1.5M params", "parameters", 1_500_000],
    ["1200 parameters", "parameters", 1200],
    ["10% parameters", "parameter share", 0.1],
    ["60 slots", "slots", 60],
    ["10% slots", "slot share", 0.1],
  ] as const)("%s", (text, unit, value) => {
    const budget = parseBudget(text);
    expect(budget.unit).toBe(unit);
    expect(budget.value).toBeCloseTo(value, 9);
    expect(budget.text).toBe(text);
  });

  test.each([
    "",
    "ten percent",
    "0%",
    "-5%",
    "101%",
    "64",
    "64 XB",
    "5 q parameters",
    "10% features",
    "1e3 MB",
  ])("refuses %p with the accepted forms", (text) => {
    expect(() => parseBudget(text)).toThrow(BudgetError);
    expect(() => parseBudget(text)).toThrow("64MiB");
  });
});

describe("limits", () => {
  test("a share is of the uniform scheme's serve bytes", () => {
    const base = uniform(fields, 16);
    const limit = limitOf(parseBudget("25%"), base);
    expect(limit).toMatchObject({ unit: "bytes", value: Math.floor(base.serveBytes() / 4) });
    expect(meets(uniform(fields, 4), limit)).toBe(true);
    expect(meets(uniform(fields, 5), limit)).toBe(false);
  });

  test("a share of the parameters is of the uniform scheme's numbers", () => {
    const limit = limitOf(parseBudget("25% params"), uniform(fields, 16));
    expect(limit).toMatchObject({ unit: "parameters", value: 1200 * 4 });
    expect(meets(uniform(fields, 4), limit)).toBe(true);
    expect(meets(uniform(fields, 5), limit)).toBe(false);
  });

  test("law: a share loses nothing to binary fractions", () => {
    // as whole numbers: p per mille of n slots
    law(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 5000 }), (permille, n) => {
        const all = uniform([{ name: "a", rows: 3, slots: 1 }], n);
        const limit = limitOf(parseBudget(`${permille / 10}% slots`), all);
        expect(limit.value).toBe(Number((BigInt(permille) * BigInt(n)) / 1000n));
      }),
      500,
    );
  });

  test("slots count (field, dim) pairs whatever they cost", () => {
    const base = uniform(fields, 16);
    const limit = limitOf(parseBudget("50% slots"), base);
    expect(limit).toMatchObject({ unit: "slots", value: 16 });
    const scheme = perField(fields, [1, 15], { base: 16, projection: "none" });
    expect(costOf(scheme, limit)).toBe(16);
    expect(meets(scheme, limit)).toBe(true);
  });
});
