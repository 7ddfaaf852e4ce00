// Warns of a field that predicts the label alone: such a field is mostly the label in disguise.

import type { Duck } from "../duck.ts";
import { name, text } from "../duck.ts";
import type { Warning } from "../manifest.ts";
import { slotColumn } from "../reader.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * Validation AUC of one field's training label means from which on it is called a leak. The best single fields of the
 * four public sets reach 0.927 (Frappe's item), 0.808, 0.723 and 0.675; 0.98 leaves room for an honest good one.
 */
export const LEAK_AUC = 0.98;

/** AUC on valid of scoring each row by the smoothed mean label its ids had in training. Ties are averaged. */
export async function fieldAuc(
  duck: Duck,
  vocabulary: Vocabulary,
  train: string,
  valid: string,
): Promise<number> {
  const { field, slots } = vocabulary;
  const key = Array.from({ length: slots }, (_, s) => name(slotColumn(field.name, slots, s)));
  const k = key.length === 1 ? key[0] : `list_value(${key.join(", ")})`;
  // One prior row per value: enough to keep a value seen once from being certain.
  const { auc } = await duck.row<{ auc: number | null }>(
    `WITH p AS (SELECT avg(":label") AS prior FROM read_parquet(${text(train)})),
     t AS (SELECT ${k} AS k, sum(":label") AS s, count(*) AS n FROM read_parquet(${text(train)}) GROUP BY 1),
     v AS (SELECT ${k} AS k, sum(":label") AS pos, count(*) - sum(":label") AS neg
           FROM read_parquet(${text(valid)}) GROUP BY 1),
     g AS (SELECT coalesce((t.s + prior) / (t.n + 1), prior) AS score, sum(pos) AS pos, sum(neg) AS neg
           FROM v LEFT JOIN t USING (k), p GROUP BY 1),
     c AS (SELECT pos, neg, sum(neg) OVER (ORDER BY score) AS upto FROM g)
     SELECT CAST(sum(pos * (upto - neg / 2.0)) AS DOUBLE) / (CAST(sum(pos) AS DOUBLE) * CAST(sum(neg) AS DOUBLE)) AS auc FROM c`,
  );
  return auc ?? 0.5;
}

/** A warning for each field whose {@link fieldAuc} is {@link LEAK_AUC} or more. */
export async function leakWarnings(
  duck: Duck,
  vocabularies: readonly Vocabulary[],
  train: string,
  valid: string,
): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const vocabulary of vocabularies) {
    const auc = await fieldAuc(duck, vocabulary, train, valid);
    if (auc < LEAK_AUC) continue;
    const { name: field } = vocabulary.field;
    warnings.push({
      code: "predicts-label",
      field,
      message: `Field "${field}" alone predicts the label of validation rows with AUC ${auc.toFixed(4)}: does it hold the label, or something known only after it? Leave it out if so.`,
    });
  }
  return warnings;
}
