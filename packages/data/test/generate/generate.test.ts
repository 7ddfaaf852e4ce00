import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { PlantedLog } from "../../src/generate/truth.ts";
import { Zipf } from "../../src/generate/zipf.ts";
import {
  Dataset,
  defaultFields,
  defaultStrength,
  GenerateError,
  type GenerateOptions,
  generate,
  generateDataset,
  LATENT,
  type PlantedField,
  parseTruth,
  prepare,
  Random,
  StoppedError,
} from "../../src/index.ts";
import { failure, freshFolder } from "../folders.ts";
import { trainFm } from "./fm.ts";

describe("Zipf values", () => {
  test("come with the probabilities of the law", () => {
    law(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 0.5, 1, 2), fc.nat(), (n, s, seed) => {
        const zipf = new Zipf(n, s);
        const random = new Random(seed);
        const counts = new Array(n).fill(0);
        const draws = 20_000;
        for (let i = 0; i < draws; i++) counts[zipf.draw(random)]++;
        const weights = counts.map((_, i) => (i + 1) ** -s);
        const total = weights.reduce((a, b) => a + b, 0);
        counts.forEach((count, i) => {
          const p = weights[i]! / total;
          // Six standard deviations, and one for the rare values.
          expect(Math.abs(count - draws * p)).toBeLessThan(6 * Math.sqrt(draws * p * (1 - p)) + 1);
        });
      }),
      20,
    );
  });
});

// Numbers of independent directions, by Gaussian elimination with full pivoting.
function rank(rows: Float32Array[]): number {
  const m = rows.map((row) => Array.from(row));
  let found = 0;
  for (let column = 0; column < LATENT; column++) {
    let best = found;
    for (let r = found; r < m.length; r++)
      if (Math.abs(m[r]![column]!) > Math.abs(m[best]![column]!)) best = r;
    if (found >= m.length || Math.abs(m[best]![column]!) < 1e-4) continue;
    [m[found], m[best]] = [m[best]!, m[found]!];
    for (let r = found + 1; r < m.length; r++) {
      const times = m[r]![column]! / m[found]![column]!;
      for (let j = column; j < LATENT; j++) m[r]![j]! -= times * m[found]![j]!;
    }
    found++;
  }
  return found;
}

describe("the planted truth", () => {
  test("gives each field vectors of exactly its intrinsic dim", () => {
    const log = new PlantedLog(defaultFields, defaultStrength, 3);
    for (const [f, field] of defaultFields.entries()) {
      const count = Math.min(field.values, 50);
      expect(rank(Array.from({ length: count }, (_, v) => log.vector(f, v)))).toBe(field.dim);
    }
  });

  test("meets the base rate; noise fields have no share, others do", () => {
    for (const baseRate of [0.05, 0.25, 0.6]) {
      const log = new PlantedLog(defaultFields, { ...defaultStrength, baseRate }, 5);
      let ones = 0;
      for (let i = 0; i < 20_000; i++) ones += log.next();
      expect(Math.abs(ones / 20_000 - baseRate)).toBeLessThan(0.02);
      for (const [f, { dim }] of defaultFields.entries()) {
        if (dim === 0) expect(log.varianceShare[f]).toBe(0);
        else expect(log.varianceShare[f]).toBeGreaterThan(0.01);
      }
    }
  });

  test("a field more leaves the vectors of the others as they were", () => {
    const extra: PlantedField = { name: "extra", values: 9, zipf: 0, importance: 1, dim: 2 };
    const [a, b] = [defaultFields, [...defaultFields, extra]].map(
      (f) => new PlantedLog(f, defaultStrength, 3),
    );
    expect(b!.vector(2, 7)).toEqual(a!.vector(2, 7));
  });
});

