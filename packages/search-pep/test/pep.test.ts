// The searcher as a whole, in both modes: the contract, nested masks, refusals and warnings, and what retraining starts from.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import { type ElementScheme, showBytes } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import {
  BudgetImpossible,
  ConfigError,
  type ConformanceSubject,
  conformanceChecks,
  type SearchEvent,
  Task,
  type TaskOptions,
} from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import {
  BudgetNotReached,
  granularities,
  memoryOf,
  openStage,
  pep,
  pepConfigSchema,
  settingsOf,
  warningsOf,
} from "../src/index.ts";

setDefaultTimeout(60_000);

type PepConfigInput = Parameters<typeof pep>[0];

let device: Device;
let data: Dataset;
let folders = 0;
const root = mkdtempSync(join(tmpdir(), "trimtab-pep-"));
const MODEL = fm({ dim: 6, learningRate: 0.02, tableOptimizer: "rowAdam", std: 0.01 });
const makeTask = (o: Partial<TaskOptions> & { seed: number }) =>
  new Task({ data, model: MODEL, device, train: { batch: 512, epochs: 3, scoreBatch: 512 }, ...o });

// quick: thresholds start where they prune soon
const FAITHFUL = {
  mode: "faithful",
  start: -8,
  l2: 1e-3,
  thresholdRate: 0.05,
  countEvery: 5,
  maxSteps: 600,
} as const;
const SCHEDULED = { steps: 60, countEvery: 5 } as const;

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
  ["faithful", FAITHFUL],
  ["scheduled", SCHEDULED],
])("conformance, %s", (_, config) => {
  let subject: ConformanceSubject;
  beforeAll(() => {
    const makeFolder = () => join(root, `run-${folders++}`);
    subject = { searcher: pep as never, config, device, makeTask, makeFolder };
  });
  for (const check of conformanceChecks) test(check.name, () => check.run(subject));
});

const DIM = 6;
const BUDGETS = ["60%", "30%", "10%", "3%"];
const schemeOf = (x: { scheme: unknown } | undefined) => x!.scheme as ElementScheme;

describe("masks", () => {
  test.each([...granularities])(
    "scheduled, %s: smaller budgets are subsets of larger ones, and fill them",
    async (granularity) => {
      const task = makeTask({ seed: 2 });
      const budgets = [...BUDGETS.slice(2), "900 parameters", ...BUDGETS.slice(0, 2)];
      const { found } = await pep({ ...SCHEDULED, granularity }).search(task, { budgets });
      const sorted = found.map(schemeOf).sort((a, b) => b.parameters - a.parameters);
      for (let i = 1; i < sorted.length; i++) expect(sorted[i - 1]!.contains(sorted[i]!)).toBe(true);
      expect(schemeOf(found[2]).parameters).toBe(900);
      const whole = task.uniform.serveBytes();
      for (const { budget, scheme } of found.filter((f) => f.budget.endsWith("%"))) {
        const share = scheme.serveBytes() / whole / (Number.parseFloat(budget) / 100);
        expect(share).toBeLessThanOrEqual(1);
        expect(share).toBeGreaterThan(0.97);
      }
      await task.dispose();
    },
  );

  test("scheduled: masks are taken as the ramp passes their budgets, the smallest at the last step", async () => {
    const task = makeTask({ seed: 2 });
    const { notes } = await pep(SCHEDULED).search(task, { budgets: BUDGETS });
    const taken = BUDGETS.map((b) => (notes.takenAt as Record<string, number>)[b]!);
    expect(taken).toEqual([...taken].sort((a, b) => a - b));
    expect(taken[0]!).toBeGreaterThan(0.2 * SCHEDULED.steps);
    expect(taken[3]).toBe(SCHEDULED.steps);
    await task.dispose();
  });

  test("faithful without filling keeps what is above its threshold: within the budget, below the filled mask", async () => {
    const sizes: number[] = [];
    for (const fill of [true, false]) {
      const task = makeTask({ seed: 2 });
      const { found } = await pep({ ...FAITHFUL, fill }).search(task, { budgets: ["30%"] });
      expect(found[0]!.scheme.serveBytes()).toBeLessThanOrEqual(0.3 * task.uniform.serveBytes());
      sizes.push(found[0]!.scheme.parameters);
      await task.dispose();
    }
    expect(sizes[1]!).toBeLessThanOrEqual(sizes[0]!);
  });

  test("every row keeps its numbers where it is asked for", async () => {
    const task = makeTask({ seed: 2 });
    const { found } = await pep({ ...SCHEDULED, leastPerRow: 1 }).search(task, { budgets: ["60%", "40%"] });
    for (const scheme of found.map(schemeOf)) {
      scheme.fields.forEach(({ rows }, f) => {
        expect(scheme.filledRows(f)).toBe(rows);
      });
    }
    await task.dispose();
  });

  test("frequent features keep more: rows that training never touches are pruned first", async () => {
    const task = makeTask({ seed: 2 });
    const { found } = await pep(SCHEDULED).search(task, { budgets: ["20%"] });
    const scheme = schemeOf(found[0]);
    const { train } = await task.splits();
    let seen = [0, 0];
    let unseen = [0, 0];
    scheme.fields.forEach(({ rows }, f) => {
      const known = new Set(train.ids[f]);
      for (let row = 0; row < rows; row++) {
        let kept = 0;
        for (let j = 0; j < DIM; j++) kept += scheme.has(f, row, j) ? 1 : 0;
        if (known.has(row)) seen = [seen[0]! + kept, seen[1]! + DIM];
        else unseen = [unseen[0]! + kept, unseen[1]! + DIM];
      }
    });
    expect(unseen[1]!).toBeGreaterThan(0);
    expect(unseen[0]! / unseen[1]!).toBeLessThan((0.5 * seen[0]!) / seen[1]!);
    await task.dispose();
  });
});

