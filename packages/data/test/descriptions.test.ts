// datasets/*.json say of each set what the recipes do with it.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { defaultFields, parseSchema, recipes } from "../src/index.ts";
import { sha256Of } from "../src/source/files.ts";

const folder = resolve(import.meta.dir, "../../../datasets");
const data = process.env.TRIMTAB_DATASETS ?? resolve(import.meta.dir, "../../../../shared/datasets");
const description = z.strictObject({
  name: z.string(),
  synthetic: z.boolean(),
  recipe: z.string().optional(),
  title: z.string(),
  about: z.string(),
  source: z.string(),
  licence: z.string(),
  files: z
    .array(
      z.strictObject({
        file: z.string(),
        bytes: z.int(),
        sha256: z.string().length(64),
        rows: z.int().optional(),
      }),
    )
    .optional(),
  label: z.string(),
  user: z.string().optional(),
  fields: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(["categorical", "numeric", "multi"]),
      about: z.string(),
    }),
  ),
  split: z.string(),
  caveats: z.array(z.string()),
});
const read = (name: string) =>
  description.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")));

describe("descriptions", () => {
  test("hold no data, only descriptions", () => {
    expect(readdirSync(folder).filter((file) => !/\.(json|md)$/.test(file))).toEqual([]);
    const names = readdirSync(folder).filter((file) => file.endsWith(".json"));
    expect(names.sort()).toEqual([...recipes.map((r) => `${r.name}.json`), "planted.json"].sort());
  });

  for (const { name, files, schema } of recipes) {
    test(`${name} agrees with its recipe`, () => {
      const described = read(name);
      const parsed = parseSchema(schema);
      expect(described.recipe).toBe(name);
      expect(described.synthetic).toBe(false);
      expect(described.files!.map((f) => f.file).sort()).toEqual([...files].sort());
      expect(described.user).toBe(parsed.user);
      if (name !== "criteo-80k") {
        expect(described.fields.map((f) => [f.name, f.kind])).toEqual(
          parsed.fields.map((f) => [f.name, f.kind]),
        );
      }
    });
    if (!existsSync(join(data, name))) {
      console.log(`skipped: the files of ${name} are not in ${data} (set TRIMTAB_DATASETS)`);
      continue;
    }
    test(`${name} has the sums of the files at hand`, async () => {
      for (const { file, sha256 } of read(name).files!)
        expect(await sha256Of(join(data, name, file))).toBe(sha256);
    });
  }

  test("planted agrees with the generator", () => {
    const described = read("planted");
    expect(described.synthetic).toBe(true);
    expect(described.fields.map((f) => [f.name, f.about])).toEqual(
      defaultFields.map(({ name, values, zipf, importance, dim }) => [
        name,
        `${values} values, Zipf exponent ${zipf}, importance ${importance}, intrinsic dim ${dim}`,
      ]),
    );
  });
});
