/**
 * Dims by field size: d_f proportional to n_f^-alpha (mixed dimension embeddings, Ginart et al., arXiv 1909.11810), the
 * factor found by bisection so that the budget is met. Ours: dims are whole numbers, not powers of two, and where one dim
 * in every field is over the budget the largest fields go.
 */
import type { Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { type Limit, meets } from "../budget.ts";
import {
  type DimsProjection,
  everyField,
  isReadable,
  leastDims,
  projectionSchema,
  readsNothing,
  schemeOfDims,
} from "../dims.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";

const schema = z.strictObject({
  /** 0: all fields alike; 1: every table of one size. */
  alpha: z.number().min(0).max(1).default(0.3),
  projection: projectionSchema,
});

function dimsAt(task: Task, alpha: number, factor: number, least: 0 | 1): number[] {
  const most = baseDim(task.model);
  return task.fields.map(({ rows }) => Math.max(least, Math.min(most, Math.floor(factor * rows ** -alpha))));
}

function largest(task: Task, limit: Limit, alpha: number, projection: DimsProjection): Scheme {
  const least = meets(everyField(task, 1, projection), limit) ? 1 : 0;
  let low = 0;
  let high = (baseDim(task.model) + 1) * Math.max(...task.fields.map((f) => f.rows)) ** alpha;
  let best = task.fields.map((): number => least);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const dims = dimsAt(task, alpha, middle, least);
    if (meets(schemeOfDims(task, dims, projection), limit)) {
      low = middle;
      best = dims;
    } else high = middle;
  }
  // the formula gives fields of one size one dim, all of them or none
  if (!isReadable(task, best)) best = leastDims(task, limit, projection);
  return schemeOfDims(task, best, projection);
}

export const dimsBySize = defineSearcher({
  name: "dims-by-size",
  config: schema,
  check: (task, limit, { projection }) => readsNothing(task, limit, projection),
  run: async (task, limits, { alpha, projection }) => {
    const found = limits.map((limit) => ({
      budget: limit.text,
      scheme: largest(task, limit, alpha, projection),
    }));
    return { found, notes: { alpha, projection } };
  },
});
