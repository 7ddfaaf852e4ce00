// Logs that are unusual and legal, and mistakes of schemas that DuckDB would put in its own words.
import { describe, expect, test } from "bun:test";
import { DataError, type LogSchemaInput, prepare, SchemaError, ValueError } from "../../src/index.ts";
import { failure, freshFolder, prepared, put } from "../folders.ts";

const split: LogSchemaInput["split"] = { by: "rows", counts: [4, 2, 2] };
const labels = [1, 0, 1, 0, 1, 0, 1, 0];
/** A log of eight rows, the label in front. */
const rows = (values: readonly string[]): string => labels.map((y, i) => `${y},${values[i]}`).join("\n");

describe("a CSV file", () => {
  test("with an index column that has no name, and names that differ in case alone", async () => {
    const lines = labels.map((y, i) => `${i},${y},${["p", "q"][i % 2]},${["x", "y", "z", "x"][i % 4]}`);
    const { train, manifest } = await prepared(`,y,u,U\n${lines.join("\n")}\n`, {
      label: "y",
      fields: [
        { name: "small", column: "u" },
        { name: "large", column: "U" },
      ],
      split,
    });
    expect(train.ids.map((ids) => [...ids])).toEqual([
      [1, 2, 1, 2],
      [1, 2, 3, 1],
    ]);
    const unused = manifest.warnings.find(({ code }) => code === "unused-columns");
    expect(unused!.message).toContain('no field uses: "".');
  });

  test("with blank lines before its header, and the lines of its errors", async () => {
    const log = `\n\ny,a\n${rows(["x", "y", "x", "y", "x", "y", "x", "y"])}\n`;
    const schema: LogSchemaInput = { label: "y", fields: [{ name: "a" }], split };
    const { train } = await prepared(log, schema);
    expect([...train.ids[0]!]).toEqual([1, 2, 1, 2]);
    const file = put(freshFolder(), "log.csv", log.replace("0,y\n", "2,y\n"));
    const error = await failure(prepare(file, { out: `${file}.out`, schema }));
    expect(error.message).toContain("line 5");
  });
});

test("a number that is extracted from a text is a number", async () => {
  const dates = ["y2001", "y2007", "y2012", "y2001", "y2007", "y2012", "y2001", "none"];
  const {
    train,
    test: last,
    manifest,
  } = await prepared(`y,d\n${rows(dates)}\n`, {
    label: "y",
    fields: [
      {
        name: "year",
        column: "d",
        kind: "numeric",
        extract: "y([0-9]{4})",
        buckets: { by: "edges", edges: [2005, 2010] },
      },
    ],
    split,
  });
  expect(manifest.fields[0]!.distinct).toBe(3);
  expect([...train.ids[0]!]).toEqual([1, 2, 3, 1]);
  // what does not match is missing
  expect([...last.ids[0]!]).toEqual([1, 0]);
});

test("log2 buckets leave what is missing missing", async () => {
  const { train, dataset, manifest } = await prepared(
    `y,n\n${rows(["5", "", "5", "-3", "5", "", "5", "5"])}\n`,
    { label: "y", fields: [{ name: "n", kind: "numeric", buckets: { by: "log2" } }], split },
  );
  expect(manifest.fields[0]!.missing).toEqual({ rule: "own", id: 2, train: 1 });
  expect([...train.ids[0]!]).toEqual([1, 2, 1, 3]);
  expect((await dataset.vocabulary("n"))[2]).toEqual({ id: 2, value: null, kind: "missing", count: 1 });
});

test("log2 buckets take numbers of any size", async () => {
  const { train } = await prepared(`y,n\n${rows(["-1e19", "-1e300", "1e300", "3", "3", "3", "3", "3"])}\n`, {
    label: "y",
    fields: [{ name: "n", kind: "numeric", buckets: { by: "log2" } }],
    split,
  });
  expect(new Set(train.ids[0]!.slice(0, 2)).size).toBe(1);
  expect(new Set(train.ids[0]!).size).toBe(3);
});

