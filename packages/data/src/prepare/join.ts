// Columns from other files, one row a key.

import { type Duck, name } from "../duck.ts";
import { ValueError } from "../errors.ts";
import type { Warning } from "../manifest.ts";
import { readError, type SourceTable } from "../source/table.ts";

/** A column that prepare uses: its name in `read`, and the join it comes from (-1: the log itself). */
export interface UsedColumn {
  id: string;
  joined: number;
}

/** A file to join, opened. */
export interface Join {
  file: string;
  on: string;
  column?: string | undefined;
  table: SourceTable;
}

/**
 * Adds the columns of other files by key: table `joined`. Sorted back by rowid, since a large join may not keep the order.
 * @throws ValueError for a key that occurs twice; the errors of reading a file
 */
export async function joinTables(
  duck: Duck,
  joins: readonly Join[],
  used: ReadonlyMap<string, UsedColumn>,
  clean: (sql: string) => string,
): Promise<Warning[]> {
  const warnings: Warning[] = [];
  const from: string[] = ["read"];
  for (const [j, join] of joins.entries()) {
    const key = join.table.column(join.column ?? join.on);
    const own = [...used].filter(([, u]) => u.joined === j);
    const select = [
      `${clean(key)} AS k`,
      ...own.map(([c, { id }]) => `${clean(join.table.column(c))} AS ${id}`),
    ];
    await duck
      .run(`CREATE TABLE join${j} AS SELECT ${select.join(", ")} FROM ${join.table.from}`)
      .catch((error) => {
        duck.check();
        throw readError(error, join.table);
      });
    const [twice] = await duck.rows<{ k: string; r: number }>(
      `SELECT k, max(rowid) AS r FROM join${j} WHERE k IS NOT NULL GROUP BY k HAVING count(*) > 1 ORDER BY r LIMIT 1`,
    );
    if (twice) {
      throw new ValueError(
        "the key of a join occurs twice",
        "A joined file needs one row for each key: remove the repeat",
        { ...(await join.table.place(twice.r)), column: join.column ?? join.on, value: twice.k },
      );
    }
    const on = used.get(join.on)?.id;
    from.push(`LEFT JOIN join${j} ON read.${on} = join${j}.k`);
    const { n } = await duck.row<{ n: number }>(
      `SELECT count(*) AS n FROM read WHERE ${on} IS NULL OR ${on} NOT IN (SELECT k FROM join${j} WHERE k IS NOT NULL)`,
    );
    if (n > 0) {
      const message = `${n} rows have no partner in ${join.file} by ${name(join.on)}; their joined values are missing.`;
      warnings.push({ code: "unmatched-join", message });
    }
  }
  const columns = [...used.values()].map(({ id, joined }) =>
    joined < 0 ? `read.${id}` : `join${joined}.${id}`,
  );
  await duck.run(
    `CREATE TABLE joined AS SELECT ${columns.join(", ")}, part FROM ${from.join(" ")} ORDER BY read.rowid`,
  );
  return warnings;
}
