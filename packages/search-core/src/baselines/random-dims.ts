/** Random dims: slots (field, dim) taken in random order while they fit. What a search must beat to have found anything. */

import { Random } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";
import { schemeOfDims } from "./dims.ts";

const schema = z.strictObject({
  /** Fewest dims a field keeps. */
  minDim: z.union([z.literal(0), z.literal(1)]).default(1),
});

function draw(task: Task, limit: Limit, minDim: number): Scheme {
  const most = baseDim(task.model);
  const dims = task.fields.map(() => minDim);
  const slots = task.fields.flatMap((_, f) => Array.from({ length: most - minDim }, () => f));
  const random = new Random(task.seed);
  for (let i = slots.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [slots[i], slots[j]] = [slots[j]!, slots[i]!];
  }
  let scheme = schemeOfDims(task, dims);
  for (const f of slots) {
    dims[f]!++;
    const larger = schemeOfDims(task, dims);
    if (meets(larger, limit)) scheme = larger;
    else dims[f]!--;
  }
  return scheme;
}

export const randomDims = defineSearcher({
  name: "random-dims",
  config: schema,
  check: (task, limit, { minDim }) => {
    const least = schemeOfDims(
      task,
      task.fields.map(() => minDim),
    );
    if (meets(least, limit)) return undefined;
    return `dim ${minDim} in every field already costs ${costOf(least, limit)} ${limit.unit}, the budget is ${limit.value}`;
  },
  run: async (task, limits, { minDim }) => {
    const found = limits.map((limit) => ({ budget: limit.text, scheme: draw(task, limit, minDim) }));
    return { found, notes: {} };
  },
});
