// Hashing to fewer rows: laws of the rows that are kept, and a model trained, scored, saved and compared with them.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Columns, hashedRow } from "@trimtab/data";
import { type HashedScheme, loadScheme, uniform } from "@trimtab/embeddings";
import { evaluate } from "@trimtab/eval";
import { deepfm, dnn } from "@trimtab/models";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { hashedRowsCannot, mostHashedRows } from "../../src/baselines/hashed-rows.ts";
import {
  compare,
  hashedRows,
  limitOf,
  meets,
  openSavedModel,
  parseBudget,
  RunFolder,
  train,
  trainConfigSchema,
} from "../../src/index.ts";
import { openTiny, type Tiny } from "../tiny-task.ts";

setDefaultTimeout(120_000);

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny(4000, deepfm({ dim: 8, hidden: [8], learningRate: 0.01 }));
});
afterAll(() => tiny.close());

const fieldsOf = fc
  .array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 6 })
  .map((rows) => rows.map((n, i) => ({ name: `f${i}`, rows: n, slots: 1 })));

test("law: every budget is met or refused before, with as many rows as fit", () => {
  const config = fc.record({
    floor: fc.integer({ min: 2, max: 300 }),
    rule: fc.constantFrom("mixed" as const, "modulo" as const),
  });
  law(
    fc.property(
      fieldsOf,
      fc.integer({ min: 1, max: 32 }),
      fc.integer({ min: 1, max: 1000 }),
      config,
      (fields, dim, permille, c) => {
        const limit = limitOf(parseBudget(`${permille / 10}%`), uniform(fields, dim));
        const least = fields.reduce((n, f) => n + Math.min(2, f.rows), 0) * dim * 4;
        const refused = hashedRowsCannot(fields, dim, limit);
        expect(refused !== undefined).toBe(least > limit.value);
        if (refused !== undefined) return;
        const scheme = mostHashedRows(fields, dim, limit, c);
        expect(meets(scheme, limit)).toBe(true);
        expect(mostHashedRows(fields, dim, limit, c)).toEqual(scheme);
        expect(scheme.rule).toBe(c.rule);
        // a row more in every field that lacks one is over the budget
        const more = scheme.rows.reduce((n, m, f) => n + Math.min(fields[f]!.rows, m + 1), 0) * dim * 4;
        if (more > scheme.serveBytes()) expect(more).toBeGreaterThan(limit.value);
        const small = Math.min(c.floor, ...scheme.rows.filter((m, f) => m < fields[f]!.rows));
        fields.forEach((f, i) => {
          if (f.rows <= small) expect(scheme.rows[i]).toBe(f.rows);
        });
      },
    ),
    200,
  );
});

test("law: smaller budgets keep fewer rows, in proportion to the ids above the floor", () => {
  law(
    fc.property(
      fieldsOf,
      fc.integer({ min: 10, max: 100 }),
      fc.integer({ min: 10, max: 100 }),
      (fields, a, b) => {
        const config = { floor: 2, rule: "mixed" } as const;
        const at = (percent: number) => {
          const limit = limitOf(parseBudget(`${percent}%`), uniform(fields, 16));
          return hashedRowsCannot(fields, 16, limit) ? undefined : mostHashedRows(fields, 16, limit, config);
        };
        const [less, more] = [at(Math.min(a, b)), at(Math.max(a, b))];
        if (!less || !more) return;
        less.rows.forEach((m, f) => {
          expect(m).toBeLessThanOrEqual(more.rows[f]!);
        });
        const shares = less.rows.flatMap((m, f) =>
          m > 2 && fields[f]!.rows > 500 ? [m / fields[f]!.rows] : [],
        );
        expect(Math.max(...shares) - Math.min(...shares)).not.toBeGreaterThan(1 / 500);
      },
    ),
    200,
  );
});

test("slots are refused, and so is what two rows a field are over", () => {
  const task = tiny.makeTask({ seed: 1 });
  expect(hashedRows().cannot(task, "50% slots")).toContain("rows are kept here");
  expect(hashedRows().cannot(task, "100 B")).toContain("two rows of dim 8 in each field already cost");
});

test("a comparison trains and keeps it and knows it again; its model is opened and scores as it did", async () => {
  const model = deepfm({ dim: 8, hidden: [8], learningRate: 0.01 });
  const settings = trainConfigSchema.parse({ batch: 512, epochs: 2, scoreBatch: 512 });
  const { data, device } = tiny;
  const path = tiny.makeFolder();
  using run = RunFolder.create(path, {
    version: 1,
    kind: "comparison",
    command: "test",
    data: { folder: data.folder, name: data.name, hash: data.hash, synthetic: true },
    model: JSON.parse(JSON.stringify(model)),
    train: settings,
    seed: 1,
  });
  const methods = [hashedRows({ floor: 16 })];
  const options = {
    run,
    data,
    device,
    model,
    train: settings,
    seeds: [1],
    budgets: ["30%"],
    methods,
    command: "test",
    keep: true,
  };
  const memory = device.memory();
  const [base, row] = (await compare(options)).rows;
  expect(row!.bytes.serve).toBeLessThanOrEqual(0.3 * base!.bytes.serve);
  expect(row!.bytes.serve).toBeGreaterThan(0.29 * base!.bytes.serve);
  expect(device.memory()).toEqual(memory);
  const again = await compare({ ...options, onEvent: (e) => e.kind === "row" && expect(e.known).toBe(true) });
  expect(again.rows).toEqual([base!, row!]);

  const scheme = loadScheme(run.schemeFile("hashed-rows-seed-1-30%"));
  const folder = join(run.checkpoints, "seed-1", "hashed-rows-30%");
  const saved = await openSavedModel({
    device,
    folder,
    fields: data.fields,
    model,
    scheme,
    seed: 1,
    scoreBatch: 512,
  });
  const split = await data.load("test");
  const { auc } = evaluate({ logits: await saved.score(split), labels: split.labels });
  expect(auc).toBe(row!.metrics.test!.auc);
  await saved.dispose();
});

test.each(["mixed", "modulo"] as const)(
  "%s: it trains and scores as a small table over ids that were hashed before, to the bit",
  async (rule) => {
    const model = dnn({ dim: 8, hidden: [8], learningRate: 0.01, std: 0.1 });
    const task = tiny.makeTask({ seed: 3, model });
    const { found } = await hashedRows({ floor: 16, rule }).search(task, { budgets: ["20%"] });
    const scheme = found[0]!.scheme as HashedScheme;
    const trained = await task.trainUnder(scheme, { name: "hashed" });
    expect(trained.model.tables.bytes).toBe(scheme.serveBytes());

    const before = (columns: Columns): Columns => ({
      ...columns,
      ids: columns.ids.map((ids, f) =>
        scheme.isHashed(f) ? ids.map((id) => hashedRow(id, { rows: scheme.rows[f]!, rule })) : ids,
      ),
    });
    const data = await task.splits();
    const fields = data.fields.map((field, f) => ({ ...field, rows: scheme.rows[f]! }));
    const small = await train({
      device: tiny.device,
      data: { hash: "small", fields, train: before(data.train), valid: before(data.valid) },
      model,
      scheme: scheme.stored,
      seed: 3,
      config: task.train,
    });
    const test = await tiny.data.load("test");
    const logits = await trained.score(test);
    expect(logits).toEqual(await small.score(before(test)));
    expect(new Set(logits).size).toBeGreaterThan(50);
    await trained.dispose();
    await small.dispose();
  },
);
