// A log whose popular values change over time: the law of one field, and what the log and its dataset hold.
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { DriftingZipf } from "../../src/generate/zipf.ts";
import {
  defaultFields,
  fieldsOfSize,
  GenerateError,
  type GenerateOptions,
  generate,
  generateDataset,
  type PlantedField,
  parseTruth,
  prepare,
  Random,
} from "../../src/index.ts";
import { failure, freshFolder } from "../folders.ts";

describe("drifting popularity of a field", () => {
  const anyDrift = fc.double({ min: 0.01, max: 20, noNaN: true });

  test("law: values are in range, and none lives longer than its rank's step and the handing on", () => {
    law(
      fc.property(
        fc.integer({ min: 1000, max: 5000 }),
        fc.constantFrom(0, 0.8, 1.2),
        anyDrift,
        fc.nat(),
        (n, s, drift, seed) => {
          const zipf = new DriftingZipf(n, s, drift, new Random(seed));
          const random = new Random(seed, 1);
          const first = new Map<number, number>();
          for (let i = 0; i < 5000; i++) {
            const time = i / 5000;
            const value = zipf.draw(random, time);
            expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
            if (!first.has(value)) first.set(value, time);
            expect(time - first.get(value)!).toBeLessThanOrEqual((1 + Math.min(1, drift) / 2) / drift);
          }
          // each rank needs a value to begin with, and one each time it is handed on
          expect(zipf.ranks).toBeLessThanOrEqual(n);
          expect(zipf.ranks * (2.1 + drift)).toBeGreaterThan(n * 0.8);
        },
      ),
      30,
    );
  });

  test("at every moment the ranks follow Zipf's law, whatever values they have", () => {
    const n = 2000;
    const zipf = new DriftingZipf(n, 1, 2, new Random(4));
    const total = Array.from({ length: zipf.ranks }, (_, r) => 1 / (r + 1)).reduce((a, b) => a + b);
    for (const time of [0, 0.31, 0.77, 0.999]) {
      const counts = new Uint32Array(n);
      const random = new Random(9);
      const draws = 50_000;
      for (let i = 0; i < draws; i++) counts[zipf.draw(random, time)]!++;
      // a rank is held by one value, or by two of which one takes over
      const live = counts.filter((c) => c > 0).length;
      expect(live).toBeLessThanOrEqual(2 * zipf.ranks);
      // rank 0 has the first values of all: two drifts and a half are four at most
      const p = 1 / total;
      const held = counts.subarray(0, 4).reduce((a, b) => a + b, 0);
      const next = counts.subarray(4, 8).reduce((a, b) => a + b, 0);
      const six = 6 * Math.sqrt(draws * p * (1 - p));
      expect(held).toBeGreaterThan(draws * p - six);
      expect(held + next).toBeLessThan(draws * p * (1 + 1 / 2 + 1 / 3) + six);
    }
  });

  test("with a drift of two no common value of the beginning is left at the end; with little drift most are", () => {
    const common = (drift: number, time: number): Set<number> => {
      const zipf = new DriftingZipf(3000, 0.8, drift, new Random(2));
      const random = new Random(5);
      const counts = new Map<number, number>();
      for (let i = 0; i < 20_000; i++) {
        const value = zipf.draw(random, time);
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      const sorted = [...counts].sort((a, b) => b[1] - a[1]);
      return new Set(sorted.slice(0, 50).map(([value]) => value));
    };
    const shared = (drift: number) => common(drift, 0).intersection(common(drift, 0.99)).size;
    expect(shared(2)).toBe(0);
    expect(shared(0.1)).toBeGreaterThan(35);
    expect(shared(0.6)).toBeLessThan(shared(0.1));
  });
});

describe("a log that drifts", () => {
  const run = (folder: string, more: Partial<GenerateOptions> = {}) =>
    generate({ rows: 4000, seed: 1, out: join(folder, "log"), ...more });
  const csv = (folder: string) => readFileSync(join(folder, "log", "log.csv"), "utf8");
  const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

  test("with a drift of 0 is the log of before, byte for byte", async () => {
    for (const more of [{}, { drift: 0 }]) {
      const folder = freshFolder();
      await run(folder, { rows: 500, seed: 2, ...more });
      // as written by the generator that had no drift
      expect(sha256(csv(folder))).toBe("bfb00cd58cf373670387ef78dd2009bec89f95118c27b22ef0385b9395bed4fb");
      const schema = readFileSync(join(folder, "log", "schema.json"), "utf8");
      expect(sha256(schema)).toBe("f026ab7f1cfe3064a230041311d32a4e358baeba7e74d8b21c4af3f4a1883cdb");
      expect(readFileSync(join(folder, "log", "truth.json"), "utf8")).not.toContain("drift");
    }
  });

  test("is the same for a seed, another for another seed or drift; csv and Parquet make one dataset", async () => {
    const made: string[] = [];
    for (const more of [{}, {}, { seed: 2 }, { drift: 1.1 }, { format: "parquet" as const }]) {
      const folder = freshFolder();
      await run(folder, { drift: 1, ...more });
      if (more.format) {
        const { hash } = await prepare(join(folder, "log"), { out: join(folder, "p.trimtab") });
        made.push(hash);
      } else made.push(csv(folder));
    }
    expect(made[1]).toBe(made[0]!);
    expect(made[2]).not.toBe(made[0]!);
    expect(made[3]).not.toBe(made[0]!);
    const folder = freshFolder();
    await run(folder, { drift: 1 });
    expect((await prepare(join(folder, "log"), { out: join(folder, "c.trimtab") })).hash).toBe(made[4]!);
  });

  test("is in time order and split by time; its truth says how fast it drifts; the dataset is labelled synthetic", async () => {
    const folder = freshFolder();
    const truth = await run(folder, { drift: 1.5, features: 20_000 });
    expect(truth.drift).toBe(1.5);
    expect(parseTruth(JSON.parse(readFileSync(join(folder, "log", "truth.json"), "utf8")))).toEqual(truth);
    expect(truth.fields.reduce((n, f) => n + f.values, 0)).toBe(20_000);
    expect(truth.ceilingAuc).toBeGreaterThan(0.8);
    const [head, ...lines] = csv(folder).trimEnd().split("\n");
    expect(head!.startsWith("click,time,user,")).toBe(true);
    const times = lines.map((line) => Number(line.split(",")[1]));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(29.9 * 86_400);
    const manifest = await prepare(join(folder, "log"), { out: join(folder, "d.trimtab") });
    expect(manifest.synthetic).toBe(true);
    expect(manifest.split.by).toBe("time");
    expect([manifest.splits.train.rows, manifest.splits.valid.rows, manifest.splits.test.rows]).toEqual([
      3200, 400, 400,
    ]);
    expect(manifest.fields.map(({ name }) => name)).toEqual(defaultFields.map(({ name }) => name));
  });

  test("the share of test ids unseen in training grows with the drift; small fields have none", async () => {
    for (const seed of [1, 2]) {
      const shares: number[] = [];
      for (const drift of [0, 0.3, 1, 3]) {
        const out = join(freshFolder(), "d.trimtab");
        const shared: [number, number, number] = [0.8, 0.1, 0.1];
        const { manifest } = await generateDataset({
          rows: 12_000,
          seed,
          out,
          drift,
          features: 6000,
          split: { by: "rows", shares: shared },
        });
        const unseen = (name: string) => manifest.fields.find((f) => f.name === name)!.outOfVocabulary.test;
        shares.push(unseen("user"));
        for (const small of ["weekday", "hour", "device", "browser"]) expect(unseen(small)).toBe(0);
      }
      for (let i = 1; i < shares.length; i++) expect(shares[i]!).toBeGreaterThan(shares[i - 1]! + 0.01);
    }
  }, 60_000);
});

describe("fields of any size", () => {
  test("law: as many values as asked for, small fields and proportions as they were", () => {
    law(
      fc.property(fc.integer({ min: 1000, max: 1 << 24 }), (features) => {
        const sized = fieldsOfSize(defaultFields, features);
        expect(sized.reduce((n, f) => n + f.values, 0)).toBe(features);
        sized.forEach((field, i) => {
          const { values, ...rest } = defaultFields[i]!;
          expect(field).toMatchObject(rest);
          if (values < 1000) expect(field.values).toBe(values);
          else expect(Math.abs(field.values - ((features - 533) * values) / 9200)).toBeLessThanOrEqual(1);
        });
      }),
    );
    expect(fieldsOfSize(defaultFields, 9733)).toEqual([...defaultFields]);
    const small: PlantedField[] = ["a", "b"].map((name, i) => ({
      name,
      values: 20 + i,
      zipf: 1,
      importance: 1,
      dim: 2,
    }));
    expect(fieldsOfSize(small, 1000).map(({ values }) => values)).toEqual([20, 980]);
  });
});

describe("bad options", () => {
  const cases: [string, Partial<GenerateOptions>, RegExp][] = [
    ["a negative drift", { drift: -1 }, /drift is -1.*from 0 to 100/],
    ["no number", { drift: Number.NaN }, /drift is NaN/],
    ["more drift than values", { drift: 101 }, /drift is 101/],
    ["fewer features than the small fields have", { features: 500 }, /features is 500.*from 560 up/],
    ["half a feature", { features: 5000.5 }, /features is 5000.5/],
    [
      "a field of the time's name",
      { drift: 1, fields: [...defaultFields, { name: "time", values: 5, zipf: 0, importance: 0, dim: 0 }] },
      /field "time"/,
    ],
  ];
  test.each(cases)("%s", async (_, options, message) => {
    const folder = freshFolder();
    const error = await failure(generate({ rows: 10, seed: 1, out: join(folder, "log"), ...options }));
    expect(error).toBeInstanceOf(GenerateError);
    expect(error.message).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });
});
