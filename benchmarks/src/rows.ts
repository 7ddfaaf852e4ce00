/** Rows of a comparison's folder as studies count them. */
import { join } from "node:path";
import { type ResultRow, readResults, rowPlace } from "@trimtab/eval";

/** Of each method, budget and seed the last written row, as in `trimtab report`. Lines that cannot be read are told. */
export function lastRows(folder: string): ResultRow[] {
  const { rows, problems } = readResults(join(folder, "results.jsonl"));
  for (const { message } of problems) console.error(message);
  return [...new Map(rows.map((row) => [rowPlace(row), row])).values()];
}
