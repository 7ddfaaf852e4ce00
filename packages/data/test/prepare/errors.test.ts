import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  BrokenRowError,
  DataError,
  EmptyFileError,
  EmptySplitError,
  LabelError,
  type LogSchemaInput,
  MissingFileError,
  OneClassError,
  OutputExistsError,
  type PrepareOptions,
  prepare,
  ResourceError,
  SchemaError,
  StoppedError,
  UnknownSourceError,
  ValueError,
} from "../../src/index.ts";
import { failure, freshFolder, put } from "../folders.ts";

const schema: LogSchemaInput = {
  label: "y",
  fields: [{ name: "a" }, { name: "n", kind: "numeric" }],
};
const good = ["1,x,1", "0,y,2", "1,x,3", "0,y,4", "1,x,5", "0,y,6", "1,x,7", "0,y,8"];
const text = (rows: string[]): string => `y,a,n\n${rows.join("\n")}\n`;
const split: LogSchemaInput["split"] = { by: "rows", counts: [4, 2, 2] };

/** Prepares and expects this error; whatever it is, nothing may be left in the folder. */
async function refuses(
  content: string | Uint8Array | null,
  kind: new (...args: never[]) => DataError,
  message: RegExp,
  more: { schema?: unknown; file?: string; options?: Partial<PrepareOptions> } = {},
): Promise<DataError> {
  const folder = freshFolder();
  const file = more.file ?? "log.csv";
  if (content !== null) put(folder, file, content);
  const before = readdirSync(folder);
  const error = await failure(
    prepare(join(folder, file), {
      out: join(folder, "set.trimtab"),
      schema: (more.schema ?? { ...schema, split }) as LogSchemaInput,
      ...more.options,
    }),
  );
  expect(error).toBeInstanceOf(kind);
  expect(error).toBeInstanceOf(DataError);
  expect(error.name).toBe(kind.name);
  expect(error.message).toMatch(message);
  expect(error.message).not.toMatch(/undefined|\[object/);
  expect(readdirSync(folder)).toEqual(before);
  return error as DataError;
}

const swap = (at: number, row: string): string => text(good.map((old, i) => (i === at ? row : old)));

describe("a file", () => {
  test("that is not there", () =>
    refuses(null, MissingFileError, /log\.csv: there is no such file or folder/));
  test("that is empty", () => refuses("", EmptyFileError, /log\.csv: the file is empty/));
  test("with a header only", () => refuses("y,a,n\n", EmptyFileError, /header but no rows/));
  test("of blank lines only", () => refuses("\n\n\n", EmptyFileError, /no lines/));
  test("that is no Parquet", () =>
    refuses("hello", BrokenRowError, /cannot be read as Parquet/, { file: "log.parquet" }));
  test("that is not gzip", async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "log.csv.gz"), text(good));
    const error = await failure(
      prepare(join(folder, "log.csv.gz"), { out: join(folder, "x.trimtab"), schema }),
    );
    expect(error).toBeInstanceOf(BrokenRowError);
    expect(error.message).toMatch(/cannot be decompressed.*Fetch it again/);
  });
  test("of an unknown kind", () => refuses("x", SchemaError, /format.*not plain/, { file: "log.bin" }));
});

describe("a broken row names file and line", () => {
  test("too few columns", async () => {
    const error = await refuses(
      swap(2, "1,x"),
      BrokenRowError,
      /log\.csv, line 4, value "1,x": the row has 2 columns, expected 3/,
    );
    expect(error.place).toMatchObject({ line: 4 });
    expect(error.mend).toMatch(/Mend or remove the row/);
  });
  test("too many columns", () =>
    refuses(
      swap(3, "0,y,4,5"),
      BrokenRowError,
      /line 5, value "0,y,4,5": the row has 4 columns, expected 3/,
    ));
  test("in a compressed file", () =>
    refuses(swap(5, "0"), BrokenRowError, /line 7, value "0": the row has 1 columns, expected 3/, {
      file: "log.csv.gz",
    }));
  test("an open quote", () => refuses(swap(7, '0,"y,8'), BrokenRowError, /line 9.*quote that is not closed/));
  test("bytes that are not UTF-8", () => {
    const bytes = Buffer.from(text(good));
    bytes[bytes.indexOf("x,3")] = 0xff;
    return refuses(bytes, BrokenRowError, /line 4.*nvalid unicode/);
  });
  test("a libsvm line that is not one", () =>
    refuses("1 3:1\n0 4:1\n1 3=1\n", BrokenRowError, /line 3: the line is not a libsvm line/, {
      file: "log.libsvm",
      schema: { format: "libsvm", label: "label", fields: [{ name: "f", position: 1 }] },
    }));
});