describe("libsvm", () => {
  const lines = labels.map((y, i) => `${y} ${(i % 3) + 1}:1`);
  const schema: LogSchemaInput = { label: "label", fields: [{ name: "f", position: 1 }], split };
  const of = (content: string, more: Partial<LogSchemaInput> = {}) =>
    prepared({ files: { "log.libsvm": content }, source: "log.libsvm" }, { ...schema, ...more });

  test("blank lines are no rows, and do not move the lines of errors", async () => {
    const plain = await of(`${lines.join("\n")}\n`);
    const blank = await of(`${lines.slice(0, 3).join("\n")}\n\n${lines.slice(3).join("\n")}\n\n`);
    expect([...blank.train.ids[0]!]).toEqual([...plain.train.ids[0]!]);
    const wrong = [lines[0], "", lines[1], "1 x"].join("\n");
    const error = await failure(of(wrong));
    expect(error.message).toContain("line 4");
  });

  test.each([
    [[{ name: "f" }], "needs either position or range"],
    [[{ name: "f", position: 1, range: [1, 2] }], "needs either position or range"],
    [[{ name: "label", position: 1 }], "called as the label"],
  ])("%j is refused, whether the format is named or known by the ending", async (fields, words) => {
    for (const format of [undefined, "libsvm" as const]) {
      const error = await failure(
        of(lines.join("\n"), { format, fields: fields as LogSchemaInput["fields"] }),
      );
      expect(error).toBeInstanceOf(SchemaError);
      expect(error.message).toContain(words);
    }
  });
});

describe("the rule that nothing may be missing", () => {
  test.each([
    [{ name: "a", extract: "v([0-9])" }, ["v1", "v2", "v1", "w", "v1", "v2", "v1", "v2"], 'value "w"'],
    [{ name: "a", kind: "multi" }, ["p|q", "p", "q", "p", "|", "p", "q", "p"], 'value "|"'],
    [{ name: "a", kind: "multi" }, ["p|q", "p", "q", "p", "NA", "p", "q", "p"], "has no value here"],
  ])("holds for %j", async (field, values, words) => {
    const error = await failure(
      prepared(`y,a\n${rows(values)}\n`, {
        label: "y",
        fields: [{ ...field, missing: "error" } as LogSchemaInput["fields"][number]],
        missing: { values: ["", "NA"] },
        split,
      }),
    );
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toContain(words);
  });
});

describe("a schema's mistake is told in our words", () => {
  const values = ["a1", "a2", "a1", "a2", "a1", "a2", "a1", "a2"];
  test.each([
    [
      {
        fields: [
          { name: "u", column: "a" },
          { name: "U", column: "a" },
        ],
      },
      "upper and lower case",
    ],
    [{ fields: [{ name: "a", extract: "([a-z" }] }, "extract cannot be read"],
    [{ fields: [{ name: "a", extract: "[a-z]" }] }, "has no group"],
    [{ fields: [{ name: "a" }], join: [{ file: "more.csv", on: "key" }] }, 'column "key"'],
  ])("%j", async (more, words) => {
    const files = { "log.csv": `y,a\n${rows(values)}\n`, "more.csv": "key,b\na1,1\na2,2\n" };
    const error = await failure(
      prepared({ files, source: "log.csv" }, { label: "y", split, ...more } as LogSchemaInput),
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error).toBeInstanceOf(SchemaError);
    expect(error.message).toContain(words);
  });

  test("a month of nanoseconds", async () => {
    const error = await failure(
      prepared(`y,t\n${rows(values.map(() => "1700000000000000000"))}\n`, {
        label: "y",
        fields: [{ name: "m", column: "t", derive: "month" }],
        split,
      }),
    );
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toContain("not a time");
  });

  test("what is nowhere in training is a warning", async () => {
    const { manifest } = await prepared(`y,a\n${rows(values)}\n`, {
      label: "y",
      fields: [{ name: "a", extract: "(z)" }],
      split,
    });
    expect(manifest.warnings.map(({ code }) => code)).toContain("empty-vocabulary");
  });
});
