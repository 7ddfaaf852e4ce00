// Thresholded rows under a tower: its first layer by touched rows is the one by positions, and a search runs that way.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateDataset, openDataset } from "@trimtab/data";
import { uniform } from "@trimtab/embeddings";
import { buildModel, deepfm } from "@trimtab/models";
import { Task } from "@trimtab/search-core";
import { bceWithLogits, type Device, grad, mean, openDevice, RowGradient } from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, needed, Random, randomValues } from "@trimtab/test-support";
import fc from "fast-check";
import { granularities, pep, Thresholds } from "../src/index.ts";

setDefaultTimeout(120_000);

const fields = [
  { name: "user", rows: 60, slots: 1 },
  { name: "genres", rows: 5, slots: 3 },
  { name: "item", rows: 9, slots: 1 },
];
const batch = 150;
const model = deepfm({ dim: 16, hidden: [24, 5], learningRate: 1e-2, tableOptimizer: "rowAdam" });

let device: Device;
beforeAll(async () => {
  device = await openDevice({ engine: "cpu", threads: 2 });
});
afterAll(() => device.dispose());

describe.each([...granularities])("thresholds of %s", (granularity) => {
  test("law: loss and gradients of values, thresholds and towers", async () => {
    await asyncLaw(
      fc.asyncProperty(fc.nat(1e6), async (seed) => {
        const random = new Random(seed);
        using made = await buildModel(device, model, uniform(fields, 16), { seed });
        using thresholds = new Thresholds(device, made.tables, { granularity, start: -1 });
        const parameters = [...made.tableVariables, ...thresholds.variables, ...made.denseVariables];
        for (const v of parameters) {
          const low = v.name.startsWith("thresholds") ? -3 : -0.5;
          v.write(Float32Array.from({ length: v.size }, () => low + random.next()));
        }
        const values = randomValues(fields, batch, random);
        const labels = Float32Array.from(values, () => random.below(2));
        const own = Object.assign({ labels }, ...made.layouts.map((l) => feedsOf(l, fields, values)));
        const feeds = { ...own, ...thresholds.feedsOf(own) };
        const found = [];
        for (const byRow of [true, false]) {
          const forward = made.forward({ batch, training: true, transform: thresholds.transform(), byRow });
          const loss = mean(bceWithLogits(forward.logits, forward.labels));
          const gradients = grad(loss, parameters);
          const outputs = Object.fromEntries(
            gradients.map((g, i) => [parameters[i]!.name, g instanceof RowGradient ? g.rows : g]),
          );
          using program = await device.compile({ outputs: { ...outputs, loss } });
          expect(program.inputs.includes("all.places")).toBe(byRow);
          const values: Record<string, ArrayLike<number>> = await program.fetch(needed(program, feeds));
          gradients.forEach((g, i) => {
            const { name, shape } = parameters[i]!;
            const count =
              g instanceof RowGradient ? Number(feeds[`${g.plan.name}.count`]) * shape[1]! : undefined;
            values[name] = Array.from(values[name]!).slice(0, count);
          });
          found.push(values);
        }
        const [rows, positions] = found as [(typeof found)[0], (typeof found)[0]];
        for (const [name, expected] of Object.entries(positions)) {
          const most = Math.max(1e-3, ...Array.from(expected, Math.abs));
          Array.from(expected).forEach((e, i) => {
            const error = Math.abs(rows[name]![i]! - e);
            if (!(error <= 2e-5 * most)) throw new Error(`${name}[${i}]: ${rows[name]![i]} by row, ${e}`);
          });
        }
      }),
      3,
    );
  });
});

test("a search with a tower warms up, ramps and finds its budget", async () => {
  const root = mkdtempSync(join(tmpdir(), "trimtab-pep-rows-"));
  try {
    await generateDataset({ rows: 6000, seed: 5, out: join(root, "log.trimtab") });
    const data = await openDataset(join(root, "log.trimtab"));
    const task = new Task({ data, model, device, seed: 1, train: { batch: 1024, epochs: 2 } });
    const { found } = await pep({ steps: 40, countEvery: 5 }).search(task, { budgets: ["20%"] });
    expect(found[0]!.scheme.serveBytes()).toBeLessThanOrEqual(0.2 * task.uniform.serveBytes());
    expect(found[0]!.scheme.parameters).toBeGreaterThan(0);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
