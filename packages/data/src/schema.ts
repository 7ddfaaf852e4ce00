// The schema file: what the columns of a user's own log mean. Strict, so that a typing error is found and not ignored.

import { z } from "zod";
import { nearest, SchemaError } from "./errors.ts";

const share = z.number().gt(0).lt(1);
const shares = z
  .tuple([share, share, share])
  .refine(([a, b, c]) => Math.abs(a + b + c - 1) < 1e-9, "train, valid and test shares must sum to 1");
const defaultShares: [number, number, number] = [0.8, 0.1, 0.1];

const missingRule = z.enum(["own", "oov", "error"]);

const bucketsSchema = z.discriminatedUnion("by", [
  /** The Criteo winners' recipe: v > 2 goes to floor(ln(v)^2), else floor(v) - 2. */
  z.strictObject({ by: z.literal("log2") }),
  /** Equal shares of the training rows. */
  z.strictObject({ by: z.literal("quantiles"), count: z.int().min(2).max(1024) }),
  /** Given upper bounds, ascending: bucket k holds edges[k-1] < v <= edges[k]. */
  z.strictObject({ by: z.literal("edges"), edges: z.array(z.number()).min(1).max(1024) }),
]);

const fieldSchema = z.strictObject({
  name: z.string().min(1).max(100),
  kind: z.enum(["categorical", "numeric", "multi"]).default("categorical"),
  /** Column of the file; default the field's name. */
  column: z.string().optional(),
  /** A part of a time (Unix seconds, or an ISO date and time, UTC) as a category. */
  derive: z.enum(["hour", "weekday", "month"]).optional(),
  /** A regular expression (RE2); the value is its first group, missing where it does not match. */
  extract: z.string().optional(),
  /** Between the values of a multi-valued field. */
  separator: z.string().min(1).default("|"),
  /** Values seen fewer times in training share row 0; default the schema's. */
  minCount: z.int().min(1).optional(),
  buckets: bucketsSchema.optional(),
  /** own: a row of its own; oov: row 0; error: refuse. Default the schema's. */
  missing: missingRule.optional(),
  /** Most values kept of a multi-valued field, the first ones. */
  maxValues: z.int().min(1).max(64).default(8),
  /** libsvm only: the field is the n-th index:value pair of the line, from 1. */
  position: z.int().min(1).optional(),
  /** libsvm only: the field is the pairs whose index lies in [first, last]. */
  range: z.tuple([z.int().min(0), z.int().min(0)]).optional(),
});

const splitSchema = z.discriminatedUnion("by", [
  /** Given files. Without a file for valid, `valid` is the share of training rows drawn for it. */
  z.strictObject({ by: z.literal("files"), valid: share.optional(), seed: z.int().min(0).optional() }),
  z.strictObject({
    by: z.literal("random"),
    shares: shares.default(defaultShares),
    seed: z.int().min(0).optional(),
  }),
  /** The oldest rows train, the newest test; rows of the same time stay together. */
  z.strictObject({
    by: z.literal("time"),
    column: z.string().optional(),
    shares: shares.default(defaultShares),
  }),
  /** Rows with the same value of the column stay together, e.g. a user. */
  z.strictObject({
    by: z.literal("hash"),
    column: z.string(),
    shares: shares.default(defaultShares),
    seed: z.int().min(0).optional(),
  }),
  /** In the order of the file, by shares or by exact counts. */
  z.strictObject({
    by: z.literal("rows"),
    shares: shares.default(defaultShares),
    counts: z.tuple([z.int().min(1), z.int().min(1), z.int().min(1)]).optional(),
  }),
]);

const fileNames = z.union([
  z.string(),
  z.strictObject({ train: z.string(), valid: z.string().optional(), test: z.string() }),
]);

