/** A line for each field: what it costs, what it is worth, and who dropped it. */
import type { FieldSpec } from "@trimtab/embeddings";
import { type Summary, summarize } from "@trimtab/eval";
import type { DropCosts } from "@trimtab/search-core";
import type { Occurrences } from "./frequency.ts";
import type { FieldLine, Point } from "./model.ts";
import type { SearchNotes } from "./source.ts";

export interface FieldFacts {
  readonly points: readonly Point[];
  /** Serve bytes of the uniform table. */
  readonly uniformBytes: number;
  readonly notes: readonly SearchNotes[];
  readonly dropCosts: readonly DropCosts[];
  readonly occurrences: Occurrences | undefined;
}

export function fieldLines(fields: readonly FieldSpec[], facts: FieldFacts): FieldLine[] {
  const { points, uniformBytes, notes, dropCosts, occurrences } = facts;
  const rows = fields.reduce((n, field) => n + field.rows, 0);
  // the uniform table's bytes are its rows times one number of bytes, whatever the dim was
  const bytesOf = (field: FieldSpec) => Math.round((uniformBytes * field.rows) / rows);
  const saliency = meanOf(notes.flatMap((search) => saliencyOf(search, fields) ?? []));
  const importance = meanOf(notes.flatMap((search) => importanceOf(search, fields) ?? []));
  const base = points.find(({ method }) => method === "base");
  return fields.map((field, f) => ({
    name: field.name,
    ids: field.rows,
    occurrences: meanOccurrences(occurrences?.[f]),
    bytes: bytesOf(field),
    share: field.rows / rows,
    dropCost: costOf(field.name, dropCosts),
    saliency: saliency?.[f] ?? null,
    importance: importance?.[f] ?? null,
    droppedBy: points.flatMap(({ method, budget, shape, seeds, auc }) => {
      if (budget === null || shape.dropped[f] === 0) return [];
      const same = base?.seeds.join() === seeds.join();
      const besideBase = same && auc && base?.auc ? auc.mean - base.auc.mean : null;
      return [{ method, budget, seeds: shape.dropped[f]!, of: seeds.length, besideBase }];
    }),
  }));
}

/** Over the seeds that measured it. */
function costOf(name: string, all: readonly DropCosts[]): Summary | null {
  const lost = all.flatMap(({ auc, fields }) => {
    const field = fields.find((one) => one.name === name);
    return field ? [auc - field.auc] : [];
  });
  return lost.length === 0 ? null : summarize(lost);
}

/** Over all ids but 0, everything unknown. */
function meanOccurrences(counts: Uint32Array | undefined): number | null {
  if (counts === undefined || counts.length < 2) return null;
  return counts.subarray(1).reduce((a, b) => a + b, 0) / (counts.length - 1);
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
