/** How many numbers share a threshold, and what the thresholds cost. */
import type { FieldSpec } from "@trimtab/embeddings";
import type { Rule } from "@trimtab/tensor-core";

/**
 * One threshold for: everything; each dim; each field; each feature (row); each dim of each field; each single number. The
 * paper's are all but those of fields, which its released code adds.
 */
export const granularities = ["global", "dim", "field", "feature", "field_dim", "feature_dim"] as const;

export type Granularity = (typeof granularities)[number];

/** Thresholds there are, for fields of one dim. */
export function thresholdCount(granularity: Granularity, fields: readonly FieldSpec[], dim: number): number {
  const rows = fields.reduce((n, f) => n + f.rows, 0);
  const count: Record<Granularity, number> = {
    global: 1,
    dim,
    field: fields.length,
    feature: rows,
    field_dim: fields.length * dim,
    feature_dim: rows * dim,
  };
  return count[granularity];
}

/** True if every row has thresholds of its own, which are looked up beside it. */
export function isByRow(granularity: Granularity): boolean {
  return granularity === "feature" || granularity === "feature_dim";
}

/** Bytes on the device for the thresholds of a granularity: themselves, the optimizer's state and its stamps of touched rows. */
export function thresholdBytes(
  granularity: Granularity,
  fields: readonly FieldSpec[],
  dim: number,
  rule: Rule,
): number {
  const rows = fields.reduce((n, f) => n + f.rows, 0);
  const still = rule.rowsOnly || (rule.zeroGradientIsStill && rule.l2 === 0 && rule.decay === 0);
  const stamps = isByRow(granularity) && !still ? rows : 0;
  return (thresholdCount(granularity, fields, dim) * (1 + rule.slots.length) + stamps) * 4;
}
