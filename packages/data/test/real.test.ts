// The four public sets, where they are at hand: TRIMTAB_DATASETS, else shared/datasets beside the repository.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Dataset, type Manifest, prepare, recognise, sharedUint32 } from "../src/index.ts";
import { freshFolder } from "./folders.ts";

const root = process.env.TRIMTAB_DATASETS ?? resolve(import.meta.dir, "../../../../shared/datasets");

// Rows and ids that a plain count over the files gives.
const expected: Record<string, (manifest: Manifest) => void> = {
  "frappe-x1": ({ splits, fields, user }) => {
    expect([splits.train.rows, splits.valid.rows, splits.test.rows]).toEqual([202_027, 57_722, 28_860]);
    // 5,382 features in the benchmark's count over all splits; training has a few fewer, and each field a row 0.
    const features = fields.reduce((sum, { rows }) => sum + rows - 1, 0);
    expect(features).toBeGreaterThan(5300);
    expect(features).toBeLessThanOrEqual(5382);
    expect(fields.map((f) => f.name)).toHaveLength(10);
    expect(user?.count).toBeGreaterThan(900);
  },
  "ml-latest-small": ({ splits, fields, user }) => {
    expect(splits.train.rows + splits.valid.rows + splits.test.rows).toBe(100_004);
    expect(splits.train.positives + splits.valid.positives + splits.test.positives).toBe(51_568);
    expect(user?.count).toBe(671);
    expect(fields.map(({ name, slots }) => [name, slots])).toEqual([
      ["user", 1],
      ["movie", 1],
      ["year", 1],
      ["genres", 8],
      ["hour", 1],
      ["weekday", 1],
    ]);
    expect(fields[3]!.rows).toBe(21);
    expect(fields[5]!.rows).toBe(8);
  },
  "movielens-1m": ({ splits, fields, user }) => {
    expect(splits.train.rows + splits.valid.rows + splits.test.rows).toBe(739_012);
    expect(user?.count).toBe(6040);
    expect(fields.map((f) => f.name)).toEqual([
      "user",
      "gender",
      "age",
      "occupation",
      "movie",
      "year",
      "genres",
    ]);
    expect(fields[6]).toMatchObject({ rows: 19, slots: 6, truncatedRows: 0 });
  },
  "criteo-80k": ({ splits, fields }) => {
    expect([splits.train.rows, splits.valid.rows, splits.test.rows]).toEqual([64_000, 8000, 8000]);
    expect(fields).toHaveLength(39);
    expect(fields.filter((f) => f.kind === "numeric")).toHaveLength(13);
    expect(fields.every((f) => f.minCount === 2)).toBe(true);
  },
};

/** The beginning of each hash: what docs/results.md was measured on. Who changes what `prepare` makes of a log changes these, and measures again. */
const HASHES: Record<string, string> = {
  "frappe-x1": "51c26962464f5ff9",
  "ml-latest-small": "ebb7fcbc9b5a0bd3",
  "movielens-1m": "212cb772f0ce8a60",
  "criteo-80k": "ec4aa415e8ef1e66",
};

describe("public sets", () => {
  for (const [name, check] of Object.entries(expected)) {
    const folder = join(root, name);
    if (!existsSync(folder)) {
      console.log(`skipped: ${name} is not in ${root} (set TRIMTAB_DATASETS to a folder that has it)`);
      continue;
    }
    test(`${name} is recognised, prepared and loaded`, async () => {
      expect((await recognise(folder))?.name).toBe(name);
      const out = join(freshFolder(), `${name}.trimtab`);
      const manifest = await prepare(folder, { out });
      check(manifest);
      expect(manifest.hash.slice(0, 16)).toBe(HASHES[name]!);
      expect(manifest.synthetic).toBe(false);
      expect(manifest.warnings).toEqual([]);
      const dataset = await Dataset.open(out);
      expect(dataset.manifest).toEqual(manifest);
      const valid = await dataset.load("valid");
      expect(valid.rows).toBe(manifest.splits.valid.rows);
      expect(valid.labels.reduce((sum, y) => sum + y, 0)).toBe(manifest.splits.valid.positives);
      expect(valid.ids).toHaveLength(manifest.fields.length);
      expect(valid.ids[0]!.buffer).toBeInstanceOf(sharedUint32(1).buffer.constructor as never);
    }, 120_000);
  }
});
