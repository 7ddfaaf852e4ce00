// One input file as an SQL relation of text columns, whatever its format.

import { type Duck, name, text } from "../duck.ts";
import { BrokenRowError, DataError, EmptyFileError, nearest, type Place, SchemaError } from "../errors.ts";
import type { FieldSchema, LogSchema } from "../schema.ts";
import { checkFile, firstRecord, lineOf, splitRecord } from "./files.ts";

export type Format = "csv" | "tsv" | "libsvm" | "parquet";

/** A file that SQL can read. */
export interface SourceTable {
  file: string;
  format: Format;
  bytes: number;
  columns: string[];
  /** For a FROM clause. */
  from: string;
  /** The column as text, not yet cleaned of missing values. */
  column(name: string): string;
  /** Where record `index` (from 0) is. */
  place(index: number): Promise<Place>;
}

/** The format a file's name promises. @throws SchemaError */
export function formatOf(file: string): Format {
  const ending = /\.([a-z0-9]+)(\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === "csv" || ending === "txt") return "csv";
  if (ending === "tsv") return "tsv";
  if (ending === "parquet" || ending === "pq") return "parquet";
  if (ending === "libsvm" || ending === "svm" || ending === "libfm") return "libsvm";
  throw new SchemaError(
    `the format of the file is not plain from its name`,
    'Set "format" in the schema to csv, tsv, libsvm or parquet',
    { file },
  );
}

/** Opens a file of the user. @throws MissingFileError, EmptyFileError, SchemaError, BrokenRowError */
export async function openTable(duck: Duck, file: string, schema: LogSchema): Promise<SourceTable> {
  const bytes = await checkFile(file);
  const format = schema.format ?? formatOf(file);
  if (format === "parquet") return openParquet(duck, file, bytes, schema);
  if (format === "libsvm") return openLibsvm(file, bytes, schema);
  return openText(file, bytes, format, schema);
}

async function openText(
  file: string,
  bytes: number,
  format: Format,
  schema: LogSchema,
): Promise<SourceTable> {
  const delimiter = schema.delimiter ?? (format === "tsv" ? "\t" : ",");
  const quote = schema.quote ?? (format === "tsv" ? "" : '"');
  const first = schema.header ? await firstRecord(file, quote, delimiter) : undefined;
  const columns = first ? splitRecord(first.text, delimiter, quote) : (schema.columns ?? []);
  // DuckDB takes a blank first line for the header
  const skip = first && first.line > 1 ? `, skip=${first.line - 1}` : "";
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) {
    throw new SchemaError("the header names this column twice", "Rename one of them", {
      file,
      column: twice,
    });
  }
  // by place: a header may have an empty name (an index that pandas wrote) or names that differ in case alone
  const types = columns.map((_, i) => `c${i}: 'VARCHAR'`).join(", ");
  const from =
    `read_csv(${text(file)}, auto_detect=false, header=${schema.header}, delim=${text(delimiter)}, ` +
    `quote=${text(quote)}, escape=${text(quote)}, columns={${types}}${skip})`;
  return {
    file,
    format,
    bytes,
    columns,
    from,
    column: (column) => `c${columns.indexOf(column)}`,
    place: async (index) => ({ file, line: await lineOf(file, index, quote, delimiter, schema.header) }),
  };
}

