// Reads the source once into a table on disk, checks every value it will use, and derives label, split and field values.
//
// Tables: `read` holds the source's columns as text (s0, s1, ...) in the order of the files, so that rowid is the row
// number; `log` holds y (label), split, u (user) and one value a field (v0, v1, ...): text, or DOUBLE for numbers.

import path from "node:path";
import { type Duck, text } from "../duck.ts";
import {
  BrokenRowError,
  type DataError,
  LabelError,
  type Place,
  SchemaError,
  ValueError,
} from "../errors.ts";
import type { Warning } from "../manifest.ts";
import { type LabelRule, type LogSchema, parseLabel } from "../schema.ts";
import {
  badLibsvm,
  openTable,
  readError,
  requireColumn,
  requireRows,
  type SourceTable,
} from "../source/table.ts";
import { type Join, joinTables, type UsedColumn } from "./join.ts";
import type { Job } from "./resolve.ts";
import { type PlannedSplit, planSplit } from "./split.ts";
import { fieldIsMissing, fieldText, fieldValue, isNoTime, labelValue, seconds } from "./values.ts";

/** What the later phases need to know of the tables `read` and `log`. */
export interface Staged {
  tables: (SourceTable & { rows: number })[];
  rows: number;
  label: LabelRule;
  split: PlannedSplit;
  warnings: Warning[];
}

/** Progress within a phase, 0 to 1. */
export type Share = (share: number) => void;

