// Dims of fields, however they are found, must leave the model something to read.
import { expect, test } from "bun:test";
import type { Dataset } from "@trimtab/data";
import { deepfm, dlrm, dnn, fm, hasEnough, type ModelConfig } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import {
  costOf,
  dimsBySize,
  limitOf,
  meets,
  parseBudget,
  randomDims,
  schemeOfDims,
  Task,
} from "../src/index.ts";

const MODELS: ModelConfig[] = [
  fm({ dim: 4 }),
  dnn({ dim: 4 }),
  deepfm({ dim: 4 }),
  dlrm({ dim: 4 }),
  dlrm({ dim: 4, dense: ["f1"] }),
];
const SEARCHERS = [
  dimsBySize({ alpha: 0 }),
  dimsBySize(),
  dimsBySize({ alpha: 1, projection: "linear" }),
  randomDims(),
  randomDims({ minDim: 0, projection: "linear" }),
];

test("law: what is found within a budget can be built; a budget is refused where nothing can", async () => {
  const rows = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 4 });
  await asyncLaw(
    fc.asyncProperty(
      rows,
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom(...MODELS),
      fc.constantFrom(...SEARCHERS),
      async (sizes, bytes, model, searcher) => {
        const fields = sizes.map((n, i) => ({ name: `f${i}`, kind: "categorical", rows: n, slots: 1 }));
        // neither is looked at by methods that train nothing
        const task = new Task({
          data: { fields } as unknown as Dataset,
          device: {} as Device,
          model,
          seed: 1,
        });
        const budget = `${bytes}b`;
        const limit = limitOf(parseBudget(budget), task.uniform);
        const { projection } = searcher.config as { projection: "positions" | "linear" };
        // every choice of fields with a dim each
        const buildable = Array.from({ length: 2 ** sizes.length }, (_, bits) =>
          sizes.map((__, f) => (bits >> f) & 1),
        ).filter((dims) => hasEnough(model, task.fields, dims));
        const least = Math.min(
          ...buildable.map((dims) => costOf(schemeOfDims(task, dims, projection), limit)),
        );
        expect(searcher.cannot(task, budget) === undefined).toBe(least <= limit.value);
        if (least > limit.value) return;
        const { found } = await searcher.search(task, { budgets: [budget] });
        const { scheme } = found[0]!;
        expect(meets(scheme, limit)).toBe(true);
        const dims = (scheme.toJSON() as unknown as { dims: number[] }).dims;
        expect(hasEnough(model, task.fields, dims)).toBe(true);
      },
    ),
    300,
  );
});
