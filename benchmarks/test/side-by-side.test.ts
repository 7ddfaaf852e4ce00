// What docs/results.md publishes of all methods side by side is what the committed trials say.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { between } from "../src/side-by-side/marks.ts";

const root = join(import.meta.dir, "../..");
const page = readFileSync(join(root, "docs/results.md"), "utf8");
const trials = join(root, "benchmarks/results");

function run(program: string, ...args: string[]): void {
  const path = join(root, "benchmarks/src/side-by-side", program);
  const { stderr, exitCode } = Bun.spawnSync([process.execPath, path, ...args]);
  expect(stderr.toString()).toBe("");
  expect(exitCode).toBe(0);
}

/** Without what aligns the columns of a table. */
const loose = (text: string): string => text.replace(/ {2,}/g, " ").replace(/-{3,}/g, "---").trim();

test.each([
  ["tables.ts", 5000],
  ["fewer.ts", 500],
])("every table of %s follows from the trials", (program, least) => {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-tables-"));
  try {
    const { before, tables, after } = between(page, program);
    expect(tables.length).toBeGreaterThan(least);
    const file = join(folder, "results.md");
    writeFileSync(file, before + after);
    run(program, trials, "--into", file);
    const written = between(readFileSync(file, "utf8"), program);
    expect(loose(written.tables)).toBe(loose(tables));
    expect([written.before, written.after]).toEqual([before, after]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the picture follows from the trials", () => {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-picture-"));
  try {
    run("picture.ts", join(folder, "all.svg"), trials);
    const published = readFileSync(join(root, "docs/pictures/side-by-side.svg"), "utf8");
    expect(readFileSync(join(folder, "all.svg"), "utf8")).toBe(published);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
