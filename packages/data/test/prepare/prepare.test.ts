import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type LogSchemaInput, PAD, prepare } from "../../src/index.ts";
import { freshFolder, prepared, put } from "../folders.ts";

// Rows in order: the first `train` rows train, then one of each label for valid and for test.
const rowsSplit = (train: number, valid = 2, test = 2): LogSchemaInput["split"] => ({
  by: "rows",
  counts: [train, valid, test],
});

const simple: LogSchemaInput = { label: "y", fields: [{ name: "a" }, { name: "b" }] };
const log = (rows: string[]): string => `y,a,b\n${rows.join("\n")}\n`;

describe("vocabularies", () => {
  test("come from training alone, commonest first, ties by value, rare values to row 0", async () => {
    const rows = ["1,x,p", "0,x,q", "1,y,p", "0,y,q", "1,z,r", "0,x,p", "1,new,p", "0,y,r", "1,z,p", "0,x,q"];
    const { train, valid, test, dataset, manifest } = await prepared(log(rows), {
      ...simple,
      fields: [{ name: "a", minCount: 2 }, { name: "b" }],
      split: rowsSplit(6),
    });
    expect(dataset.fields).toEqual([
      { name: "a", kind: "categorical", rows: 3, slots: 1 },
      { name: "b", kind: "categorical", rows: 4, slots: 1 },
    ]);
    expect([...train.labels]).toEqual([1, 0, 1, 0, 1, 0]);
    expect([...train.ids[0]!]).toEqual([1, 1, 2, 2, 0, 1]);
    expect([...train.ids[1]!]).toEqual([1, 2, 1, 2, 3, 1]);
    // "new" was never in training, and z was too rare there.
    expect([...valid.ids[0]!]).toEqual([0, 2]);
    expect([...test.ids[0]!]).toEqual([0, 1]);
    expect(await dataset.vocabulary("a")).toEqual([
      { id: 0, value: null, kind: "oov", count: 1 },
      { id: 1, value: "x", kind: "value", count: 3 },
      { id: 2, value: "y", kind: "value", count: 2 },
    ]);
    expect(manifest.fields[0]!.distinct).toBe(3);
    expect(manifest.fields[0]!.outOfVocabulary).toEqual({ train: 1 / 6, valid: 0.5, test: 0.5 });
    expect(train.ids[0]!.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test("missing values get a row of their own, or row 0, by rule", async () => {
    const rows = ["1,,", "0,x,NA", "1,,q", "0,x,q", "1,x,", "0,,q", "1,,q", "0,x,"];
    const { train, dataset, manifest } = await prepared(log(rows), {
      ...simple,
      fields: [{ name: "a" }, { name: "b", missing: "oov" }],
      missing: { values: ["", "NA"] },
      split: rowsSplit(4),
    });
    expect([...train.ids[0]!]).toEqual([1, 2, 1, 2]);
    expect((await dataset.vocabulary("a"))[1]).toEqual({ id: 1, value: null, kind: "missing", count: 2 });
    expect([...train.ids[1]!]).toEqual([0, 0, 1, 1]);
    expect(manifest.fields.map((f) => f.missing)).toEqual([
      { rule: "own", id: 1, train: 2 },
      { rule: "oov", train: 2 },
    ]);
  });

  test("a missing value that was too rare in training shares row 0", async () => {
    const rows = ["1,,p", "0,x,p", "1,x,q", "0,x,q", "1,x,p", "0,,q", "1,,q", "0,x,p"];
    const { train, manifest } = await prepared(log(rows), { ...simple, minCount: 2, split: rowsSplit(4) });
    expect([...train.ids[0]!]).toEqual([0, 1, 1, 1]);
    expect(manifest.fields[0]!.missing).toEqual({ rule: "own", train: 1 });
  });

  test("minCount of the call wins over schema and field", async () => {
    const rows = ["1,x,p", "0,x,q", "1,y,p", "0,x,q", "1,x,p", "0,y,q", "1,x,p", "0,y,q"];
    const { train } = await prepared(
      log(rows),
      { ...simple, minCount: 1, split: rowsSplit(4) },
      { minCount: 3 },
    );
    expect([...train.ids[0]!]).toEqual([1, 1, 0, 1]);
    expect([...train.ids[1]!]).toEqual([0, 0, 0, 0]);
  });
});

describe("numeric fields", () => {
  const values = async (buckets: object, column: string[]): Promise<(string | null)[]> => {
    const rows = column.map((v, i) => `${i % 2},${v},p`);
    const { train, dataset } = await prepared(log([...rows, "1,1,p", "0,1,p", "1,1,p", "0,1,p"]), {
      ...simple,
      fields: [{ name: "a", kind: "numeric", buckets: buckets as never }],
      ignore: ["b"],
      split: rowsSplit(column.length),
    });
    const names = await dataset.vocabulary("a");
    return Array.from(train.ids[0]!, (id) => names[id]!.value);
  };

  test("log2: floor(ln(v)^2) above 2, else v - 2, missing apart", async () => {
    expect(await values({ by: "log2" }, ["0", "1", "2", "3", "10", "1000", "-3", "", "2.5"])).toEqual([
      "-2",
      "-1",
      "0",
      "1",
      "5",
      "47",
      "-5",
      null,
      "0",
    ]);
    expect(Math.floor(Math.log(1000) ** 2)).toBe(47);
  });

  test("edges: bucket k holds edges[k-1] < v <= edges[k]", async () => {
    expect(
      await values({ by: "edges", edges: [0, 0.1, 5] }, ["-1", "0", "0.1", "0.2", "5", "6", ""]),
    ).toEqual(["0", "0", "1", "2", "2", "3", null]);
  });

  test("quantiles: equal shares of training rows, one bucket for a value that fills several", async () => {
    const twenty = Array.from({ length: 20 }, (_, i) => String(i + 1));
    const four = await values({ by: "quantiles", count: 4 }, twenty);
    expect(four).toEqual([0, 1, 2, 3].flatMap((k) => new Array(5).fill(String(k))));
    const heavy = await values({ by: "quantiles", count: 4 }, [
      ...new Array(15).fill("7"),
      "8",
      "9",
      "10",
      "11",
      "12",
    ]);
    expect(new Set(heavy.slice(0, 15))).toEqual(new Set(["0"]));
    expect(heavy[15]).not.toBe("0");
  });
});

describe("multi-valued fields", () => {
  test("keep several ids, each once, in order, padded, capped", async () => {
    const rows = ["1,A|B", "0,B|A|B", "1,", "0,C| A ", "1,A|B|C|D", "0,B", "1,Z|A", "0,A", "1,Y|Z|B", "0,"];
    const { train, valid, test, dataset, manifest } = await prepared(`y,a\n${rows.join("\n")}\n`, {
      label: "y",
      fields: [{ name: "a", kind: "multi", maxValues: 3 }],
      split: rowsSplit(6),
    });
    // A 4, B 4, then the missing one, C and D with 1, 2, 1.
    const names = (await dataset.vocabulary("a")).map(({ value, count }) => [value, count]);
    expect(names).toEqual([
      [null, null],
      ["A", 4],
      ["B", 4],
      ["C", 2],
      [null, 1],
      ["D", 1],
    ]);
    expect(dataset.fields[0]).toEqual({ name: "a", kind: "multi", rows: 6, slots: 3 });
    const P = PAD;
    expect([...train.ids[0]!]).toEqual([1, 2, P, 2, 1, P, 4, P, P, 3, 1, P, 1, 2, 3, 2, P, P]);
    expect([...valid.ids[0]!]).toEqual([0, 1, P, 1, P, P]);
    // Two unknown values are one id 0.
    expect([...test.ids[0]!]).toEqual([0, 2, P, 4, P, P]);
    expect(manifest.fields[0]).toMatchObject({ slots: 3, truncatedRows: 1, separator: "|" });
  });
});

describe("splits", () => {
  const rows = Array.from({ length: 400 }, (_, i) => `${i % 2},u${i % 40},${1000 + ((i * 37) % 400)}`);
  const log = `y,u,t\n${rows.join("\n")}\n`;
  const schema: LogSchemaInput = { label: "y", user: "u", time: "t", fields: [{ name: "u" }, { name: "t" }] };

  test("random: about the shares, the same for a seed, another for another", async () => {
    const run = (seed: number) => prepared(log, schema, { seed });
    const [one, same, other] = [await run(1), await run(1), await run(2)];
    expect(one.train.rows + one.valid.rows + one.test.rows).toBe(400);
    // 320 expected, standard deviation 8.
    expect(Math.abs(one.train.rows - 320)).toBeLessThan(40);
    expect(same.manifest.hash).toBe(one.manifest.hash);
    expect(other.manifest.hash).not.toBe(one.manifest.hash);
  });

  test("time: training is older than validation, that older than test, ties together", async () => {
    const { train, valid, test, manifest, dataset } = await prepared(log, {
      ...schema,
      split: { by: "time", shares: [0.5, 0.25, 0.25] },
    });
    expect([train.rows, valid.rows, test.rows]).toEqual([200, 100, 100]);
    expect(manifest.split.from).toEqual([1200, 1300]);
    const times = (await dataset.vocabulary("t")).flatMap(({ value }) =>
      value === null ? [] : [Number(value)],
    );
    expect(Math.max(...times)).toBe(1199);
  });

  test("time: an ISO date is a time too", async () => {
    const dated = Array.from(
      { length: 40 },
      (_, i) => `${i % 2},2024-01-${String((i % 20) + 1).padStart(2, "0")} 10:00:00`,
    );
    const { manifest } = await prepared(`y,t\n${dated.join("\n")}\n`, {
      label: "y",
      time: "t",
      fields: [
        { name: "weekday", column: "t", derive: "weekday" },
        { name: "hour", column: "t", derive: "hour" },
        { name: "month", column: "t", derive: "month" },
      ],
      split: { by: "time", shares: [0.6, 0.2, 0.2] },
    });
    expect(manifest.split.from?.[0]).toBe(Date.UTC(2024, 0, 13, 10) / 1000);
    expect(manifest.fields.map((f) => f.distinct)).toEqual([7, 1, 1]);
  });

  test("hash: no value of the column is in two splits", async () => {
    const { train, valid, test } = await prepared(log, { ...schema, split: { by: "hash", column: "u" } });
    const users = [train, valid, test].map((part) => new Set(part.users));
    for (const a of [0, 1, 2]) {
      for (const b of [0, 1, 2])
        if (a !== b) for (const user of users[a]!) expect(users[b]!.has(user)).toBe(false);
    }
    expect(users[0]!.size + users[1]!.size + users[2]!.size).toBe(40);
  });

  test("rows: in order, by shares", async () => {
    const { train, valid, test } = await prepared(log, {
      ...schema,
      split: { by: "rows", shares: [0.5, 0.3, 0.2] },
    });
    expect([train.rows, valid.rows, test.rows]).toEqual([200, 120, 80]);
  });

  test("files: given train, valid and test, or valid drawn from train", async () => {
    const part = (from: number, to: number): string => `y,u,t\n${rows.slice(from, to).join("\n")}\n`;
    const files = { "a.csv.gz": part(0, 200), "b.csv": part(200, 300), "c.csv": part(300, 400) };
    const given = await prepared(
      { files },
      { ...schema, files: { train: "a.csv.gz", valid: "b.csv", test: "c.csv" } },
    );
    expect([given.train.rows, given.valid.rows, given.test.rows]).toEqual([200, 100, 100]);
    expect(given.manifest.sources.map((s) => [s.file, s.rows])).toEqual([
      ["a.csv.gz", 200],
      ["b.csv", 100],
      ["c.csv", 100],
    ]);
    const drawn = await prepared(
      { files },
      { ...schema, files: { train: "a.csv.gz", test: "c.csv" }, split: { by: "files", valid: 0.3 } },
    );
    expect(drawn.train.rows + drawn.valid.rows).toBe(200);
    expect(drawn.valid.rows).toBeGreaterThan(30);
    expect(drawn.test.rows).toBe(100);
  });

  test("users are numbered over all splits, rare ones too", async () => {
    const { train, valid, test, manifest } = await prepared(log, schema, { minCount: 100 });
    const all = new Set([...train.users!, ...valid.users!, ...test.users!]);
    expect(manifest.user).toEqual({ column: "u", count: 40 });
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});

describe("formats", () => {
  const rows = ["1,x,p", "0,x,q", "1,y,p", "0,y,q", "1,z,p", "0,x,p", "1,z,p", "0,x,q"];
  const split = rowsSplit(4);
  const expected = { a: [1, 1, 2, 2], b: [1, 2, 1, 2], labels: [1, 0, 1, 0] };
  const check = async (
    file: string,
    content: string,
    schema: Partial<LogSchemaInput> = {},
  ): Promise<void> => {
    const { train } = await prepared(
      { files: { [file]: content }, source: file },
      { ...simple, split, ...schema },
    );
    expect([...train.ids[0]!]).toEqual(expected.a);
    expect([...train.ids[1]!]).toEqual(expected.b);
    expect([...train.labels]).toEqual(expected.labels);
  };

  test("csv with byte order mark, CRLF, quotes and blank lines", async () => {
    await check("log.csv", `\ufeffy,a,b\r\n${rows.join("\r\n").replace("1,x,p", '1,"x","p"')}\r\n\r\n`);
    await check("log.csv", log(rows).replaceAll("x", '"x, ""so"""'));
  });
  test("csv.gz", () => check("log.csv.gz", log(rows)));
  test("tsv, and a delimiter of one's own", async () => {
    await check("log.tsv", log(rows).replaceAll(",", "\t"));
    await check("log.csv", log(rows).replaceAll(",", ";"), { delimiter: ";" });
  });
  test("csv without a header", () =>
    check("log.csv", rows.join("\n"), { header: false, columns: ["y", "a", "b"] }));
  test("a label rule", async () => {
    await check("log.csv", log(rows).replace(/^1/gm, "4.5").replace(/^0/gm, "3"), { label: "y >= 4" });
    await check("log.csv", log(rows).replace(/^1/gm, "buy").replace(/^0/gm, "view"), { label: "y == 'buy'" });
  });
  test("parquet, with text, number, list and boolean columns", async () => {
    const folder = freshFolder();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const values = rows
      .map((row) => row.split(","))
      .map(([y, a, b]) => `(${y === "1"}, '${a}', ['${b}', '${a}'], ${b === "p" ? 1.5 : "NULL"})`);
    await connection.run(
      `COPY (SELECT * FROM (VALUES ${values.join(", ")}) t(y, a, b, n)) TO '${join(folder, "log.parquet")}' (FORMAT parquet)`,
    );
    connection.closeSync();
    instance.closeSync();
    const manifest = await prepare(join(folder, "log.parquet"), {
      out: join(folder, "set.trimtab"),
      schema: {
        label: "y",
        fields: [{ name: "a" }, { name: "b", kind: "multi", separator: ";" }, { name: "n", kind: "numeric" }],
        split,
      },
    });
    expect(manifest.fields.map(({ rows, slots }) => [rows, slots])).toEqual([
      [3, 1],
      [5, 2],
      [3, 1],
    ]);
  });
  test("libsvm by position and by range of indexes", async () => {
    const lines = [
      "1 3:1 7:0.5 9:1",
      "0 3:1 8:2 9:1 10:1",
      "+1 4:1 7:0.5",
      "0 4:1 8:2 10:1",
      "1 3:1 7:0.5",
      "0 4:1 8:2",
      "1 3:1 7:1",
      "0 4:1 8:1",
    ];
    const { train, dataset } = await prepared(
      { files: { "log.libsvm": `${lines.join("\n")}\n` }, source: "log.libsvm" },
      {
        format: "libsvm",
        label: "label",
        fields: [
          { name: "first", position: 1 },
          { name: "amount", kind: "numeric", range: [7, 8], buckets: { by: "edges", edges: [1] } },
          { name: "tags", kind: "multi", range: [9, 10] },
        ],
        split,
      },
    );
    expect([...train.ids[0]!]).toEqual([1, 1, 2, 2]);
    expect([...train.ids[1]!]).toEqual([1, 2, 1, 2]);
    expect((await dataset.vocabulary("tags")).map((e) => e.value)).toEqual([null, "10", "9", null]);
    expect([...train.labels]).toEqual([1, 0, 1, 0]);
  });
});

describe("joins and extracted values", () => {
  test("add columns by key; a key without a partner leaves them missing and is told", async () => {
    const files = {
      "ratings.csv": "y,item\n1,a\n0,b\n1,c\n0,a\n1,b\n0,a\n1,a\n0,b\n",
      "items.csv": 'item,title\na,"One (1995)"\nb,Two\n',
    };
    const { train, manifest, dataset } = await prepared(
      { files },
      {
        files: "ratings.csv",
        join: [{ file: "items.csv", on: "item" }],
        label: "y",
        fields: [{ name: "item" }, { name: "year", column: "title", extract: "\\((\\d{4})\\)" }],
        split: rowsSplit(4),
      },
    );
    expect((await dataset.vocabulary("year")).map((e) => e.value)).toEqual([null, null, "1995"]);
    expect([...train.ids[1]!]).toEqual([2, 1, 1, 2]);
    expect(manifest.warnings.map((w) => w.code)).toEqual(["unmatched-join"]);
  });
});

describe("warnings", () => {
  const rows = Array.from({ length: 500 }, (_, i) => {
    const y = (i * 7919) % 3 === 0 ? 1 : 0;
    return `${y},k${i},${y === 1 ? "won" : "lost"}${i % 5},${i % 7},x`;
  });
  test("a field with nearly one value a row, one that gives the label away, a column nobody uses", async () => {
    const { manifest } = await prepared(`y,key,outcome,day,spare\n${rows.join("\n")}\n`, {
      label: "y",
      fields: [{ name: "key" }, { name: "outcome" }, { name: "day" }],
    });
    expect(manifest.warnings.map(({ code, field }) => [code, field])).toEqual([
      ["unused-columns", undefined],
      ["nearly-unique", "key"],
      ["predicts-label", "outcome"],
    ]);
    expect(manifest.warnings[2]!.message).toMatch(/AUC 1\.0000/);
  });
});

describe("the same log", () => {
  test("gives the same hash from csv, gz and with other threads, and reports progress to its end", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i % 2},u${(i * 31) % 97},i${(i * 17) % 53}`);
    const a = await prepared(log(rows), simple);
    const b = await prepared({ files: { "other.csv.gz": log(rows) }, source: "other.csv.gz" }, simple, {
      threads: 1,
    });
    expect(b.manifest.hash).toBe(a.manifest.hash);
    const folder = freshFolder();
    const phases: string[] = [];
    await prepare(
      put(folder, "log.csv", log(rows)),
      { out: join(folder, "x.trimtab"), schema: simple },
      (p) => {
        expect(p.share).toBeGreaterThanOrEqual(0);
        expect(p.share).toBeLessThanOrEqual(1);
        phases.push(p.phase);
      },
    );
    for (const phase of ["read", "derive", "vocabulary", "encode", "check", "hash"])
      expect(phases).toContain(phase);
    expect(readdirSync(folder).sort()).toEqual(["log.csv", "x.trimtab"]);
  });
});