/** Reads, checks and derives. @throws the errors of bad input, each with file, line, column and value */
export async function stage(
  duck: Duck,
  job: Job,
  seed: number,
  progress: { read: Share; derive: Share },
): Promise<Staged> {
  const { schema } = job;
  const label = parseLabel(schema.label);
  for (const field of schema.fields) await checkPattern(duck, field);
  const tables: SourceTable[] = [];
  for (const part of job.parts) tables.push(await openTable(duck, part.file, schema));
  const joins: Join[] = [];
  for (const join of schema.join) {
    const plain = { ...schema, format: undefined, delimiter: undefined, header: true } as LogSchema;
    const table = await openTable(duck, path.join(job.folder, join.file), plain);
    requireColumn(join.column ?? join.on, `the join with ${join.file}`, [table]);
    joins.push({ ...join, table });
  }

  // Every column that is used, once, with the table it comes from.
  const used = new Map<string, UsedColumn>();
  const use = (column: string, why: string): string => {
    const known = used.get(column);
    if (known) return known.id;
    const all = [tables[0] as SourceTable, ...joins.map(({ table }) => table)];
    const table = requireColumn(column, why, all);
    const id = `s${used.size}`;
    used.set(column, { id, joined: all.indexOf(table) - 1 });
    return id;
  };
  const labelColumn = use(label.column, "the label");
  const userColumn = schema.user === undefined ? undefined : use(schema.user, "the user");
  const fieldColumns = schema.fields.map((f) => use(f.column ?? f.name, `field "${f.name}"`));
  const rule = schema.split ?? (job.parts.length > 1 ? { by: "files" as const } : defaultSplit);
  const splitBy =
    rule.by === "time" ? (rule.column ?? schema.time) : rule.by === "hash" ? rule.column : undefined;
  if (rule.by === "time" && splitBy === undefined) {
    throw new SchemaError("split is by time, but no time column is named", "Name it as `time` in the schema");
  }
  const splitColumn = splitBy === undefined ? undefined : use(splitBy, `the split by ${rule.by}`);
  for (const join of joins) {
    // by a column of the log itself, not of what is joined to it
    requireColumn(join.on, `the join with ${join.file}`, [tables[0] as SourceTable]);
    use(join.on, `the join with ${join.file}`);
  }
  for (const table of tables.slice(1)) {
    for (const [column, { joined }] of used)
      if (joined < 0) requireColumn(column, "every file of the split", [table]);
  }

  const missing = schema.missing.values.map(text).join(", ");
  const clean = (sql: string): string =>
    missing ? `CASE WHEN ${sql} IN (${missing}) THEN NULL ELSE ${sql} END` : sql;
  const warnings = unusedColumns(
    schema,
    tables[0] as SourceTable,
    used,
    joins.map((j) => j.on),
  );

  // The files, one after the other: insertion order is kept, so rowid is the row number.
  const counted: Staged["tables"] = [];
  for (const [t, table] of tables.entries()) {
    const columns = [...used].filter(([, { joined }]) => joined < 0);
    const select = columns.map(([column, { id }]) => `${clean(table.column(column))} AS ${id}`).join(", ");
    const before = counted.reduce((sum, { rows }) => sum + rows, 0);
    const part = job.parts[t]?.part ?? 0;
    const extra = table.format === "libsvm" ? `, (${badLibsvm}) AS bad` : "";
    const query = `SELECT ${select}, CAST(${part} AS UTINYINT) AS part${extra} FROM ${table.from}`;
    const statement = t === 0 ? `CREATE TABLE read AS ${query}` : `INSERT INTO read ${query}`;
    const share = (s: number): void => progress.read((t + s) / tables.length);
    await duck.run(statement, share).catch((error) => {
      duck.check();
      throw readError(error, table);
    });
    const total = (await duck.row<{ n: number }>("SELECT count(*) AS n FROM read")).n;
    requireRows(total - before, table);
    counted.push({ ...table, rows: total - before });
  }
  const rows = counted.reduce((sum, table) => sum + table.rows, 0);
  const placeOf = async (rowid: number, column?: string, value?: string | null): Promise<Place> => {
    let index = rowid;
    let table = counted[0] as Staged["tables"][number];
    for (const candidate of counted) {
      table = candidate;
      if (index < candidate.rows) break;
      index -= candidate.rows;
    }
    const place = await table.place(index);
    if (column !== undefined) place.column = column;
    if (value !== undefined && value !== null) place.value = value;
    return place;
  };
  const refuse = async (
    bad: string,
    column: string,
    id: string,
    make: (place: Place) => DataError,
  ): Promise<void> => {
    const [row] = await duck.rows<{ r: number; value: string | null }>(
      `SELECT rowid AS r, ${id} AS value FROM ${inRead(id) ? "read" : "joined"} WHERE ${bad} ORDER BY rowid LIMIT 1`,
    );
    if (row) throw make(await placeOf(row.r, column, row.value));
  };
  const inRead = (id: string): boolean => [...used.values()].some((u) => u.id === id && u.joined < 0);

  if (tables[0]?.format === "libsvm") {
    const [row] = await duck.rows<{ r: number }>(
      "SELECT rowid AS r FROM read WHERE bad ORDER BY rowid LIMIT 1",
    );
    if (row) {
      throw new BrokenRowError(
        "the line is not a libsvm line",
        "Write: label index:value index:value ...",
        await placeOf(row.r),
      );
    }
  }

  let from = "read";
  if (joins.length > 0) {
    warnings.push(...(await joinTables(duck, joins, used, clean)));
    from = "joined";
  }

  // Labels first: a wrong label column shows here, and clearly.
  const y = labelValue(label, labelColumn);
  await refuse(`(${y}) IS NULL`, label.column, labelColumn, (place) => {
    const numeric = label.test && typeof label.test.value === "number";
    return new LabelError(
      place.value === undefined
        ? "the label is missing"
        : numeric
          ? `the label is not a number, and the rule is "${schema.label}"`
          : "the label is neither 0 nor 1",
      label.test
        ? "Mend or remove the row"
        : 'Mend or remove the row, or give a rule such as "rating >= 4" as label',
      place,
    );
  });
  for (const [k, field] of schema.fields.entries()) {
    const id = fieldColumns[k] as string;
    const column = field.column ?? field.name;
    if (field.kind === "numeric") {
      const read = fieldText(field, id);
      const number = `TRY_CAST(${read} AS DOUBLE)`;
      await refuse(
        `${read} IS NOT NULL AND (${number} IS NULL OR NOT isfinite(${number}))`,
        column,
        id,
        (place) =>
          new ValueError(
            `field "${field.name}" is numeric, but the value is not a finite number`,
            "Mend the row, list the text in the schema's missing.values, or set kind categorical",
            place,
          ),
      );
    }
    if (field.derive) {
      await refuse(
        `${id} IS NOT NULL AND ${isNoTime(id)}`,
        column,
        id,
        (place) =>
          new ValueError(
            "the value is not a time",
            "Times are Unix seconds or like 2024-01-31 12:00:00",
            place,
          ),
      );
    }
    if ((field.missing ?? schema.missing.rule) === "error") {
      await refuse(
        fieldIsMissing(field, id, schema.missing.values),
        column,
        id,
        (place) =>
          new ValueError(
            `field "${field.name}" has no value here`,
            'Mend the row, or set the field\'s missing rule to "own" or "oov"',
            place,
          ),
      );
    }
  }
  if (userColumn !== undefined && schema.user !== undefined) {
    await refuse(
      `${userColumn} IS NULL`,
      schema.user,
      userColumn,
      (place) =>
        new ValueError(
          "the user is missing",
          "Mend or remove the row, or take `user` out of the schema",
          place,
        ),
    );
  }
  if (splitColumn !== undefined && splitBy !== undefined) {
    const bad =
      rule.by === "time" ? `coalesce(NOT isfinite(${seconds(splitColumn)}), true)` : `${splitColumn} IS NULL`;
    await refuse(
      bad,
      splitBy,
      splitColumn,
      (place) =>
        new ValueError(
          rule.by === "time"
            ? "the split is by time, and the value is not a time"
            : "the split is by this column, and it is missing",
          "Mend or remove the row, or choose another split",
          place,
        ),
    );
  }

  const split = await planSplit(duck, rule, { from, column: splitColumn, columnName: splitBy, rows, seed });
  const columns = [
    `CAST(${y} AS UTINYINT) AS y`,
    `CAST(${split.sql} AS UTINYINT) AS split`,
    ...(userColumn === undefined ? [] : [`${userColumn} AS u`]),
    ...schema.fields.map((field, k) => `${fieldValue(field, fieldColumns[k] as string)} AS v${k}`),
  ];
  await duck.run(`CREATE TABLE log AS SELECT ${columns.join(", ")} FROM ${from}`, progress.derive);
  await duck.run("DROP TABLE IF EXISTS joined");
  await duck.run("DROP TABLE read");
  await duck.run("CHECKPOINT");
  return { tables: counted, rows, label, split, warnings };
}

/** @throws SchemaError for an `extract` that DuckDB cannot read */
async function checkPattern(duck: Duck, { name, extract }: LogSchema["fields"][number]): Promise<void> {
  if (extract === undefined) return;
  await duck.run(`SELECT regexp_extract('', ${text(extract)}, 1)`).catch((error: Error) => {
    duck.check();
    throw new SchemaError(
      `field "${name}": the expression of extract cannot be read (${error.message.split("\n")[0]})`,
      "Mend it; it is written as in RE2",
    );
  });
}

const defaultSplit = { by: "random" as const, shares: [0.8, 0.1, 0.1] as [number, number, number] };

function unusedColumns(
  schema: LogSchema,
  table: SourceTable,
  used: Map<string, unknown>,
  keys: string[],
): Warning[] {
  const quiet = new Set([...schema.ignore, ...keys, schema.time]);
  const columns = table.columns.filter((column) => !used.has(column) && !quiet.has(column));
  if (columns.length === 0) return [];
  const shown = columns
    .slice(0, 20)
    .map((column) => (column === "" ? '""' : column))
    .join(", ");
  return [
    {
      code: "unused-columns",
      message: `Columns of the file that no field uses: ${shown}. List them under "ignore" if that is meant.`,
    },
  ];
}