export const logSchema = z.strictObject({
  /** For people; default the name of the source. */
  name: z.string().optional(),
  /** Default by the file's ending. */
  format: z.enum(["csv", "tsv", "libsvm", "parquet"]).optional(),
  /** Default "," (csv) or tab (tsv). */
  delimiter: z.string().length(1).optional(),
  /** Quote character of csv and tsv, "" for none. Default '"' (csv) or none (tsv). */
  quote: z.string().max(1).optional(),
  /** Whether the first line names the columns. Default true. */
  header: z.boolean().default(true),
  /** Column names of a file without a header line. */
  columns: z.array(z.string()).optional(),
  /** One file, or one per split; relative to the source folder. Default the source itself. */
  files: fileNames.optional(),
  /** Files with more columns, one row a key; csv only. */
  join: z
    .array(z.strictObject({ file: z.string(), on: z.string(), column: z.string().optional() }))
    .default([]),
  /** A column of 0 and 1, or a rule such as "rating >= 4". */
  label: z.string().min(1),
  /** Column for per-user metrics. */
  user: z.string().optional(),
  /** Column of times, for a split by time. */
  time: z.string().optional(),
  fields: z.array(fieldSchema).min(1),
  /** Columns left out on purpose: no warning about them. */
  ignore: z.array(z.string()).default([]),
  split: splitSchema.optional(),
  minCount: z.int().min(1).default(1),
  missing: z
    .strictObject({ values: z.array(z.string()).default([""]), rule: missingRule.default("own") })
    .default({ values: [""], rule: "own" }),
});

/** A schema as a user writes it. */
export type LogSchemaInput = z.input<typeof logSchema>;
/** A schema with its defaults filled in. */
export type LogSchema = z.output<typeof logSchema>;
export type FieldSchema = LogSchema["fields"][number];
export type SplitRule = NonNullable<LogSchema["split"]>;
export type SplitRuleInput = z.input<typeof splitSchema>;
export type Buckets = z.output<typeof bucketsSchema>;
export type MissingRule = z.output<typeof missingRule>;

const knownKeys = [
  ...Object.keys(logSchema.shape),
  ...Object.keys(fieldSchema.shape),
  ...[
    "by",
    "shares",
    "seed",
    "counts",
    "count",
    "edges",
    "values",
    "rule",
    "train",
    "valid",
    "test",
    "on",
    "file",
  ],
];

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((p) => (typeof p === "number" ? `[${p}]` : `.${String(p)}`))
    .join("")
    .replace(/^\./, "");
}

/** Turns zod's first complaint into our error. */
export function schemaErrorOf(error: z.ZodError, file?: string): SchemaError {
  const place = file === undefined ? {} : { file };
  let issue = error.issues[0];
  // A union hides the true fault in the branch that came closest.
  while (issue?.code === "invalid_union" && issue.errors.length > 0) {
    const branch = [...issue.errors].sort((a, b) => a.length - b.length)[0]?.[0];
    if (!branch) break;
    issue = { ...branch, path: [...issue.path, ...branch.path] };
  }
  if (!issue) return new SchemaError("the schema is not valid", "See the list of keys in the README", place);
  const at = pathOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const near = nearest(key, knownKeys);
    return new SchemaError(
      `unknown key "${key}"${at ? ` in ${at}` : ""}`,
      near && near !== key
        ? `Did you mean "${near}"?`
        : "Take it out; packages/data/README.md lists the keys",
      place,
    );
  }
  return new SchemaError(
    `${at || "the schema"}: ${issue.message}`,
    "Mend the schema; packages/data/README.md lists the keys",
    place,
  );
}

/** Groups of a regular expression; undefined where it is no JavaScript. (DuckDB, which runs it, reads RE2's.) */
function groupsOf(pattern: string): number | undefined {
  try {
    return new RegExp(`${pattern}|`).exec("")!.length - 1;
  } catch {
    return undefined;
  }
}

/**
 * Validates a schema and fills in its defaults.
 * @throws SchemaError naming the key
 */
