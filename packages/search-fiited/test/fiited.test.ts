// The searchers as a whole: the contract, budgets met exactly, what is told, what is handed over.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import type { RowChunkScheme } from "@trimtab/embeddings";
import { deepfm } from "@trimtab/models";
import {
  type ConformanceSubject,
  conformanceChecks,
  type Found,
  openSavedModel,
  type SearchEvent,
  Task,
  type TaskOptions,
} from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { type ChunkRunNotes, fiited, rowPruning } from "../src/index.ts";

setDefaultTimeout(120_000);

let device: Device;
let data: Dataset;
let folders = 0;
const root = mkdtempSync(join(tmpdir(), "trimtab-fiited-"));
const makeFolder = () => join(root, `run-${folders++}`);
const MODEL = deepfm({ dim: 8, hidden: [8], learningRate: 0.02, tableOptimizer: "rowAdam", std: 0.01 });
const TRAIN = { batch: 512, epochs: 3, scoreBatch: 512 };
/** Of an epoch. */
const STEPS = 10;
const makeTask = (o: Partial<TaskOptions> & { seed: number }) =>
  new Task({ data, model: MODEL, device, train: TRAIN, ...o });

beforeAll(async () => {
  await generateDataset({ rows: 6000, seed: 5, out: join(root, "log.trimtab") });
  data = await openDataset(join(root, "log.trimtab"));
  device = await openDevice();
});
afterAll(() => {
  device.dispose();
  rmSync(root, { recursive: true, force: true });
});

describe.each([
  ["fiited", fiited, {}],
  ["fiited, by column", fiited, { thresholds: "column", chunks: 2 }],
  ["row-pruning", rowPruning, {}],
] as const)("conformance, %s", (_, searcher, config) => {
  let subject: ConformanceSubject;
  beforeAll(() => {
    subject = { searcher: searcher as never, config, device, makeTask, makeFolder };
  });
  for (const check of conformanceChecks) test(check.name, () => check.run(subject));
});

const schemeOf = (found: Found | undefined) => found!.scheme as RowChunkScheme;

describe("budgets", () => {
  test("are met exactly, or as much as one chunk allows", async () => {
    const task = makeTask({ seed: 2 });
    const whole = task.uniform.serveBytes();
    for (const make of [fiited(), rowPruning(), fiited({ thresholds: "column" })]) {
      const { found } = await make.search(task, { budgets: ["40%", "10%", "900 parameters"] });
      for (const { budget, scheme, trained } of found) {
        await trained!.dispose();
        const { width } = scheme as RowChunkScheme;
        if (budget.endsWith("parameters")) {
          expect(scheme.parameters).toBe(900 - (900 % width));
          continue;
        }
        const left = (whole * Number.parseFloat(budget)) / 100 - scheme.serveBytes();
        expect(left).toBeGreaterThanOrEqual(0);
        // another chunk costs its numbers and at most three words to find it
        expect(left).toBeLessThan(4 * width + 12);
      }
    }
    await task.dispose();
  });

  test("every field keeps a chunk, and a budget that has none for each is refused", async () => {
    const task = makeTask({ seed: 2 });
    const { found } = await fiited().search(task, { budgets: ["3%"] });
    const scheme = schemeOf(found[0]);
    for (const f of scheme.fields.keys()) expect(scheme.count(f)).toBeGreaterThan(0);
    await found[0]!.trained!.dispose();
    expect(fiited().cannot(task, "40 B")).toContain("a chunk in each of the");
    expect(fiited().cannot(task, "10% slots")).toContain("slots");
    expect(fiited({ chunks: 3 }).cannot(task, "10%")).toContain("divisor");
    await task.dispose();
  });

  test("rows that occur often keep more", async () => {
    const task = makeTask({ seed: 2 });
    const { found } = await fiited().search(task, { budgets: ["20%"] });
    await found[0]!.trained!.dispose();
    const scheme = schemeOf(found[0]);
    const { train } = await task.splits();
    let [often, oftenAll, seldom, seldomAll] = [0, 0, 0, 0];
    scheme.fields.forEach(({ rows }, f) => {
      const counts = new Uint32Array(rows);
      for (const id of train.ids[f]!) counts[id]!++;
      const order = Array.from(counts.keys()).sort((a, b) => counts[b]! - counts[a]!);
      order.forEach((row, rank) => {
        let n = 0;
        for (let k = 0; k < scheme.chunks; k++) n += scheme.has(f, row, k) ? 1 : 0;
        if (rank < rows / 4) {
          often += n;
          oftenAll += scheme.chunks;
        } else if (rank >= rows / 2) {
          seldom += n;
          seldomAll += scheme.chunks;
        }
      });
    });
    expect(often / oftenAll).toBeGreaterThan((2 * seldom) / seldomAll);
    await task.dispose();
  });
});

