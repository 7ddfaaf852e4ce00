/** A line for each field: what it costs, what it is worth, and who dropped it. */
import type { FieldSpec } from "@trimtab/embeddings";
import type { FieldLine, Point } from "./model.ts";
import type { SearchNotes } from "./source.ts";

export function fieldLines(
  fields: readonly FieldSpec[],
  points: readonly Point[],
  uniformBytes: number,
  notes: readonly SearchNotes[],
): FieldLine[] {
  const rows = fields.reduce((n, field) => n + field.rows, 0);
  // the uniform table's bytes are its rows times one number of bytes, whatever the dim was
  const bytesOf = (field: FieldSpec) => Math.round((uniformBytes * field.rows) / rows);
  const saliency = meanOf(notes.flatMap((search) => saliencyOf(search, fields) ?? []));
  const importance = meanOf(notes.flatMap((search) => importanceOf(search, fields) ?? []));
  return fields.map((field, f) => ({
    name: field.name,
    ids: field.rows,
    bytes: bytesOf(field),
    share: field.rows / rows,
    saliency: saliency?.[f] ?? null,
    importance: importance?.[f] ?? null,
    droppedBy: points.flatMap(({ method, budget, shape, seeds }) =>
      budget === null || shape.dropped[f] === 0
        ? []
        : [{ method, budget, seeds: shape.dropped[f]!, of: seeds.length }],
    ),
  }));
}

/** SSEDS keeps the saliency of every (field, dim); a field's is their sum, as a part of the whole. */
function saliencyOf({ notes }: SearchNotes, fields: readonly FieldSpec[]): number[][] | undefined {
  const { saliency } = notes;
  if (!Array.isArray(saliency) || saliency.length !== fields.length) return undefined;
  const sums = saliency.map((line: unknown) =>
    Array.isArray(line) ? line.reduce((sum: number, v: unknown) => sum + Number(v), 0) : Number.NaN,
  );
  const whole = sums.reduce((a, b) => a + b, 0);
  return Number.isFinite(whole) && whole > 0 ? [sums.map((sum) => sum / whole)] : undefined;
}

/** AdaS&S keeps one number a field, by name. */
function importanceOf({ notes }: SearchNotes, fields: readonly FieldSpec[]): number[][] | undefined {
  const { importance } = notes;
  if (typeof importance !== "object" || importance === null) return undefined;
  const values = fields.map(({ name }) => Number((importance as Record<string, unknown>)[name]));
  return values.every(Number.isFinite) ? [values] : undefined;
}

function meanOf(lines: readonly (readonly number[])[]): number[] | undefined {
  return lines[0]?.map((_, f) => lines.reduce((sum, line) => sum + line[f]!, 0) / lines.length);
}
