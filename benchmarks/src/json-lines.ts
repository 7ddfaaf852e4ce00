/** Files with a JSON value a line, compressed: values of one kind say the same thing over and over. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { writeWhole } from "@trimtab/tensor-core";

/** The values in order; none where there is no file. Throws for a file that is not compressed, SyntaxError for a line that is not JSON. */
export function readLines(path: string): unknown[] {
  if (!existsSync(path)) return [];
  const lines = gunzipSync(readFileSync(path)).toString("utf8").trim().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** Writes the file whole or not at all, and its folder if need be. */
export function writeLines(path: string, values: readonly unknown[]): void {
  const text = values.map((value) => JSON.stringify(value)).join("\n");
  mkdirSync(dirname(path), { recursive: true });
  writeWhole(path, [gzipSync(`${text}\n`, { level: 9 })]);
}
