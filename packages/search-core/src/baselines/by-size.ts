/**
 * Dims by field size: d_f proportional to n_f^-alpha (mixed dimension embeddings, Ginart et al., arXiv 1909.11810), the
 * factor found by bisection so that the budget is met. Ours: dims are whole numbers, not powers of two.
 */
import type { Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";
import { schemeOfDims } from "./dims.ts";

const schema = z.strictObject({
  /** 0: all fields alike; 1: every table of one size. */
  alpha: z.number().min(0).max(1).default(0.3),
});

function dimsAt(task: Task, alpha: number, factor: number): number[] {
  const most = baseDim(task.model);
  return task.fields.map(({ rows }) => Math.max(1, Math.min(most, Math.floor(factor * rows ** -alpha))));
}

function largest(task: Task, limit: Limit, alpha: number): Scheme | undefined {
  const ones = schemeOfDims(
    task,
    task.fields.map(() => 1),
  );
  if (!meets(ones, limit)) return undefined;
  let low = 0;
  let high = baseDim(task.model) * Math.max(...task.fields.map((f) => f.rows)) ** alpha + 1;
  let best = ones;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const scheme = schemeOfDims(task, dimsAt(task, alpha, middle));
    if (meets(scheme, limit)) {
      low = middle;
      best = scheme;
    } else high = middle;
  }
  return best;
}

export const dimsBySize = defineSearcher({
  name: "dims-by-size",
  config: schema,
  check: (task, limit, { alpha }) => {
    if (largest(task, limit, alpha)) return undefined;
    const least = costOf(
      schemeOfDims(
        task,
        task.fields.map(() => 1),
      ),
      limit,
    );
    return `dim 1 in every field already costs ${least} ${limit.unit}, the budget is ${limit.value}`;
  },
  run: async (task, limits, { alpha }) => {
    const found = limits.map((limit) => ({ budget: limit.text, scheme: largest(task, limit, alpha)! }));
    return { found, notes: { alpha } };
  },
});