describe("a generated log", () => {
  const run = (folder: string, more: Partial<GenerateOptions> = {}) =>
    generate({ rows: 3000, seed: 1, out: join(folder, "log"), ...more });

  test("is the same bytes for a seed, other bytes for another, a prefix for fewer rows", async () => {
    const csv: string[] = [];
    for (const more of [{}, {}, { seed: 2 }, { rows: 500 }]) {
      const folder = freshFolder();
      await run(folder, more);
      expect(readdirSync(join(folder, "log")).sort()).toEqual(["log.csv", "schema.json", "truth.json"]);
      csv.push(readFileSync(join(folder, "log", "log.csv"), "utf8"));
    }
    expect(csv[1]).toBe(csv[0]!);
    expect(csv[2]).not.toBe(csv[0]!);
    expect(csv[0]!.startsWith(csv[3]!)).toBe(true);
    expect(csv[0]!.split("\n")[0]).toBe(
      "click,user,item,category,brand,city,device,hour,weekday,session,browser",
    );
  });

  test("says that it is synthetic, and so does the dataset made of it", async () => {
    const folder = freshFolder();
    const truth = await run(folder);
    expect(truth.synthetic).toBe(true);
    expect(parseTruth(JSON.parse(readFileSync(join(folder, "log", "truth.json"), "utf8")))).toEqual(truth);
    const out = join(folder, "set.trimtab");
    const manifest = await prepare(join(folder, "log"), { out });
    expect(manifest.synthetic).toBe(true);
    expect(parseTruth(JSON.parse(readFileSync(join(out, "truth.json"), "utf8")))).toEqual(truth);
    expect(manifest.splits.train.positives / manifest.splits.train.rows).toBeCloseTo(truth.clickRate, 1);
  });

  test("as Parquet holds the same rows as csv, and goes straight into a dataset folder", async () => {
    const folder = freshFolder();
    await run(folder);
    const csv = await prepare(join(folder, "log"), { out: join(folder, "a.trimtab"), seed: 1 });
    const { manifest, truth } = await generateDataset({
      rows: 3000,
      seed: 1,
      out: join(folder, "b.trimtab"),
    });
    expect(manifest.hash).toBe(csv.hash);
    expect(truth.ceilingAuc).toBeGreaterThan(0.8);
    expect(manifest.name).toBe("b");
    expect(readdirSync(folder).sort()).toEqual(["a.trimtab", "b.trimtab", "log"]);
    expect(statSync(join(folder, "b.trimtab", "truth.json")).size).toBeGreaterThan(100);
  });

  test("holds what was planted: an FM finds it, a linear model cannot, the planted dims suffice", async () => {
    const folder = freshFolder();
    const out = join(folder, "demo.trimtab");
    const { truth } = await generateDataset({ rows: 60_000, seed: 7, out });
    const dataset = await Dataset.open(out);
    const [train, test] = [await dataset.load("train"), await dataset.load("test")];
    const auc = (dims: number[]): number => trainFm(train, test, dataset.fields, dims, 4, 7);
    const linear = auc(dataset.fields.map(() => 0));
    const two = auc(dataset.fields.map(() => 2));
    const eight = auc(dataset.fields.map(() => 8));
    const planted = auc(truth.fields.map(({ dim }) => dim));
    expect(linear).toBeLessThan(0.68);
    expect(eight).toBeGreaterThan(0.73);
    expect(eight).toBeLessThan(truth.ceilingAuc);
    expect(eight).toBeGreaterThan(two + 0.015);
    expect(planted).toBeGreaterThan(eight - 0.01);
  }, 20_000);
});

describe("bad options of the generator", () => {
  const field: PlantedField = { name: "a", values: 9, zipf: 1, importance: 1, dim: 2 };
  const cases: [string, Partial<GenerateOptions>, RegExp][] = [
    ["no rows", { rows: 0 }, /rows is 0/],
    ["a negative seed", { seed: -1 }, /seed is -1/],
    ["a base rate of 1", { strength: { baseRate: 1 } }, /baseRate is 1/],
    ["one field", { fields: [field] }, /1 fields were given/],
    ["two of a name", { fields: [field, field] }, /field "a": two fields have this name/],
    [
      "a dim above the latent space",
      { fields: [field, { ...field, name: "b", dim: 9, values: 99 }] },
      /field "b": dim is 9/,
    ],
    [
      "a dim the values cannot fill",
      { fields: [field, { ...field, name: "b", dim: 8, values: 8 }] },
      /dim 8 needs more than 8/,
    ],
    [
      "importance without dim",
      { fields: [field, { ...field, name: "b", dim: 0 }] },
      /importance is 1 with dim 0/,
    ],
    ["a name that is no column", { fields: [field, { ...field, name: "b,c" }] }, /letters, digits and _/],
    [
      "noise alone",
      { fields: ["a", "b"].map((name) => ({ ...field, name, importance: 0, dim: 0 })) },
      /every field is noise/,
    ],
  ];
  for (const [what, options, message] of cases) {
    test(what, async () => {
      const folder = freshFolder();
      const error = await failure(generate({ rows: 10, seed: 1, out: join(folder, "log"), ...options }));
      expect(error).toBeInstanceOf(GenerateError);
      expect(error.message).toMatch(message);
      expect(readdirSync(folder)).toEqual([]);
    });
  }
  test("stopped half way, nothing is left", async () => {
    const folder = freshFolder();
    const stop = new AbortController();
    const out = join(folder, "x.trimtab");
    const error = await failure(
      generateDataset(
        { rows: 200_000, seed: 1, out, signal: stop.signal },
        ({ share }) => share > 0.3 && stop.abort(),
      ),
    );
    expect(error).toBeInstanceOf(StoppedError);
    expect(readdirSync(folder)).toEqual([]);
  });
  test("a truth.json that is none", () => {
    expect(() => parseTruth({ synthetic: false })).toThrow(GenerateError);
  });
});
