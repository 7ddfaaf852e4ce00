// Which rows train, validate and test: a rule turned into SQL over the staged rows.

import type { Duck } from "../duck.ts";
import { EmptySplitError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import type { SplitRule } from "../schema.ts";
import { seconds } from "./values.ts";

/** A split as SQL (0 train, 1 valid, 2 test), and what the manifest says of it. */
export interface PlannedSplit {
  sql: string;
  manifest: Manifest["split"];
}

// A number in [0, 2^64) from any text, the same in every version of every tool: the low half of an md5.
const uniform = (key: string, seed: number): string => `md5_number_lower(${key} || ':${seed}')`;
const part = (share: number): string => `${BigInt(Math.round(share * 2 ** 53)) << 11n}::UBIGINT`;

function byHash(key: string, seed: number, [train, valid]: readonly number[]): string {
  const u = uniform(key, seed);
  const [t, v] = [train as number, valid as number];
  return `CASE WHEN ${u} < ${part(t)} THEN 0 WHEN ${u} < ${part(t + v)} THEN 1 ELSE 2 END`;
}

/** @throws EmptySplitError when counts do not fit the rows */
export async function planSplit(
  duck: Duck,
  rule: SplitRule,
  log: {
    from: string;
    column?: string | undefined;
    columnName?: string | undefined;
    rows: number;
    seed: number;
  },
): Promise<PlannedSplit> {
  const manifest: Manifest["split"] = { by: rule.by };
  const { column = "", rows } = log;
  if (log.columnName !== undefined) manifest.column = log.columnName;
  if ("shares" in rule) manifest.shares = [...rule.shares];
  if (rule.by === "files") {
    if (rule.valid === undefined) return { sql: "part", manifest };
    manifest.seed = rule.seed ?? log.seed;
    manifest.shares = [1 - rule.valid, rule.valid];
    const u = uniform("CAST(rowid AS VARCHAR)", manifest.seed);
    return { sql: `CASE WHEN part = 0 AND ${u} < ${part(rule.valid)} THEN 1 ELSE part END`, manifest };
  }
  if (rule.by === "random") {
    manifest.seed = rule.seed ?? log.seed;
    return { sql: byHash("CAST(rowid AS VARCHAR)", manifest.seed, rule.shares), manifest };
  }
  if (rule.by === "hash") {
    manifest.seed = rule.seed ?? log.seed;
    return { sql: byHash(column, manifest.seed, rule.shares), manifest };
  }
  if (rule.by === "rows") {
    const [train, valid, test] = rule.counts ?? [
      Math.floor(rows * rule.shares[0]),
      Math.floor(rows * rule.shares[1]),
      1,
    ];
    if (rule.counts) {
      delete manifest.shares;
      manifest.counts = [...rule.counts];
      if (train + valid + test !== rows) {
        throw new EmptySplitError(
          `the split counts sum to ${train + valid + test}, but the log has ${rows} rows`,
          "Mend the counts, or give shares",
        );
      }
    }
    return {
      sql: `CASE WHEN rowid < ${train} THEN 0 WHEN rowid < ${train + valid} THEN 1 ELSE 2 END`,
      manifest,
    };
  }
  // By time: the first moments with at least the share of rows before them. Counting per moment can spill to disk,
  // where an exact quantile would hold every row in memory.
  const { a, b } = await duck.row<{ a: number | null; b: number | null }>(
    `WITH c AS (SELECT ${seconds(column)} AS t, count(*) AS n FROM ${log.from} GROUP BY t),
          s AS (SELECT t, sum(n) OVER (ORDER BY t) - n AS before FROM c)
     SELECT min(t) FILTER (before >= ${rows * rule.shares[0]}) AS a,
            min(t) FILTER (before >= ${rows * (rule.shares[0] + rule.shares[1])}) AS b FROM s`,
  );
  if (a === null || b === null || a === b) {
    throw new EmptySplitError(
      "too many rows share one time: a split by time would leave valid or test without rows",
      "Choose another split, or a finer time column",
      log.columnName === undefined ? {} : { column: log.columnName },
    );
  }
  manifest.from = [a, b];
  return {
    sql: `CASE WHEN ${seconds(column)} < ${a} THEN 0 WHEN ${seconds(column)} < ${b} THEN 1 ELSE 2 END`,
    manifest,
  };
}