export function parseSchema(input: unknown, file?: string): LogSchema {
  const parsed = logSchema.safeParse(input);
  if (!parsed.success) throw schemaErrorOf(parsed.error, file);
  const schema = parsed.data;
  const place = file === undefined ? {} : { file };
  const names = new Set<string>();
  for (const field of schema.fields) {
    // in the Parquet files of a dataset names that differ in case alone are one
    if (names.has(field.name.toLowerCase())) {
      throw new SchemaError(
        `two fields are named "${field.name}", or differ in upper and lower case alone`,
        "Give each field a name of its own, and its column as `column`",
        place,
      );
    }
    if (field.name.startsWith(":") || field.name.includes("#")) {
      throw new SchemaError(
        `field name "${field.name}" starts with ":" or has a "#"`,
        "Choose another name and give the column as `column`",
        place,
      );
    }
    names.add(field.name.toLowerCase());
    const wrong = (fault: string, mend: string): never => {
      throw new SchemaError(`field "${field.name}": ${fault}`, mend, place);
    };
    if (field.buckets && field.kind !== "numeric")
      wrong("only numeric fields have buckets", "Take `buckets` out or set kind numeric");
    if ((field.derive || field.extract) && field.kind === "multi")
      wrong("a multi field cannot be derived", "Set kind categorical");
    if (field.derive && field.kind === "numeric")
      wrong("a part of a time is a category", "Set kind categorical");
    if (field.derive && field.extract) wrong("has both derive and extract", "Keep one of them");
    if (field.extract !== undefined && groupsOf(field.extract) === 0)
      wrong("the expression of extract has no group", 'Put what is wanted in parentheses: "v([0-9]+)"');
    if (
      field.buckets?.by === "edges" &&
      field.buckets.edges.some((e, i, all) => i > 0 && e <= (all[i - 1] as number))
    ) {
      wrong("bucket edges must ascend", "Sort them and take out repeats");
    }
    if (schema.format === "libsvm" && (field.position === undefined) === (field.range === undefined)) {
      wrong("a libsvm field needs either position or range", "Give one of them");
    }
    if (field.range && field.range[0] > field.range[1])
      wrong("range ends before it begins", "Give [first, last]");
  }
  if (!schema.header && !schema.columns && schema.format !== "libsvm" && schema.format !== "parquet") {
    throw new SchemaError(
      "header is false but no columns are named",
      "List the column names in `columns`",
      place,
    );
  }
  if (typeof schema.files === "object" && schema.split && schema.split.by !== "files") {
    throw new SchemaError(
      `train and test files are given, but split is by ${schema.split.by}`,
      'Take `split` out or set it to {"by": "files"}',
      place,
    );
  }
  return schema;
}

/** A label rule: the column and, unless it holds 0 and 1 itself, the comparison that makes it so. */
export interface LabelRule {
  column: string;
  test?: { operator: ">" | ">=" | "<" | "<=" | "==" | "!="; value: number | string };
}

/** Reads "click", "rating >= 4" or "event == 'buy'". @throws SchemaError on anything else that compares */
export function parseLabel(label: string): LabelRule {
  const match = /^(.+?)\s*(>=|<=|==|!=|>|<)\s*(.+)$/.exec(label.trim());
  if (!match) return { column: label.trim() };
  const [, column = "", operator = "", raw = ""] = match;
  const quoted = /^'(.*)'$|^"(.*)"$/.exec(raw);
  const value = quoted ? (quoted[1] ?? quoted[2] ?? "") : Number(raw);
  const equality = operator === "==" || operator === "!=";
  if (Number.isNaN(value) || (typeof value === "string" && !equality)) {
    throw new SchemaError(
      `label rule "${label}" cannot be read`,
      "Write a column, one of > >= < <= == !=, and a number (or, after == and !=, a 'quoted text')",
    );
  }
  return { column, test: { operator: operator as NonNullable<LabelRule["test"]>["operator"], value } };
}