describe("a bad value names file, line, column and value", () => {
  test("a label that is neither 0 nor 1", async () => {
    const error = await refuses(
      swap(4, "2,x,5"),
      LabelError,
      /log\.csv, line 6, column "y", value "2": the label is neither 0 nor 1\. .*rule/,
    );
    expect(error.place).toMatchObject({ line: 6, column: "y", value: "2" });
  });
  test("a label that is text, NaN or missing", async () => {
    await refuses(swap(0, "yes,x,1"), LabelError, /line 2, column "y", value "yes"/);
    await refuses(swap(0, "nan,x,1"), LabelError, /line 2, column "y", value "nan"/);
    await refuses(swap(1, ",x,1"), LabelError, /line 3, column "y": the label is missing/);
  });
  test("a label the rule cannot compare", () =>
    refuses(
      swap(1, "many,x,1"),
      LabelError,
      /value "many": the label is not a number, and the rule is "y > 0"/,
      {
        schema: { ...schema, label: "y > 0", split },
      },
    ));
  test("NaN, infinity and text in a numeric field", async () => {
    await refuses(
      swap(2, "1,x,nan"),
      ValueError,
      /line 4, column "n", value "nan".*not a finite number.*missing\.values/,
    );
    await refuses(swap(2, "1,x,inf"), ValueError, /value "inf"/);
    await refuses(swap(2, "1,x,three"), ValueError, /value "three"/);
  });
  test("the line is right after blank lines and values with newlines", () =>
    refuses(`y,a,n\n1,"x\nx",1\n\n\n0,y,2\n7,x,3\n`, LabelError, /line 7, column "y", value "7"/));
  test("the line is right after quotes that are part of a value", () =>
    refuses(`y,a,n\n1,5" disc,1\n0,y,2\n7,x,3\n`, LabelError, /line 4, column "y", value "7"/, {
      schema: { ...schema, split },
    }));
  test("a Parquet file has rows, not lines", async () => {
    const folder = freshFolder();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(
      `COPY (SELECT range % 3 AS y, range AS n FROM range(9)) TO '${join(folder, "log.parquet")}' (FORMAT parquet)`,
    );
    connection.closeSync();
    instance.closeSync();
    const schema: LogSchemaInput = { label: "y", fields: [{ name: "n" }] };
    const error = await failure(
      prepare(join(folder, "log.parquet"), { out: join(folder, "x.trimtab"), schema }),
    );
    expect(error.message).toMatch(/log\.parquet, row 3, column "y", value "2"/);
  });
  test("the line is right in the second file", async () => {
    const folder = freshFolder();
    put(folder, "a.csv", text(good));
    put(folder, "b.csv", text(good));
    put(folder, "c.csv", swap(5, "9,y,6"));
    const error = await failure(
      prepare(folder, {
        out: join(folder, "x.trimtab"),
        schema: { ...schema, files: { train: "a.csv", valid: "b.csv", test: "c.csv" } },
      }),
    );
    expect(error.message).toMatch(/c\.csv, line 7, column "y", value "9"/);
  });
  test("a missing value where the rule is error", () =>
    refuses(swap(6, "1,,7"), ValueError, /line 8, column "a": field "a" has no value here/, {
      schema: { ...schema, missing: { rule: "error" }, split },
    }));
  test("a missing user", () =>
    refuses(swap(6, "1,,7"), ValueError, /line 8, column "a": the user is missing/, {
      schema: { ...schema, user: "a", split },
    }));
  test("a time that is none", async () => {
    await refuses(
      text(good),
      ValueError,
      /line 2, column "a", value "x": the split is by time, and the value is not a time/,
      {
        schema: { ...schema, time: "a", split: { by: "time" } },
      },
    );
    await refuses(text(good), ValueError, /column "a", value "x": the value is not a time/, {
      schema: { label: "y", fields: [{ name: "h", column: "a", derive: "hour" }], split },
    });
  });
  test("a key that occurs twice in a joined file", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    put(folder, "items.csv", "a,price\nx,1\ny,2\nx,3\n");
    const error = await failure(
      prepare(join(folder, "log.csv"), {
        out: join(folder, "s.trimtab"),
        schema: { label: "y", join: [{ file: "items.csv", on: "a" }], fields: [{ name: "price" }], split },
      }),
    );
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toMatch(
      /items\.csv, line 4, column "a", value "x": the key of a join occurs twice/,
    );
  });
});

