// SQL expressions over the text columns of a log: times, field values, labels.

import { text } from "../duck.ts";
import type { FieldSchema, LabelRule } from "../schema.ts";

/** The end of the year 9999 in seconds: what is beyond it was not written in seconds. */
const LAST_SECOND = 253402300799;

/** SQL that is true where `seconds` gives no time that a calendar knows. */
export const isNoTime = (column: string): string =>
  `coalesce(NOT abs(${seconds(column)}) <= ${LAST_SECOND}, true)`;

/** Seconds since 1970 (UTC) of a text column: a number, or an ISO date and time; NULL for anything else. */
export const seconds = (column: string): string =>
  `coalesce(TRY_CAST(${column} AS DOUBLE), epoch(TRY_CAST(${column} AS TIMESTAMP)))`;

/** SQL of what a field reads of its staged text: all of it, or what it extracts; NULL where that is nothing. */
export function fieldText({ extract }: FieldSchema, column: string): string {
  return extract ? `nullif(regexp_extract(${column}, ${text(extract)}, 1), '')` : column;
}

/** SQL of a field's value from its staged text: text, or DOUBLE for numbers. */
export function fieldValue(field: FieldSchema, column: string): string {
  if (field.kind === "numeric") return `CAST(${fieldText(field, column)} AS DOUBLE)`;
  if (field.extract) return fieldText(field, column);
  const day = `CAST(floor(${seconds(column)} / 86400) AS BIGINT)`;
  // 1 January 1970 was a Thursday; 0 is Sunday.
  if (field.derive === "weekday") return `CAST(((${day} + 4) % 7 + 7) % 7 AS VARCHAR)`;
  if (field.derive === "hour") {
    return `CAST(CAST(floor((${seconds(column)} - 86400.0 * ${day}) / 3600) AS BIGINT) AS VARCHAR)`;
  }
  if (field.derive === "month") {
    return `CAST(date_part('month', make_timestamp(CAST(${seconds(column)} * 1000000 AS BIGINT))) AS VARCHAR)`;
  }
  return column;
}

/** The pieces of a multi-valued text, as SQL that gives a list. */
const piecesOf = (separator: string, column: string): string => `string_split(${column}, ${text(separator)})`;

/** SQL that is true where a field has no value; `missing`: texts that mean it. */
export function fieldIsMissing(field: FieldSchema, column: string, missing: readonly string[]): string {
  if (field.kind !== "multi") return `${fieldText(field, column)} IS NULL`;
  const none = ["", ...missing].map(text).join(", ");
  return `${column} IS NULL OR len(list_filter(${piecesOf(field.separator, column)}, lambda t: trim(t) NOT IN (${none}))) = 0`;
}

/** SQL of the label: 0, 1, or NULL where it is neither. */
export function labelValue({ test }: LabelRule, column: string): string {
  const number = `TRY_CAST(${column} AS DOUBLE)`;
  if (!test) return `CASE WHEN ${number} = 0 THEN 0 WHEN ${number} = 1 THEN 1 END`;
  const operator = test.operator === "==" ? "=" : test.operator === "!=" ? "<>" : test.operator;
  if (typeof test.value === "string") return `CAST(${column} ${operator} ${text(test.value)} AS INTEGER)`;
  return `CASE WHEN isfinite(${number}) THEN CAST(${number} ${operator} ${test.value} AS INTEGER) END`;
}
