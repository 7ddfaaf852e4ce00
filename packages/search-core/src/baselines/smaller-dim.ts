/** The plainest baseline: one smaller dim for every field, with or without a projection back to the base dim. */
import { perField, type Scheme, uniform } from "@trimtab/embeddings";
import { z } from "zod";
import { costOf, type Limit, meets } from "../budget.ts";
import { defineSearcher } from "../searcher.ts";
import { baseDim, type Task } from "../task.ts";

const schema = z.strictObject({});

function schemeOf(task: Task, dim: number, projected: boolean): Scheme {
  const { fields } = task;
  if (!projected) return uniform(fields, dim);
  return perField(
    fields,
    fields.map(() => dim),
    { base: baseDim(task.model), projection: "linear" },
  );
}

function largest(task: Task, limit: Limit, projected: boolean): Scheme | undefined {
  for (let dim = baseDim(task.model); dim >= 1; dim--) {
    const scheme = schemeOf(task, dim, projected);
    if (meets(scheme, limit)) return scheme;
  }
  return undefined;
}

function define(name: string, projected: boolean) {
  return defineSearcher({
    name,
    config: schema,
    check: (task, limit) => {
      if (largest(task, limit, projected)) return undefined;
      const least = costOf(schemeOf(task, 1, projected), limit);
      return `dim 1 already costs ${least} ${limit.unit}, the budget is ${limit.value}`;
    },
    run: async (task, limits) => {
      const found = limits.map((limit) => ({ budget: limit.text, scheme: largest(task, limit, projected)! }));
      return { found, notes: {} };
    },
  });
}

/** The largest uniform dim within the budget; the model itself becomes that narrow. */
export const smallerDim = define("smaller-dim", false);
/** The same tables, each projected to the base dim by a linear map of its own. */
export const smallerDimProjected = define("smaller-dim-projected", true);
