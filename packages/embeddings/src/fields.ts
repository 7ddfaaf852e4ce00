/** Fields as schemes see them, and which of them share a table. */
import { z } from "zod";
import { SchemeError } from "./errors.ts";

export interface FieldSpec {
  readonly name: string;
  /** n_f: rows of the field, row 0 (out of vocabulary) included. */
  readonly rows: number;
  /** Ids of one row of data; above 1 the field is multi-valued and its vectors are mean-pooled. */
  readonly slots: number;
}

/**
 * Which row an id of a hashed field gets (`hashedRow` of the data package). "mixed": by a hash, so that chance decides which ids share one.
 * "modulo": by the id itself; where ids are numbered by falling frequency, the most frequent ones never share a row with each other.
 */
export const HASH_RULES = ["mixed", "modulo"] as const;
export type HashRule = (typeof HASH_RULES)[number];

/**
 * Which fields share a table and where each field's rows start: row of a value = base + id; with `hash` the field has fewer
 * rows than ids, and whoever makes batches computes the row. The data package has the same type (it imports nothing of ours); neither
 * is readonly, so that each can be handed to the other.
 */
export interface TableLayout {
  name: string;
  /** Rows of the whole table. */
  rows: number;
  /** `field` is an index into the fields of the scheme (and of the dataset). */
  fields: { field: number; base: number; hash?: { rows: number; rule: HashRule } }[];
}

export const fieldSchema = z.strictObject({
  name: z.string().min(1),
  rows: z.int().positive(),
  slots: z.int().positive(),
});

/** A field and a column share 32 bits of a random key; the highest fields and columns are taken by other weights. */
export const MAX_FIELDS = 0xfff0;
export const MAX_DIM = 0xfff0;

// A search makes thousands of schemes over the same fields: they are checked and copied once.
const checked = new WeakSet<readonly FieldSpec[]>();

/** Frozen copies of the fields, with nothing but the keys of FieldSpec. Throws SchemeError on the first wrong one. */
export function ownFields(fields: readonly FieldSpec[]): readonly FieldSpec[] {
  if (checked.has(fields)) return fields;
  if (fields.length === 0 || fields.length > MAX_FIELDS) {
    throw new SchemeError(`scheme: ${fields.length} fields were given; a scheme has 1 to ${MAX_FIELDS}.`);
  }
  const names = new Set<string>();
  const own = fields.map(({ name, rows, slots }) => {
    if (typeof name !== "string" || name === "" || names.has(name)) {
      throw new SchemeError(`scheme: field name "${name}" is empty or taken; give every field its own name.`);
    }
    names.add(name);
    for (const [key, value] of Object.entries({ rows, slots })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new SchemeError(
          `scheme: field "${name}" has ${key} ${value}; ${key} must be a whole number from 1 up.`,
        );
      }
    }
    return Object.freeze({ name, rows, slots });
  });
  Object.freeze(own);
  checked.add(own);
  return own;
}

/** The layout of one table that holds `members` (indexes into `fields`) one after another. */
export function layoutOf(
  name: string,
  fields: readonly FieldSpec[],
  members: readonly number[] = fields.map((_, f) => f),
): TableLayout {
  let rows = 0;
  const placed = members.map((field) => {
    const base = rows;
    rows += fields[field]!.rows;
    return { field, base };
  });
  return { name, rows, fields: placed };
}

/** Ids one row of data has in a layout: the sum of its fields' slots. */
export function slotsOf(layout: TableLayout, fields: readonly FieldSpec[]): number {
  return layout.fields.reduce((n, { field }) => n + fields[field]!.slots, 0);
}

/** The most rows that a batch of `batch` rows can look up in a layout's table. */
export function touchedAtMost(layout: TableLayout, fields: readonly FieldSpec[], batch: number): number {
  return layout.fields.reduce((n, { field, hash }) => {
    const { rows, slots } = fields[field]!;
    return n + Math.min(hash?.rows ?? rows, batch * slots);
  }, 0);
}

/** True if a field of the layout is multi-valued, so that weights are fed beside the ids. */
export function isPooled(layout: TableLayout, fields: readonly FieldSpec[]): boolean {
  return layout.fields.some(({ field }) => fields[field]!.slots > 1);
}
