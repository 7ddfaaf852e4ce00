/** Schemes as JSON and as files. */
import { existsSync, readFileSync } from "node:fs";
import { writeWhole } from "@trimtab/tensor-core";
import { z } from "zod";
import { rowChunks } from "../chunks/scheme.ts";
import { decodeWords } from "../elements/bits.ts";
import { elements } from "../elements/elements.ts";
import { ELEMENT_LAYOUTS } from "../elements/layouts.ts";
import { SchemeFormatError } from "../errors.ts";
import { fieldSchema, HASH_RULES } from "../fields.ts";
import { hashed } from "./hashed.ts";
import { perField, uniform } from "./per-field.ts";
import type { Scheme } from "./scheme.ts";

const dim = z.int().nonnegative();

const uniformSchema = z.strictObject({
  kind: z.literal("uniform"),
  fields: z.array(fieldSchema).min(1),
  dim,
});

const perFieldSchema = z.strictObject({
  kind: z.literal("per-field"),
  fields: z.array(fieldSchema).min(1),
  dims: z.array(dim),
  base: dim,
  projection: z.enum(["linear", "positions", "none"]),
  columns: z.array(z.array(dim)).optional(),
});

const elementsSchema = z.strictObject({
  kind: z.literal("elements"),
  fields: z.array(fieldSchema).min(1),
  dim,
  /** Bitsets, base64. */
  masks: z.array(z.string()),
  layout: z.enum(ELEMENT_LAYOUTS).optional(),
});

const hashedSchema = z.strictObject({
  kind: z.literal("hashed"),
  fields: z.array(fieldSchema).min(1),
  dim,
  rows: z.array(z.int().positive()),
  rule: z.enum(HASH_RULES),
});

const chunksSchema = z.strictObject({
  kind: z.literal("chunks"),
  fields: z.array(fieldSchema).min(1),
  dim,
  chunks: z.int().positive(),
  /** Bitsets, base64. */
  masks: z.array(z.string()),
  layout: z.enum(ELEMENT_LAYOUTS).optional(),
});

const schemeSchema = z.discriminatedUnion("kind", [
  uniformSchema,
  perFieldSchema,
  elementsSchema,
  hashedSchema,
  chunksSchema,
]);

/**
 * The scheme that `toJSON` wrote. `source` names it in errors.
 * @throws SchemeFormatError on an unknown kind, an unknown key or a wrong type; SchemeError on dims that do not fit
 */
export function schemeFromJSON(json: unknown, source = "scheme"): Scheme {
  const parsed = schemeSchema.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    );
    throw new SchemeFormatError(
      `${source}: ${problems.join("; ")}; expected a uniform, per-field, elements, hashed or chunks scheme as saveScheme writes it.`,
    );
  }
  const s = parsed.data;
  if (s.kind === "uniform") return uniform(s.fields, s.dim);
  if (s.kind === "per-field") return perField(s.fields, s.dims, s);
  if (s.kind === "hashed") return hashed(s.fields, s);
  const masks = s.masks.map((text, f) => {
    const words = decodeWords(text);
    if (words) return words;
    throw new SchemeFormatError(`${source}: masks.${f}: is not base64 of 32-bit words; the file is damaged.`);
  });
  const { dim, layout } = s;
  if (s.kind === "chunks") return rowChunks(s.fields, { dim, chunks: s.chunks, masks, layout });
  return elements(s.fields, { dim, masks, layout });
}

/** Writes a scheme as JSON; the file is whole or as it was before. */
export function saveScheme(path: string, scheme: Scheme): void {
  writeWhole(path, [new TextEncoder().encode(`${JSON.stringify(scheme.toJSON(), null, 1)}\n`)]);
}

/** Reads what saveScheme wrote. @throws SchemeFormatError naming the file */
export function loadScheme(path: string): Scheme {
  if (!existsSync(path)) {
    throw new SchemeFormatError(`${path}: no such file; run a search first or give another path.`);
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new SchemeFormatError(`${path}: is not JSON; it is damaged or not a scheme file.`);
  }
  return schemeFromJSON(json, path);
}