describe("memory while training", () => {
  test("follows the ramp: the pool shrinks, and what is told is what was there", async () => {
    const task = makeTask({ seed: 2, train: { ...TRAIN, epochs: 10, patience: 10 } });
    const { found, notes } = await fiited({ period: 2, peak: 1 }).search(task, { budgets: ["20%"] });
    await found[0]!.trained!.dispose();
    const { peak, final, adjustments, payloadRatio, totalRatio } = (
      notes.runs as Record<string, ChunkRunNotes>
    )["20%"]!;
    const rampEnd = (notes.settings as { rampSteps: number }).rampSteps;
    const ramp = adjustments.filter((a) => a.step <= rampEnd);
    expect(ramp.length).toBeGreaterThan(4);
    const all = 4 * task.uniform.fields.reduce((n, f) => n + f.rows, 0);
    // live chunks never exceed the line of the ramp, and the pool no more than its slack
    for (const { step, live, capacity } of ramp.slice(0, -1)) {
      const to = ramp.at(-1)!.live;
      expect(live).toBeLessThanOrEqual(Math.round(all + (to - all) * (step / rampEnd)) + 1);
      expect(capacity).toBeLessThanOrEqual(Math.max(4096, Math.ceil(1.5 * live)));
    }
    for (const { live, capacity } of adjustments.slice(ramp.length)) {
      expect(capacity).toBeLessThanOrEqual(Math.ceil(1.02 * live));
    }
    expect(peak.live).toBeGreaterThan(2 * final.live);
    expect(peak.total).toBeGreaterThan(final.total);
    expect(peak.moving).toBeGreaterThanOrEqual(peak.total);
    expect(found[0]!.trained!.tableBytes).toBe(peak.total);
    expect(payloadRatio).toBeGreaterThan(totalRatio);
    expect(final.payload).toBe(4 * found[0]!.scheme.parameters);
    await task.dispose();
  });

  test("a lower peak is kept to from the first step", async () => {
    const task = makeTask({ seed: 2 });
    const { found, notes } = await fiited({ peak: 0.3 }).search(task, { budgets: ["10%"] });
    await found[0]!.trained!.dispose();
    const all = 4 * task.uniform.fields.reduce((n, f) => n + f.rows, 0);
    expect((notes.runs as Record<string, ChunkRunNotes>)["10%"]!.peak.live).toBeLessThanOrEqual(0.3 * all);
    await task.dispose();
  });
});

describe("what is handed over", () => {
  test("a compact model, which scores as told, is kept in the folder, and needs no retraining", async () => {
    const folder = makeFolder();
    const task = makeTask({ seed: 4, folder });
    const { found, notes } = await fiited({ ramp: 0.5 }).search(task, { budgets: ["15%"] });
    const { scheme, trained } = found[0]!;
    expect(trained!.model.scheme.kind).toBe("chunks");
    expect(trained!.model.tables.bytes).toBe(scheme.serveBytes());
    const { valid } = await task.splits();
    const logits = await trained!.score(valid);
    const saved = await openSavedModel({
      device,
      model: task.model,
      scheme,
      fields: data.fields,
      seed: 4,
      folder: join(folder, "fiited-15%"),
      scoreBatch: 512,
    });
    expect(await saved.score(valid)).toEqual(logits);
    // the store's own scores, of the best epoch whose weights met the budget, were the same
    const rampEnd = (notes.settings as { rampSteps: number }).rampSteps;
    const aucs = trained!.history.flatMap((h) => ((h.epoch + 1) * STEPS >= rampEnd ? [h.auc] : []));
    expect(aucs).toHaveLength(2);
    expect(trained!.valid.auc).toBeCloseTo(Math.max(...aucs), 12);
    await saved.dispose();
    await trained!.dispose();
    await task.dispose();
  });

  test("retrain: from scratch under the chunks that were found", async () => {
    const task = makeTask({ seed: 4 });
    const kept = await fiited().search(task, { budgets: ["15%"] });
    const { found } = await fiited({ retrain: true }).search(task, { budgets: ["15%"] });
    expect(found[0]!.trained).toBeUndefined();
    expect(found[0]!.scheme.toJSON()).toEqual(kept.found[0]!.scheme.toJSON());
    const again = await task.trainUnder(found[0]!.scheme, { name: "again" });
    expect(again.model.tables.bytes).toBe(found[0]!.scheme.serveBytes());
    expect(again.valid.auc).toBeGreaterThan(0.5);
    await again.dispose();
    await kept.found[0]!.trained!.dispose();
    await task.dispose();
  });

  test("tables that a dense optimizer would move are trained by rows, and that is told", async () => {
    const model = deepfm({ dim: 8, hidden: [8], learningRate: 0.02, tableL2: 1e-4 });
    const task = makeTask({ seed: 4, model });
    const told: SearchEvent[] = [];
    const { found } = await fiited().search(task, { budgets: ["15%"], onEvent: (e) => told.push(e) });
    expect(found[0]!.trained!.model.config).toMatchObject({ tableOptimizer: "rowAdam", lookupL2: 1e-4 });
    const notes = told.flatMap((e) => (e.kind === "note" ? [e.text] : []));
    expect(notes.join()).toContain("replaced by rowAdam");
    expect(notes.join()).toContain("the budget is met at step");
    await found[0]!.trained!.dispose();
    await task.dispose();
  });
});