async function openParquet(duck: Duck, file: string, bytes: number, schema: LogSchema): Promise<SourceTable> {
  const from = `read_parquet(${text(file)})`;
  const described = await duck
    .rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${from}`)
    .catch((error: Error) => {
      throw new BrokenRowError(
        `the file cannot be read as Parquet (${firstLine(error.message)})`,
        "Check that it was written to its end",
        { file },
      );
    });
  const types = new Map(described.map((row) => [row.column_name, row.column_type]));
  return {
    file,
    format: "parquet",
    bytes,
    columns: [...types.keys()],
    from,
    column: (column) => {
      const type = types.get(column) ?? "";
      if (type.endsWith("[]")) {
        const field = schema.fields.find((f) => (f.column ?? f.name) === column);
        return `array_to_string(${name(column)}, ${text(field?.separator ?? "|")})`;
      }
      if (type === "BOOLEAN") return `CAST(CAST(${name(column)} AS INTEGER) AS VARCHAR)`;
      return `CAST(${name(column)} AS VARCHAR)`;
    },
    place: async (index) => ({ file, row: index + 1 }),
  };
}

// A libsvm line: label, then index:value pairs. A field is the n-th pair, or the pairs in a range of indexes.
function openLibsvm(file: string, bytes: number, schema: LogSchema): SourceTable {
  const byName = new Map(schema.fields.map((field) => [field.column ?? field.name, field]));
  for (const { name, column = name, position, range } of schema.fields) {
    const wrong = (fault: string, mend: string): never => {
      throw new SchemaError(`field "${name}": ${fault}`, mend, { file });
    };
    if ((position === undefined) === (range === undefined))
      wrong("a libsvm field needs either position or range", "Give one of them");
    if (column === "label") wrong("is called as the label itself", "Choose another name");
  }
  // No byte 1 occurs in text, so each line is one column.
  const from = `(SELECT string_split_regex(trim("line"), '[ \\t]+') AS tokens FROM read_csv(${text(file)}, auto_detect=false,
    header=false, delim='\u0001', quote='', escape='', columns={'line': 'VARCHAR'}) WHERE "line" IS NOT NULL)`;
  return {
    file,
    format: "libsvm",
    bytes,
    columns: ["label", ...byName.keys()],
    from,
    column: (column) => (column === "label" ? "tokens[1]" : libsvmValue(byName.get(column) as FieldSchema)),
    place: async (index) => ({ file, line: await lineOf(file, index, "", " ", false) }),
  };
}

function libsvmValue(field: FieldSchema): string {
  const part = field.kind === "numeric" ? 2 : 1;
  if (field.position !== undefined) return `split_part(tokens[${field.position + 1}], ':', ${part})`;
  const [first, last] = field.range as [number, number];
  const within = `list_filter(tokens[2:], lambda t: TRY_CAST(split_part(t, ':', 1) AS BIGINT) BETWEEN ${first} AND ${last})`;
  if (field.kind === "multi") {
    return `array_to_string(list_transform(${within}, lambda t: split_part(t, ':', 1)), ${text(field.separator)})`;
  }
  return `split_part(${within}[1], ':', ${part})`;
}

/** SQL that is true for a libsvm line with a token that is not index:value. */
export const badLibsvm = `len(list_filter(tokens[2:], lambda t: NOT regexp_full_match(t, '[0-9]+:[-+0-9.eE]+|[0-9]+:(nan|NaN|inf)'))) > 0`;

/** @throws SchemaError naming the column and those there are */
export function requireColumn(column: string, use: string, tables: readonly SourceTable[]): SourceTable {
  const table = tables.find(({ columns }) => columns.includes(column));
  if (table) return table;
  const all = [...new Set(tables.flatMap(({ columns }) => columns))];
  const near = nearest(column, all);
  const main = tables[0] as SourceTable;
  throw new SchemaError(
    `${use} needs a column that is not in the file`,
    `${near ? `Did you mean "${near}"? ` : ""}The file has: ${all.slice(0, 60).join(", ")}`,
    { file: main.file, column },
  );
}

const firstLine = (message: string): string => message.split("\n")[0] ?? message;

/** Turns DuckDB's complaint about a file into ours, with line and mend; passes other errors on. */
export function readError(error: unknown, table: SourceTable): Error {
  if (error instanceof DataError || !(error instanceof Error)) return error as Error;
  const { message } = error;
  const csv = /CSV Error on Line: (\d+)\nOriginal Line: ?([\s\S]*?)\n([^\n]+)/.exec(message);
  if (csv) {
    const [, line = "", original = "", reason = ""] = csv;
    const numbers = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(reason);
    const unclosed = /unterminated quote|quote should be followed/i.test(message);
    const fault = numbers
      ? `the row has ${numbers[2]} columns, expected ${numbers[1]}`
      : unclosed
        ? "a value opens with a quote that is not closed where the value ends"
        : reason.replace(/\.$/, "").replace(/^[A-Z]/, (c) => c.toLowerCase());
    const mend = numbers
      ? "Mend or remove the row; a value that holds the delimiter must be quoted"
      : "Mend or remove the row";
    return new BrokenRowError(fault, mend, { file: table.file, line: Number(line), value: original });
  }
  return new BrokenRowError(`the file cannot be read (${firstLine(message)})`, "Check its format", {
    file: table.file,
  });
}

/** @throws EmptyFileError */
export function requireRows(rows: number, table: SourceTable): void {
  if (rows > 0) return;
  const header = table.format === "csv" || table.format === "tsv";
  throw new EmptyFileError(
    header ? "the file has a header but no rows" : "the file has no rows",
    "Give a file with rows",
    { file: table.file },
  );
}