describe("splits that cannot be", () => {
  test("without rows", () =>
    refuses(text(good), EmptySplitError, /leaves (valid|test) without rows/, {
      schema: { ...schema, split: { by: "hash", column: "a", shares: [0.98, 0.01, 0.01] } },
    }));
  test("with counts that do not sum to the rows", () =>
    refuses(text(good), EmptySplitError, /sum to 9, but the log has 8 rows/, {
      schema: { ...schema, split: { by: "rows", counts: [5, 2, 2] } },
    }));
  test("by a time that stands still", () =>
    refuses(text(good.map((r) => r.replace(/\d$/, "5"))), EmptySplitError, /share one time/, {
      schema: { ...schema, time: "n", split: { by: "time" } },
    }));
  test("with labels of one class, named by split", async () => {
    await refuses(text(good.map((r) => `1${r.slice(1)}`)), OneClassError, /all 4 labels of train are 1/);
    await refuses(swap(5, "1,y,6"), OneClassError, /all 2 labels of valid are 1/);
  });
});

describe("a schema", () => {
  const withSchema = (bad: unknown, message: RegExp) =>
    refuses(text(good), SchemaError, message, { schema: bad });
  test("with an unknown key", async () => {
    await withSchema({ ...schema, lable: "y" }, /unknown key "lable"\. Did you mean "label"\?/);
    await withSchema(
      { ...schema, fields: [{ name: "a" }, { name: "n", minCuont: 3 }] },
      /unknown key "minCuont" in fields\[1\]\. Did you mean "minCount"\?/,
    );
  });
  test("with an unknown column", () =>
    withSchema(
      { label: "y", fields: [{ name: "aa" }] },
      /column "aa": field "aa" needs a column that is not in the file\. Did you mean "a"\? The file has: y, a, n/,
    ));
  test("with a label column that is not there", () =>
    withSchema({ ...schema, label: "click" }, /column "click": the label needs/));
  test("with an unknown kind", () =>
    withSchema({ label: "y", fields: [{ name: "a", kind: "dense" }] }, /fields\[0\]\.kind/));
  test("without fields", () => withSchema({ label: "y", fields: [] }, /fields/));
  test("with shares that do not sum to 1", () =>
    withSchema({ ...schema, split: { by: "random", shares: [0.5, 0.2, 0.2] } }, /split\.shares.*sum to 1/));
  test("with an unknown split", () => withSchema({ ...schema, split: { by: "luck" } }, /split\.by/));
  test("with a label rule that cannot be read", () =>
    withSchema({ ...schema, label: "y > many" }, /label rule "y > many"/));
  test("with two fields of one name", () =>
    withSchema({ label: "y", fields: [{ name: "a" }, { name: "a" }] }, /two fields are named "a"/));
  test("with buckets on a category", () =>
    withSchema(
      { label: "y", fields: [{ name: "a", buckets: { by: "log2" } }] },
      /only numeric fields have buckets/,
    ));
  test("with edges that fall", () =>
    withSchema(
      { label: "y", fields: [{ name: "n", kind: "numeric", buckets: { by: "edges", edges: [2, 1] } }] },
      /must ascend/,
    ));
  test("with a split by time but no time", () =>
    withSchema({ ...schema, split: { by: "time" } }, /no time column is named/));
  test("with files that lack valid", () =>
    withSchema({ ...schema, files: { train: "log.csv", test: "log.csv" } }, /no file for valid/));
  test("for a header that names a column twice", () =>
    refuses("y,a,a\n1,2,3\n", SchemaError, /column "a": the header names this column twice/));
  test("file that is not there, or not JSON", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    const broken = put(folder, "s.json", "{");
    const run = (file: string) =>
      failure(prepare(join(folder, "log.csv"), { out: join(folder, "x.trimtab"), schema: file }));
    expect(await run(join(folder, "none.json"))).toBeInstanceOf(MissingFileError);
    const error = await run(broken);
    expect(error).toBeInstanceOf(SchemaError);
    expect(error.message).toMatch(/s\.json: is not JSON/);
  });
  test("that is not given, for a folder nobody knows", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    const error = await failure(prepare(folder, { out: join(folder, "x.trimtab") }));
    expect(error).toBeInstanceOf(UnknownSourceError);
    expect(error.message).toMatch(/schema\.json.*frappe-x1/);
    const recipe = await failure(prepare(folder, { out: join(folder, "x.trimtab"), recipe: "netflix" }));
    expect(recipe.message).toMatch(/no recipe "netflix".*criteo-80k/);
  });
  test("beside the file is found", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    put(folder, "schema.json", JSON.stringify({ ...schema, split }));
    const manifest = await prepare(folder, { out: join(folder, "x.trimtab") });
    expect(manifest.splits.train.rows).toBe(4);
  });
  test("with options out of range", async () => {
    await refuses(text(good), SchemaError, /minCount is 0/, { options: { minCount: 0 } });
    await refuses(text(good), SchemaError, /seed is -1/, { options: { seed: -1 } });
  });
});

