// Vocabularies from the training split alone, and the SQL that turns a value into its id.
//
// Table `vocab{k}` (id, value, count) has the rows above 0 of field k, commonest first. Row 0 is out of vocabulary.

import { type Duck, text } from "../duck.ts";
import type { Warning } from "../manifest.ts";
import type { Buckets, FieldSchema, LogSchema, MissingRule } from "../schema.ts";

/** A field's vocabulary, and how its ids are read from the table `log`. */
export interface Vocabulary {
  field: FieldSchema;
  index: number;
  rows: number;
  slots: number;
  minCount: number;
  distinct: number;
  missing: { rule: MissingRule; id?: number; train: number };
  buckets?: { by: Buckets["by"]; edges?: number[] };
  truncatedRows?: number;
  /** For FROM, after `log`. */
  join: string;
  /** One SQL expression a slot, UINTEGER. */
  ids: string[];
}

/** Below it all numbers share a bucket: BIGINT ends somewhere. (Not by greatest, which takes NULL for nothing.) */
const LEAST = Number.MIN_SAFE_INTEGER;

/** SQL of the bucket of a number, as text; NULL of NULL. */
export function bucketSql(buckets: Buckets, value: string, edges: readonly number[]): string {
  if (buckets.by === "log2") {
    // From 3 on floor(ln(v)^2); small and negative integers keep a bucket each, shifted below the others.
    return `CAST(CAST(CASE WHEN ${value} > 2 THEN floor(ln(${value}) * ln(${value})) WHEN ${value} < ${LEAST} THEN ${LEAST} ELSE floor(${value}) - 2 END AS BIGINT) AS VARCHAR)`;
  }
  const cases = edges.map((edge, k) => `WHEN ${value} <= ${literal(edge)} THEN '${k}'`).join(" ");
  return `CASE WHEN ${value} IS NULL THEN NULL ${cases} ELSE '${edges.length}' END`;
}

// Printed as a DOUBLE with all its digits: a bare 0.1 would be a DECIMAL.
const literal = (n: number): string => `CAST('${n}' AS DOUBLE)`;

async function quantiles(duck: Duck, value: string, count: number): Promise<number[]> {
  const cuts = Array.from({ length: count - 1 }, (_, k) => (k + 1) / count);
  const list = cuts.map((q) => `min(v) FILTER (upto >= ${q} * total)`).join(", ");
  const found = await duck.row<Record<string, number | null>>(
    `WITH c AS (SELECT ${value} AS v, count(*) AS n FROM log WHERE split = 0 AND ${value} IS NOT NULL GROUP BY v),
          s AS (SELECT v, sum(n) OVER (ORDER BY v) AS upto, sum(n) OVER () AS total FROM c)
     SELECT ${list} FROM s`,
  );
  const edges = Object.values(found).filter((edge) => edge !== null);
  // A value common enough to span several quantiles takes one bucket; the last edge must leave something above it.
  return [...new Set(edges)];
}

/** Builds the vocabulary of field `index`. */
export async function buildVocabulary(
  duck: Duck,
  schema: LogSchema,
  index: number,
  minCountOption: number | undefined,
): Promise<Vocabulary> {
  const field = schema.fields[index] as FieldSchema;
  const minCount = minCountOption ?? field.minCount ?? schema.minCount;
  const rule = field.missing ?? schema.missing.rule;
  const vocabulary: Vocabulary = {
    field,
    index,
    rows: 1,
    slots: 1,
    minCount,
    distinct: 0,
    missing: { rule, train: 0 },
    join: "",
    ids: [],
  };
  let value = `log.v${index}`;
  if (field.kind === "numeric") {
    const buckets: Buckets = field.buckets ?? { by: "quantiles", count: 32 };
    let edges: number[] = [];
    if (buckets.by === "edges") edges = buckets.edges;
    if (buckets.by === "quantiles") edges = await quantiles(duck, value, buckets.count);
    vocabulary.buckets = buckets.by === "log2" ? { by: "log2" } : { by: buckets.by, edges };
    value = bucketSql(buckets, value, edges);
  }
  if (field.kind === "multi") await countMulti(duck, schema, field, index);
  else {
    await duck.run(
      `CREATE TABLE count${index} AS SELECT ${value} AS value, count(*) AS count FROM log WHERE split = 0 GROUP BY 1`,
    );
  }
  const { distinct, missing } = await duck.row<{ distinct: number; missing: number | null }>(
    `SELECT count(*) FILTER (value IS NOT NULL) AS distinct, sum(count) FILTER (value IS NULL) AS missing FROM count${index}`,
  );
  vocabulary.distinct = distinct;
  vocabulary.missing.train = missing ?? 0;
  // Ties go by the value's bytes, so ids do not depend on threads. NULL is the missing value's own row.
  const keep = rule === "own" ? "" : "AND value IS NOT NULL";
  await duck.run(
    `CREATE TABLE vocab${index} AS
     SELECT CAST(row_number() OVER (ORDER BY count DESC, value NULLS FIRST) AS UINTEGER) AS id, value, count
     FROM count${index} WHERE count >= ${minCount} ${keep}`,
  );
  await duck.run(`DROP TABLE count${index}`);
  const { n, own } = await duck.row<{ n: number; own: number | null }>(
    `SELECT count(*) AS n, min(id) FILTER (value IS NULL) AS own FROM vocab${index}`,
  );
  vocabulary.rows = n + 1;
  if (own !== null) vocabulary.missing.id = own;
  if (field.kind === "multi") await encodeMulti(duck, vocabulary);
  else {
    vocabulary.join = `LEFT JOIN vocab${index} ON ${value} = vocab${index}.value`;
    vocabulary.ids = [
      `CAST(CASE WHEN log.v${index} IS NULL THEN ${own ?? 0} ELSE coalesce(vocab${index}.id, 0) END AS UINTEGER)`,
    ];
  }
  return vocabulary;
}

