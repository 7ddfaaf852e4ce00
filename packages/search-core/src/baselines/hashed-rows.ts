/**
 * Hashing to fewer rows (the hashing trick, Weinberger et al., 2009): every vector keeps the base dim, but ids share rows. Rows are kept
 * in proportion to the ids of a field; small fields, where sharing would cost much and save nothing, keep all of theirs.
 */
import { type FieldSpec, HASH_RULES, type HashedScheme, hashed } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim } from "../task.ts";

const schema = z.strictObject({
  /** Fields of at most so many ids keep all their rows, and larger ones keep at least so many; lowered where the budget is too small for it. */
  floor: z.int().min(2).default(64),
  /**
   * Which ids share a row. "mixed": chance decides, as elsewhere. "modulo": ids are numbered by falling frequency, so the commonest never
   * share with each other. Ours; a stronger opponent, which needs the counts that a vocabulary has anyway.
   */
  rule: z.enum(HASH_RULES).default("mixed"),
});

export type HashedRowsConfig = z.output<typeof schema>;

/** The id 0 of a field has a row, and the others need one more. */
const LEAST = 2;

function rowsAt(fields: readonly FieldSpec[], share: number, floor: number): number[] {
  return fields.map(({ rows }) => Math.min(rows, Math.max(floor, Math.floor(share * rows))));
}

/** The most rows within the limit. Throws if even the fewest are over it, which `hashedRowsCannot` tells before. */
export function mostHashedRows(
  fields: readonly FieldSpec[],
  dim: number,
  limit: Limit,
  { floor, rule }: HashedRowsConfig,
): HashedScheme {
  const schemeOf = (share: number, least: number) =>
    hashed(fields, { dim, rows: rowsAt(fields, share, least), rule });
  const fits = (share: number, least: number) => meets(schemeOf(share, least), limit);
  if (!fits(0, floor)) {
    let [low, high] = [LEAST, floor];
    // invariant: `low` fits, `high` does not
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (fits(0, middle)) low = middle;
      else high = middle;
    }
    return schemeOf(0, low);
  }
  if (fits(1, floor)) return schemeOf(1, floor);
  let [low, high] = [0, 1];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (fits(middle, floor)) low = middle;
    else high = middle;
  }
  return schemeOf(low, floor);
}

/** Why no number of rows meets the limit, or undefined. */
export function hashedRowsCannot(
  fields: readonly FieldSpec[],
  dim: number,
  limit: Limit,
): string | undefined {
  if (limit.unit === "slots") {
    return "slots are dims of whole fields, but rows are kept here; write it in bytes or parameters";
  }
  const least = hashed(fields, { dim, rows: rowsAt(fields, 0, LEAST) });
  if (meets(least, limit)) return undefined;
  return `two rows of dim ${dim} in each field already cost ${costOf(least, limit)} ${limit.unit}, the budget is ${limit.value}`;
}

export const hashedRows = defineSearcher({
  name: "hashed-rows",
  config: schema,
  check: (task, limit) => hashedRowsCannot(task.fields, baseDim(task.model), limit),
  run: async (task, limits, config) => {
    const dim = baseDim(task.model);
    const found = limits.map((limit) => ({
      budget: limit.text,
      scheme: mostHashedRows(task.fields, dim, limit, config),
    }));
    return { found, notes: { ...config } };
  },
});
