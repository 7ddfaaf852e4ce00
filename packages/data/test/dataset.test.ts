import { describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  Dataset,
  DatasetFolderError,
  IdRangeError,
  type Manifest,
  MissingFileError,
  openBatches,
} from "../src/index.ts";
import { hashOf } from "../src/manifest.ts";
import { sha256Of } from "../src/source/files.ts";
import { failure, freshFolder, prepared } from "./folders.ts";

const log = `y,u,g\n${Array.from({ length: 300 }, (_, i) => `${i % 2},u${i % 17},${i % 3 ? "a|b" : "c"}`).join("\n")}\n`;
const make = () =>
  prepared(log, { label: "y", user: "u", fields: [{ name: "u" }, { name: "g", kind: "multi" }] });

async function damaged(change: (folder: string, manifest: Manifest) => void): Promise<Error> {
  const { dataset } = await make();
  change(dataset.folder, structuredClone(dataset.manifest));
  return failure(Dataset.open(dataset.folder));
}

describe("a dataset folder", () => {
  test("opens, loads and feeds batches", async () => {
    const { dataset, train, manifest } = await make();
    expect(dataset.hash).toBe(manifest.hash);
    expect(dataset.manifest.synthetic).toBe(false);
    expect(train.rows).toBe(manifest.splits.train.rows);
    const tables = [{ name: "t", rows: dataset.fields[0]!.rows, fields: [{ field: 0, base: 0 }] }];
    let rows = 0;
    for await (const batch of openBatches(train, {
      fields: dataset.fields,
      tables,
      batch: 50,
      seed: 1,
      epoch: 0,
      shuffle: true,
      plans: true,
    })) {
      rows += batch.rows;
      batch.release();
    }
    expect(rows).toBe(train.rows);
  });

  test("tells in how many training rows each id occurs, as its rows say", async () => {
    const { dataset, train } = await make();
    const counts = await dataset.occurrences();
    for (const [f, { rows, slots }] of dataset.fields.entries()) {
      const plain = new Uint32Array(rows);
      for (const id of train.ids[f]!) if (id < rows) plain[id]!++;
      // nobody counted what a multi-valued field has out of vocabulary
      if (slots > 1) plain[0] = 0;
      expect(counts[f]).toEqual(plain);
    }
    expect(counts[0]!.some((count) => count > 10)).toBe(true);
  });

  test("gives one error for an unknown field's vocabulary", async () => {
    const { dataset } = await make();
    const error = await failure(dataset.vocabulary("gg"));
    expect(error.message).toMatch(/no field "gg"\. Did you mean "g"\?/);
  });
});

describe("a damaged folder is refused:", () => {
  test("not there", async () => {
    expect(await failure(Dataset.open(join(freshFolder(), "none")))).toBeInstanceOf(MissingFileError);
  });
  test("no manifest", async () => {
    const folder = join(freshFolder(), "half.trimtab");
    mkdirSync(folder);
    const error = await failure(Dataset.open(folder));
    expect(error).toBeInstanceOf(DatasetFolderError);
    expect(error.message).toMatch(/half\.trimtab: there is no manifest\.json.*never finished/);
  });
  test("a manifest cut short", async () => {
    const error = await damaged((folder) => writeFileSync(join(folder, "manifest.json"), '{"format": "trim'));
    expect(error.message).toMatch(/manifest\.json: the manifest is not JSON/);
  });
  test("another version", async () => {
    const error = await damaged((folder, manifest) =>
      writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, version: 2 })),
    );
    expect(error.message).toMatch(/version 2, this program reads version 1/);
  });
  test("an unknown key in the manifest", async () => {
    const error = await damaged((folder, manifest) =>
      writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, extra: 1 })),
    );
    expect(error.message).toMatch(/manifest is not valid.*extra/);
  });
  test("a manifest that was edited", async () => {
    const error = await damaged((folder, manifest) => {
      manifest.fields[0]!.rows++;
      writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    });
    expect(error.message).toMatch(/hash does not fit/);
  });
  test("a file missing", async () => {
    const error = await damaged((folder) => rmSync(join(folder, "valid.parquet")));
    expect(error.message).toMatch(/valid\.parquet: the manifest names this file, and it is not there/);
  });
  test("a file of another size", async () => {
    const error = await damaged((folder) => appendFileSync(join(folder, "test.parquet"), "x"));
    expect(error.message).toMatch(/test\.parquet: the file has \d+ bytes, the manifest says \d+/);
  });
  test("a byte flipped", async () => {
    const error = await damaged((folder) => {
      const file = join(folder, "train.parquet");
      const bytes = readFileSync(file);
      bytes[100]! ^= 1;
      writeFileSync(file, bytes);
    });
    expect(error.message).toMatch(/train\.parquet: the file's sha256 is not the manifest's/);
  });
});

describe("ids out of range", () => {
  // A folder that is consistent in every hash, but whose ids do not fit its tables.
  test("are refused on loading, with field, row and id", async () => {
    const { dataset } = await make();
    const { folder } = dataset;
    const file = join(folder, "valid.parquet");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const rows = dataset.manifest.splits.valid.rows;
    await connection.run(`CREATE TABLE t AS SELECT * FROM read_parquet('${file}')`);
    await connection.run("UPDATE t SET u = 99 WHERE rowid = 5");
    await connection.run(`COPY t TO '${file}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    const manifest = structuredClone(dataset.manifest);
    const entry = manifest.files.find((f) => f.file === "valid.parquet")!;
    entry.sha256 = await sha256Of(file);
    entry.bytes = readFileSync(file).byteLength;
    manifest.hash = hashOf(manifest);
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    const error = await failure((await Dataset.open(folder)).load("valid"));
    expect(error).toBeInstanceOf(IdRangeError);
    expect(error.message).toMatch(/field "u" has id 99 in row 5, but its table has 18 rows/);
    manifest.splits.valid.rows = rows + 1;
    manifest.hash = hashOf(manifest);
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
    expect((await failure((await Dataset.open(folder)).load("valid"))).message).toMatch(
      /fewer rows than the/,
    );
  });
});
