/** Random dims: slots (field, dim) taken in random order while they fit. What a search must beat to have found anything. */

import { Random } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";
import { everyField, projectionSchema, schemeOfDims } from "./dims.ts";

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
  let scheme = schemeOfDims(task, dims, projection);
  for (const f of slots) {
    dims[f]!++;
    const larger = schemeOfDims(task, dims, projection);
    if (meets(larger, limit)) scheme = larger;
    else dims[f]!--;
  }
  return scheme;
}

function leastDim(task: Task, limit: Limit, { minDim, projection }: Config): 0 | 1 {
  if (minDim !== "auto") return minDim;
  return meets(everyField(task, 1, projection), limit) ? 1 : 0;
}

export const randomDims = defineSearcher({
  name: "random-dims",
  config: schema,
  check: (task, limit, config) => {
    const least = everyField(task, leastDim(task, limit, config), config.projection);
    if (meets(least, limit)) return undefined;
    return `dim ${config.minDim} in every field already costs ${costOf(least, limit)} ${limit.unit}, the budget is ${limit.value}`;
  },
  run: async (task, limits, config) => {
    const found = limits.map((limit) => ({ budget: limit.text, scheme: draw(task, limit, config) }));
    return { found, notes: {} };
  },
});
