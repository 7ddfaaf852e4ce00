/** Random dims: slots (field, dim) taken in random order while they fit. What a search must beat to have found anything. */

import { Random } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { everyField, isReadable, leastDims, projectionSchema, readsNothing, schemeOfDims } from "../dims.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";

const schema = z.strictObject({
  /** Fewest dims a field keeps; "auto": one, as long as the budget allows it in every field. */
  minDim: z.union([z.literal(0), z.literal(1), z.literal("auto")]).default("auto"),
  projection: projectionSchema,
});

type Config = z.output<typeof schema>;

function draw(task: Task, limit: Limit, config: Config): Scheme {
  const { projection } = config;
  const most = baseDim(task.model);
  const start = leastDim(task, limit, config);
  const dims = task.fields.map(() => start);
  const slots = task.fields.flatMap((_, f) => Array.from({ length: most - start }, () => f));
  const random = new Random(task.seed);
  for (let i = slots.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [slots[i], slots[j]] = [slots[j]!, slots[i]!];
  }
  for (const f of slots) {
    dims[f]!++;
    if (!meets(schemeOfDims(task, dims, projection), limit)) dims[f]!--;
  }
  const enough = isReadable(task, dims);
  return schemeOfDims(task, enough ? dims : leastDims(task, limit, projection), projection);
}

function leastDim(task: Task, limit: Limit, { minDim, projection }: Config): 0 | 1 {
  if (minDim !== "auto") return minDim;
  return meets(everyField(task, 1, projection), limit) ? 1 : 0;
}

export const randomDims = defineSearcher({
  name: "random-dims",
  config: schema,
  check: (task, limit, config) => {
    if (leastDim(task, limit, config) === 0) return readsNothing(task, limit, config.projection);
    const least = everyField(task, 1, config.projection);
    if (meets(least, limit)) return undefined;
    return `dim 1 in every field already costs ${costOf(least, limit)} ${limit.unit}, the budget is ${limit.value}`;
  },
  run: async (task, limits, config) => {
    const found = limits.map((limit) => ({ budget: limit.text, scheme: draw(task, limit, config) }));
    return { found, notes: {} };
  },
});