describe("what is told and refused", () => {
  test("the memory of every granularity, the settings and warnings are in the notes", async () => {
    const task = makeTask({ seed: 2 });
    const { notes } = await pep(SCHEDULED).search(task, { budgets: ["30%"] });
    const bytes = notes.thresholdBytes as Record<string, number>;
    const rows = task.fields.reduce((n, f) => n + f.rows, 0);
    // the threshold and Adam's two moments
    expect(bytes.global).toBe(12);
    expect(bytes.dim).toBe(12 * DIM);
    expect(bytes.field_dim).toBe(12 * DIM * task.fields.length);
    expect(bytes.feature).toBe(12 * rows);
    expect(bytes.feature_dim).toBe(12 * rows * DIM);
    expect(notes.settings).toMatchObject({
      mode: "scheduled",
      steps: 60,
      granularity: "global",
      learn: false,
    });
    expect((notes.warnings as string[]).join()).not.toContain("warm-up");
    await task.dispose();
  });

  test("memory and warnings are told before anything else", async () => {
    const task = makeTask({ seed: 2 });
    const seen: SearchEvent[] = [];
    await pep({ ...SCHEDULED, countEvery: 10, granularity: "global" }).search(task, {
      budgets: ["30%"],
      onEvent: (event) => seen.push(event),
    });
    const notes = seen.filter((e) => e.kind === "note");
    expect(seen.slice(0, 3)).toEqual(notes);
    const text = notes.map((e) => e.text);
    for (const granularity of granularities) expect(text[0]).toContain(`${granularity} `);
    expect(text[0]).toContain("12 B");
    const numbers = DIM * task.fields.reduce((n, f) => n + f.rows, 0);
    expect(text[0]).toContain(`thresholded rows ${showBytes(numbers * 4)}`);
    expect(text[1]).toContain("corrected only 6 times in 60 steps");
    expect(text[2]).toContain("one global threshold learns nothing");
    await task.dispose();
  });

  test("the memory told is the memory used, in both modes", async () => {
    for (const granularity of granularities) {
      for (const config of [SCHEDULED, FAITHFUL]) {
        const task = makeTask({ seed: 2 });
        const settings = settingsOf(pepConfigSchema.parse({ ...config, granularity }), task);
        const stage = await openStage(device, task, { ...settings, batch: 64 });
        let bytes = 0;
        for (const [name, v] of stage.state) if (name.startsWith("thresholds")) bytes += v.size * 4;
        expect(memoryOf(task, settings)[granularity]).toBe(bytes);
        stage.dispose();
      }
    }
  });

  test("a table optimizer that visits whole tables, or is replaced by one that does not, is named", () => {
    const warnings = (tableOptimizer: "adam" | "rowSgd", tables: "model" | "rows") => {
      const task = makeTask({ seed: 2, model: { ...MODEL, tableOptimizer } });
      return warningsOf(task, settingsOf(pepConfigSchema.parse({ ...SCHEDULED, tables }), task)).join();
    };
    expect(warnings("adam", "rows")).toContain("adam on whole tables is replaced by rowAdam");
    expect(warnings("adam", "model")).toContain("adam visits whole tables");
    for (const tables of ["model", "rows"] as const)
      expect(warnings("rowSgd", tables)).not.toContain("whole");
  });

  const refusal = (config: PepConfigInput, budget = "30%", model = MODEL) =>
    pep(config).cannot(makeTask({ seed: 1, model }), budget);

  test("optimizers under which thresholds never move", () => {
    for (const optimizer of ["adamw", "sgd", "rowAdam", "rowSgd"] as const) {
      const why = refusal({ mode: "faithful", optimizer });
      expect(why).toContain(optimizer);
      expect(why).toContain('optimizer "adam"');
    }
    expect(refusal({ mode: "faithful", l2: 0 })).toContain("l2 above zero");
    expect(refusal({ mode: "faithful" }, "30%", fm({ dim: DIM }))).toBeUndefined();
  });

  test("a warm-up longer than the run", () => {
    const model = fm({ dim: DIM, learningRate: 1e-3 });
    expect(refusal({ mode: "faithful", maxSteps: 3000 }, "30%", model)).toContain("maxSteps");
    expect(refusal({ mode: "faithful", start: -150 }, "30%", model)).toContain("start at");
    expect(refusal({ mode: "faithful", start: -150, maxSteps: 200_000 }, "30%", model)).toBeUndefined();
    const task = makeTask({ seed: 1, model });
    const settings = settingsOf(pepConfigSchema.parse({ mode: "faithful", maxSteps: 12_000 }), task);
    expect(warningsOf(task, settings).join()).toContain("9756 of at most 12000 steps");
  });

  test("a budget under the minimum of non-empty rows, slots, and keys of the other mode", async () => {
    expect(refusal({ leastPerRow: 1 }, "2%")).toContain("leastPerRow");
    expect(refusal({}, "10% slots")).toContain("slots");
    expect(() => pep({ mode: "faithful", steps: 3 })).toThrow(ConfigError);
    expect(() => pep({ mode: "faithful", steps: 3 })).toThrow("steps");
    expect(() => pep({ start: -15 })).toThrow("faithful");
    const task = makeTask({ seed: 1 });
    await expect(pep({ leastPerRow: 1 }).search(task, { budgets: ["2%"] })).rejects.toThrow(BudgetImpossible);
    await task.dispose();
  });

  test("thresholds that do not get there in time end the search with what is left", async () => {
    const task = makeTask({ seed: 1 });
    const search = pep({ ...FAITHFUL, maxSteps: 75 }).search(task, { budgets: ["3%"] });
    await expect(search).rejects.toThrow(BudgetNotReached);
    await task.dispose();
  });

  test("with more steps it goes on where it stood, to the masks of a search that had them from the start", async () => {
    const budgets = ["80%", "20%"];
    const folder = join(root, "goes-on");
    const first = makeTask({ seed: 1, folder });
    const short = pep({ ...FAITHFUL, maxSteps: 75 }).search(first, { budgets });
    await expect(short).rejects.toThrow("20%");
    await first.dispose();
    const masks: string[] = [];
    for (const options of [{ seed: 1, folder, resume: true }, { seed: 1 }]) {
      const task = makeTask(options);
      const { found } = await pep(FAITHFUL).search(task, { budgets });
      masks.push(JSON.stringify(found.map(({ scheme }) => scheme.toJSON())));
      await task.dispose();
    }
    expect(masks[0]).toBe(masks[1]!);
  });
});