describe("the output", () => {
  const run = (folder: string, more: Partial<PrepareOptions> = {}) =>
    prepare(join(folder, "log.csv"), {
      out: join(folder, "x.trimtab"),
      schema: { ...schema, split },
      ...more,
    });

  test("that is there is kept, unless overwriting is asked for", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    const first = await run(folder);
    const error = await failure(run(folder));
    expect(error).toBeInstanceOf(OutputExistsError);
    put(folder, "log.csv", swap(0, "1,z,1"));
    const second = await run(folder, { overwrite: true });
    expect(second.hash).not.toBe(first.hash);
    expect(readdirSync(folder).sort()).toEqual(["log.csv", "x.trimtab"]);
  });
  test("survives a failed overwrite untouched", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    await run(folder);
    const before = readFileSync(join(folder, "x.trimtab", "manifest.json"), "utf8");
    put(folder, "log.csv", swap(0, "5,z,1"));
    expect(await failure(run(folder, { overwrite: true }))).toBeInstanceOf(LabelError);
    expect(readFileSync(join(folder, "x.trimtab", "manifest.json"), "utf8")).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(["log.csv", "x.trimtab"]);
  });
  test("is never replaced when it is not ours", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    const precious = put(folder, "x.trimtab", "a letter");
    const error = await failure(run(folder, { overwrite: true }));
    expect(error).toBeInstanceOf(OutputExistsError);
    expect(error.message).toMatch(/not ours to replace/);
    expect(readFileSync(precious, "utf8")).toBe("a letter");
  });
  test("without memory is one clear error", async () => {
    const folder = freshFolder();
    const rows = Array.from({ length: 60_000 }, (_, i) => `${i % 2},user number ${i} of many,${i}`);
    put(folder, "log.csv", text(rows));
    const error = await failure(run(folder, { memoryLimit: "2MB", schema }));
    expect(error).toBeInstanceOf(ResourceError);
    expect(error.message).toMatch(/out of memory.*memoryLimit/);
    expect(readdirSync(folder)).toEqual(["log.csv"]);
  });
  test("stopped by a signal leaves nothing", async () => {
    const folder = freshFolder();
    put(folder, "log.csv", text(good));
    const stop = new AbortController();
    const error = await failure(
      prepare(
        join(folder, "log.csv"),
        { out: join(folder, "x.trimtab"), schema: { ...schema, split }, signal: stop.signal },
        ({ phase }) => phase === "vocabulary" && stop.abort(),
      ),
    );
    expect(error).toBeInstanceOf(StoppedError);
    expect(existsSync(join(folder, "x.trimtab"))).toBe(false);
    expect(readdirSync(folder)).toEqual(["log.csv"]);
  });
});
