// Writes the splits and vocabularies as Parquet, then reads them back: range of ids, hash of contents, shares of row 0.

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Duck } from "../duck.ts";
import { name, text } from "../duck.ts";
import { EmptySplitError, OneClassError } from "../errors.ts";
import { type SplitName, splitNames } from "../manifest.ts";
import { readSplit, type SplitColumns, slotColumn } from "../reader.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** @throws EmptySplitError, OneClassError */
export async function checkSplits(duck: Duck, by: string): Promise<Record<SplitName, number>> {
  const found = await duck.rows<{ split: number; n: number; positives: number }>(
    "SELECT split, count(*) AS n, CAST(sum(y) AS BIGINT) AS positives FROM log GROUP BY split",
  );
  const rows = { train: 0, valid: 0, test: 0 };
  for (const [s, split] of splitNames.entries()) {
    const { n = 0, positives = 0 } = found.find((row) => row.split === s) ?? {};
    if (n === 0) {
      throw new EmptySplitError(
        `the split by ${by} leaves ${split} without rows`,
        "Give more rows, or other shares in the schema's split",
      );
    }
    if (positives === 0 || positives === n) {
      throw new OneClassError(
        `all ${n} labels of ${split} are ${positives === 0 ? 0 : 1}`,
        "Both labels are needed in every split: check the label and its rule, or split another way",
      );
    }
    rows[split] = n;
  }
  return rows;
}

/** Writes one split in the order of the log. */
export async function writeSplit(
  duck: Duck,
  vocabularies: readonly Vocabulary[],
  users: boolean,
  split: SplitName,
  file: string,
  progress: (share: number) => void,
): Promise<void> {
  const columns = [
    'log.y AS ":label"',
    ...(users ? ['users.id AS ":user"'] : []),
    ...vocabularies.flatMap(({ field, slots, ids }) =>
      ids.map((sql, s) => `${sql} AS ${name(slotColumn(field.name, slots, s))}`),
    ),
  ];
  const joins = vocabularies.map(({ join: sql }) => sql);
  if (users) joins.push("LEFT JOIN users ON log.u = users.value");
  // A join that spills loses the order, so it is put back: rows only carry their ids here, and the sort spills too.
  const query =
    `SELECT ${columns.join(", ")} FROM log ${joins.join(" ")} ` +
    `WHERE log.split = ${splitNames.indexOf(split)} ORDER BY log.rowid`;
  await duck.run(`COPY (${query}) TO ${text(file)} (FORMAT parquet, COMPRESSION snappy)`, progress);
}

/** Writes the vocabulary with row 0 in front. */
export async function writeVocabulary(duck: Duck, vocabulary: Vocabulary, file: string): Promise<void> {
  const { index, field } = vocabulary;
  // A multi-valued field counts values, not rows, so what fell to row 0 is not known there.
  const rest =
    field.kind === "multi"
      ? "NULL"
      : `(SELECT count(*) FROM log WHERE split = 0) - (SELECT coalesce(sum(count), 0) FROM vocab${index})`;
  await duck.run(
    `COPY (
       SELECT CAST(0 AS UINTEGER) AS id, CAST(NULL AS VARCHAR) AS value, 'oov' AS kind, CAST(${rest} AS BIGINT) AS count
       UNION ALL
       SELECT id, value, CASE WHEN value IS NULL THEN 'missing' ELSE 'value' END, count FROM vocab${index}
       ORDER BY id
     ) TO ${text(file)} (FORMAT parquet)`,
  );
}

/** What reading a written split back tells. */
export interface SplitFacts {
  rows: number;
  positives: number;
  contents: string;
  /** Per field, the share of its ids that are 0. */
  outOfVocabulary: number[];
}

const BLOCK = 1 << 16;

/** Streams a split once, in bounded memory, through the same checks as loading it. */
export async function inspectSplit(duck: Duck, folder: string, layout: SplitColumns): Promise<SplitFacts> {
  const columns = 1 + (layout.users ? 1 : 0) + layout.fields.length;
  const hashes = Array.from({ length: columns }, () => createHash("sha256"));
  const zeros = layout.fields.map(() => 0);
  const ids = layout.fields.map(() => 0);
  let rows = 0;
  let positives = 0;
  for await (const block of readSplit(duck, join(folder, layout.file), layout, BLOCK)) {
    let h = 0;
    for (let i = 0; i < block.rows; i++) positives += block.labels[i] as number;
    hashes[h++]?.update(bytesOf(block.labels));
    if (block.users) hashes[h++]?.update(bytesOf(block.users));
    for (const [f, column] of block.ids.entries()) {
      hashes[h++]?.update(bytesOf(column));
      let zero = 0;
      let real = 0;
      for (let i = 0; i < column.length; i++) {
        const id = column[i] as number;
        if (id === 0) zero++;
        if (id !== 0xffff_ffff) real++;
      }
      zeros[f] = (zeros[f] as number) + zero;
      ids[f] = (ids[f] as number) + real;
    }
    rows += block.rows;
  }
  const contents = createHash("sha256");
  for (const hash of hashes) contents.update(hash.digest());
  return {
    rows,
    positives,
    contents: contents.digest("hex"),
    outOfVocabulary: zeros.map((zero, f) => zero / Math.max(1, ids[f] as number)),
  };
}

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
