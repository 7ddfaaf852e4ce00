/**
 * Dims by entropy: a field whose ids spread over many values tells more than one where a few values fill the log. Dims are given out
 * one at a time, each to the field where it is worth most, until the budget has no room for any other.
 */
import { setImmediate } from "node:timers/promises";
import { perField, type Scheme } from "@trimtab/embeddings";
import { baseDim, defineSearcher, Interrupted, type Limit, meets, type Task } from "@trimtab/search-core";
import { z } from "zod";

const config = z.strictObject({
  /** How much the rows of a field count against it: 0 not at all, 1 as much as they cost. */
  thrift: z.number().min(0).max(1).default(0.5),
});

function schemeOf(task: Task, dims: readonly number[]): Scheme {
  return perField(task.fields, [...dims], { base: baseDim(task.model), projection: "positions" });
}

/** Bits that one id of the field tells; unused places of fields with several ids hold none. */
function entropy(ids: Uint32Array, rows: number): number {
  const counts = new Float64Array(rows);
  for (const id of ids) if (id < rows) counts[id]!++;
  const total = counts.reduce((sum, n) => sum + n, 0);
  return counts.reduce((bits, n) => (n > 0 ? bits - (n / total) * Math.log2(n / total) : bits), 0);
}

/** A field's second dim is worth half of its first, its third a third. */
function fill(task: Task, limit: Limit, worth: readonly number[]): number[] {
  const dims = worth.map(() => 0);
  const open = new Set(dims.keys());
  const next = (f: number) => worth[f]! / (dims[f]! + 1);
  while (open.size > 0) {
    const best = [...open].reduce((a, b) => (next(b) > next(a) ? b : a));
    dims[best]!++;
    if (dims[best]! <= baseDim(task.model) && meets(schemeOf(task, dims), limit)) continue;
    dims[best]!--;
    open.delete(best);
  }
  return dims;
}

export const searcher = defineSearcher({
  name: "my-method",
  config,
  check: (task, limit) => {
    const one = task.fields.map((_, f) => task.fields.map((_, g) => (f === g ? 1 : 0)));
    return one.some((dims) => meets(schemeOf(task, dims), limit)) ? undefined : "no field's first dim fits";
  },
  run: async (task, limits, { thrift }, emit) => {
    const { train, fields } = await task.splits();
    const bits: number[] = [];
    for (const [f, { rows }] of fields.entries()) {
      await setImmediate(); // lets Ctrl-C in
      if (task.signal?.aborted) throw new Interrupted("my-method: stopped; run it again to count anew.");
      bits.push(entropy(train.ids[f]!, rows));
      emit({ kind: "progress", what: "fields counted", done: f + 1, total: fields.length });
    }
    const worth = bits.map((b, f) => b / fields[f]!.rows ** thrift);
    const found = limits.map((limit) => ({
      budget: limit.text,
      scheme: schemeOf(task, fill(task, limit, worth)),
    }));
    return { found, notes: { bits: Object.fromEntries(fields.map(({ name }, f) => [name, bits[f]])) } };
  },
});
