import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StoppedError } from "@trimtab/data";
import { SchemeError } from "@trimtab/embeddings";
import { BadOptionError } from "@trimtab/eval";
import { ModelConfigError, ModelError } from "@trimtab/models";
import { BudgetError, BudgetImpossible, ConfigError, Interrupted } from "@trimtab/search-core";
import { DeviceLost } from "@trimtab/tensor-core";
import { errorText, exitCodeOf, UsageError } from "../../src/parts/errors.ts";

test.each([
  ["UsageError", new UsageError("u"), 2],
  ["ConfigError", new ConfigError("c"), 2],
  ["BudgetError", new BudgetError("b"), 2],
  ["ModelConfigError", new ModelConfigError("m"), 2],
  ["BudgetImpossible", new BudgetImpossible("b"), 1],
  ["ModelError", new ModelError("m"), 1],
  ["SchemeError", new SchemeError("s"), 1],
  ["DeviceLost", new DeviceLost("d"), 1],
  ["BadOptionError", new BadOptionError("o", 1, "two"), 1],
  ["Interrupted", new Interrupted("i"), 130],
  ["StoppedError", new StoppedError("s", "m"), 130],
])("%s is one line with its exit code", (_, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
  expect(errorText(error, false)).toBe(`error: ${error.message}`);
});

test("what any package throws on purpose is not called a bug", () => {
  const packages = join(import.meta.dir, "../../..");
  const sources = readdirSync(packages)
    .map((name) => join(packages, name, "src/errors.ts"))
    .filter(existsSync)
    .map((path) => readFileSync(path, "utf8"));
  const bases = sources.flatMap((text) =>
    [...text.matchAll(/class (\w+) extends Error\b/g)].map((m) => m[1]!),
  );
  expect(bases.length).toBeGreaterThan(9);
  const called = bases.filter((name) => {
    const made = { [name]: class extends Error {} };
    return errorText(new made[name]!("m"), false) !== "error: m";
  });
  expect(called).toEqual([]);
});

describe("an error that nobody expected", () => {
  const bug = new TypeError("x is not a function");

  test("is called a bug, and says how to see more", () => {
    expect(exitCodeOf(bug)).toBe(1);
    const text = errorText(bug, false);
    expect(text).toContain("error: x is not a function");
    expect(text).toContain("bug in trimtab");
    expect(text).toContain("--debug");
    expect(text).not.toContain("\n");
  });

  test("shows its stack and causes with --debug", () => {
    const text = errorText(new Error("outer", { cause: bug }), true);
    expect(text).toContain("caused by: TypeError: x is not a function");
    expect(text).toContain("errors.test.ts");
  });
});

test("what the system refuses is no bug", () => {
  try {
    readdirSync("/no/such/folder");
    expect.unreachable();
  } catch (error) {
    expect(errorText(error, false)).toMatch(/^error: ENOENT: .*\/no\/such\/folder/);
  }
});

test.each([
  ["ENOSPC", "free space"],
  ["EROFS", "choose another place"],
  ["EACCES", "allow writing"],
])("%s says how it is mended", (code, mend) => {
  const error = Object.assign(new Error(`${code}: refused, mkdir '/there/run'`), { code, syscall: "mkdir" });
  const text = errorText(error, false);
  expect(text).toContain("/there/run");
  expect(text).toContain(mend);
  expect(text).not.toContain("\n");
});