// A multi-valued column has far fewer distinct texts than rows, so the texts are split once each.
// part{k} (raw, value, pos): every distinct value of a text with the place it first has.
async function countMulti(duck: Duck, schema: LogSchema, field: FieldSchema, index: number): Promise<void> {
  const missing = ["", ...schema.missing.values].map(text).join(", ");
  const pieces = `string_split(raw, ${text(field.separator)})`;
  await duck.run(
    `CREATE TABLE raw${index} AS SELECT v${index} AS raw, count(*) AS n, count(*) FILTER (split = 0) AS train
     FROM log GROUP BY v${index}`,
  );
  await duck.run(
    `CREATE TABLE part${index} AS SELECT raw, value, min(pos) AS pos FROM (
       SELECT raw, trim(unnest(${pieces})) AS value, generate_subscripts(${pieces}, 1) AS pos
       FROM raw${index} WHERE raw IS NOT NULL
     ) WHERE value NOT IN (${missing}) GROUP BY raw, value`,
  );
  await duck.run(
    `CREATE TABLE count${index} AS
     SELECT value, CAST(sum(train) AS BIGINT) AS count FROM part${index} JOIN raw${index} USING (raw)
     WHERE train > 0 GROUP BY value
     UNION ALL
     SELECT NULL, CAST(sum(train) AS BIGINT) FROM raw${index}
     WHERE raw IS NULL OR raw NOT IN (SELECT raw FROM part${index}) HAVING sum(train) > 0`,
  );
}

// slots{k} (raw, ids): the ids of a text, in order, each once; several rare values share one id 0.
async function encodeMulti(duck: Duck, vocabulary: Vocabulary): Promise<void> {
  const { index, field } = vocabulary;
  await duck.run(
    `CREATE TABLE slots${index} AS SELECT raw, list(id ORDER BY pos) AS ids FROM (
       SELECT raw, coalesce(id, 0) AS id, min(pos) AS pos
       FROM part${index} LEFT JOIN vocab${index} USING (value) GROUP BY raw, coalesce(id, 0)
     ) GROUP BY raw`,
  );
  const { most } = await duck.row<{ most: number | null }>(
    `SELECT max(len(ids)) AS most FROM slots${index} JOIN raw${index} USING (raw) WHERE train > 0`,
  );
  vocabulary.slots = Math.max(1, Math.min(most ?? 1, field.maxValues));
  const { cut } = await duck.row<{ cut: number | null }>(
    `SELECT CAST(sum(n) AS BIGINT) AS cut FROM slots${index} JOIN raw${index} USING (raw) WHERE len(ids) > ${vocabulary.slots}`,
  );
  vocabulary.truncatedRows = cut ?? 0;
  await duck.run(`DROP TABLE part${index}`);
  await duck.run(`DROP TABLE raw${index}`);
  vocabulary.join = `LEFT JOIN slots${index} ON log.v${index} = slots${index}.raw`;
  const none = vocabulary.missing.id ?? 0;
  vocabulary.ids = Array.from({ length: vocabulary.slots }, (_, s) =>
    s === 0
      ? `CAST(coalesce(slots${index}.ids[1], ${none}) AS UINTEGER)`
      : `CAST(coalesce(slots${index}.ids[${s + 1}], 4294967295) AS UINTEGER)`,
  );
}

/** What is odd about a vocabulary. A field with nearly one value a row can only be memorised. */
export function vocabularyWarnings(vocabulary: Vocabulary, trainRows: number): Warning[] {
  const { field, distinct, missing, rows } = vocabulary;
  const warnings: Warning[] = [];
  const present = trainRows - missing.train;
  // Below 100 rows nearly every real field looks unique.
  if (field.kind === "categorical" && present >= 100 && distinct >= 0.9 * present) {
    warnings.push({
      code: "nearly-unique",
      field: field.name,
      message: `Field "${field.name}" has ${distinct} values in ${present} training rows, nearly one value a row: a row number or a key? It can leak or only be memorised; leave it out or raise its minCount.`,
    });
  }
  if (distinct === 0 && rows > 1) {
    warnings.push({
      code: "empty-vocabulary",
      field: field.name,
      message: `Field "${field.name}" has no value in any training row: all its ids are that of a missing one.`,
    });
  }
  if (rows === 1) {
    warnings.push({
      code: "empty-vocabulary",
      field: field.name,
      message: `Field "${field.name}" has no value that occurs ${vocabulary.minCount} times in training: all its ids are 0.`,
    });
  }
  return warnings;
}
