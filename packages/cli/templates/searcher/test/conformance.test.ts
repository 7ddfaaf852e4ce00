// What every searcher promises, and what this one promises besides.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateDataset, openDataset } from "@trimtab/data";
import { perField } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import { conformanceChecks, limitOf, meets, parseBudget, Task, type TaskOptions } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { searcher } from "../src/index.ts";

setDefaultTimeout(60_000);
const root = mkdtempSync(join(tmpdir(), "my-method-"));
await generateDataset({ rows: 4000, seed: 11, out: join(root, "log.trimtab") });
const data = await openDataset(join(root, "log.trimtab"));
const device = await openDevice();
afterAll(() => {
  device.dispose();
  rmSync(root, { recursive: true, force: true });
});

const model = fm({ dim: 8, learningRate: 0.01 });
const train = { batch: 512, epochs: 2, scoreBatch: 512 };
const makeTask = (options: Partial<TaskOptions> & { seed: number }) =>
  new Task({ data, model, device, train, ...options });
let folders = 0;
const makeFolder = () => join(root, `run-${folders++}`);

const subject = { searcher, device, makeTask, makeFolder };
for (const check of conformanceChecks) test(check.name, () => check.run(subject));

test("leaves no room for one more dim", async () => {
  const task = makeTask({ seed: 1 });
  for (const budget of ["50%", "20%", "5%", "200 parameters", "9 slots"]) {
    const { found } = await searcher().search(task, { budgets: [budget] });
    const { dims } = found[0]!.scheme;
    for (const f of dims.keys()) {
      const more = dims.map((dim, g) => (f === g ? dim + 1 : dim));
      if (more[f]! > model.dim) continue;
      const larger = perField(task.fields, more, { base: model.dim, projection: "positions" });
      expect(meets(larger, limitOf(parseBudget(budget), task.uniform))).toBe(false);
    }
  }
  await task.dispose();
});
