// The searcher as a whole: the contract, memory told in advance, every switch, interruption by kill -9, and what it finds.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { defaultFields } from "@trimtab/data";
import { deepfm, dlrm, dnn, fm, wideDeep } from "@trimtab/models";
import {
  BudgetImpossible,
  type ConformanceSubject,
  conformanceChecks,
  limitOf,
  meets,
  parseBudget,
  type SearchEvent,
} from "@trimtab/search-core";
import { adass, adassConfigSchema, memoryOf, SupernetTooLarge } from "../src/index.ts";
import { openTiny, QUICK, type Tiny } from "./tiny.ts";

setDefaultTimeout(120_000);

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny();
});
afterAll(() => tiny.close());

type Config = Parameters<typeof adass>[0];
interface Notes {
  memory: { supernet: number; optimizer: number; cache: number; most: number; allocated: number };
  supernet: { probes: number[]; bestEpoch: number; steps: number };
  importance: Record<string, number>;
  searches: Record<string, { dims: number[]; auc: number; curve: number[] }>;
}

describe.each([
  ["the defaults", QUICK],
  ["prefixes, norms, evolution", { ...QUICK, tables: "prefix", batchNorm: true, search: "evolution" }],
])("conformance, %s", (_, config) => {
  let subject: ConformanceSubject;
  beforeAll(() => {
    subject = { ...tiny, searcher: adass as never, config };
  });
  for (const check of conformanceChecks) test(check.name, () => check.run(subject));
});

describe("memory", () => {
  test.each([
    [fm({ dim: 8 }), {}],
    [fm({ dim: 8, tableL2: 1e-3 }), { batchNorm: true }],
    [
      deepfm({
        dim: 8,
        hidden: [16, 8],
        batchNorm: true,
        optimizer: "adagrad",
        tableOptimizer: "rowAdagrad",
      }),
      { tables: "prefix", batchNorm: true },
    ],
    [dnn({ dim: 8, tableOptimizer: "sgd" }), { cacheBytes: 0 }],
    [wideDeep({ dim: 8 }), { map: "positions", sample: 100 }],
    [dlrm({ dim: 8, dense: ["hour"] }), {}],
  ] as const)("told in advance is what is allocated: %#", async (model, config) => {
    const task = tiny.makeTask({ seed: 1, model });
    const told = await memoryOf(task, { ...QUICK, ...config }, (await task.splits()).valid.rows);
    const texts: string[] = [];
    const onEvent = (event: SearchEvent) => {
      if (event.kind === "note") texts.push(event.text);
    };
    const { notes } = await adass({ ...QUICK, epochs: 1, ...config }).search(task, {
      budgets: ["30%"],
      onEvent,
    });
    const { memory } = notes as unknown as Notes;
    expect(memory.allocated).toBe(told.most);
    expect(memory.most).toBe(told.most);
    expect("cacheBytes" in config).toBe(told.cache === 0);
    expect(texts[0]).toContain("on the device");
  });

  test("over the limit is refused before anything is trained", async () => {
    const events: SearchEvent[] = [];
    let refusal: unknown;
    try {
      await adass({ ...QUICK, memoryLimit: 1000 }).search(tiny.makeTask({ seed: 1 }), {
        budgets: ["30%"],
        onEvent: (event) => events.push(event),
      });
    } catch (reason) {
      refusal = reason;
    }
    expect(refusal).toBeInstanceOf(SupernetTooLarge);
    expect(events).toEqual([]);
    expect(tiny.device.memory().variables).toBe(0);
  });
});

describe("switches", () => {
  const VARIANTS: readonly Config[] = [
    { tables: "prefix" },
    { map: "positions" },
    { batchNorm: true },
    { tableSampling: "uniform" },
    { fieldSampling: "none" },
    { warmUp: 0 },
    { search: "evolution" },
    { search: "random" },
    { start: "uniform" },
    { penalty: 0.1 },
    { competition: 0.5 },
    { entropy: 5 },
    { policyRate: 1 },
    { answer: "policy" },
    { projection: "linear" },
    { sample: 64 },
    { temperature: 0.1 },
    { explore: 1 },
    { fieldShare: 0.2 },
    { memory: 1 },
  ];
  const budgets = ["40%", "900 parameters", "5%", "12 slots"];
  // steps enough for the sampler to be told something
  const BASE = { ...QUICK, batch: 128 };

  /** What a search does, without its seconds. */
  async function trace(config: Config): Promise<string> {
    const { found, notes } = await adass({ ...BASE, ...config }).search(tiny.makeTask({ seed: 6 }), {
      budgets,
    });
    const { supernet, searches } = notes as unknown as Notes;
    const rounds = Object.values(searches).map(({ dims, auc, curve }) => [dims, auc, curve]);
    return JSON.stringify([supernet.probes, rounds, found.map(({ scheme }) => scheme.toJSON())]);
  }

  let plain: Promise<string> | undefined;
  const traceOfDefaults = () => (plain ??= trace({}));

  test.each(VARIANTS)("%j changes what is searched or found", async (config) => {
    expect(await trace(config)).not.toBe(await traceOfDefaults());
  });

  test.each(VARIANTS)("%j keeps every budget", async (config) => {
    const task = tiny.makeTask({ seed: 6 });
    const { found } = await adass({ ...QUICK, ...config }).search(task, { budgets });
    for (const [i, { scheme, budget }] of found.entries()) {
      expect(budget).toBe(budgets[i]!);
      expect(meets(scheme, limitOf(parseBudget(budget), task.uniform))).toBe(true);
      for (const dim of scheme.dims) expect([0, 2, 4, 8]).toContain(dim);
    }
  });

  test("each of them has a description, and a default but where none can be", () => {
    for (const [key, schema] of Object.entries(adassConfigSchema.shape)) {
      expect(`${key}: ${schema.description ?? ""}`.length).toBeGreaterThan(key.length + 10);
    }
    const { batch, memoryLimit, ...rest } = adassConfigSchema.parse({});
    expect([batch, memoryLimit]).toEqual([undefined, undefined]);
    expect(Object.keys(rest).length).toBe(Object.keys(adassConfigSchema.shape).length - 2);
  });

  test("candidates are capped by the model's dim, which is always one", async () => {
    const { notes } = await adass({ ...QUICK, candidates: [64, 3, 0, 3] }).search(
      tiny.makeTask({ seed: 1 }),
      {
        budgets: ["50%"],
      },
    );
    expect((notes.settings as { candidates: number[] }).candidates).toEqual([0, 3, 8]);
  });

  test("without size 0 a tight budget is refused, with the mend", async () => {
    const task = tiny.makeTask({ seed: 1 });
    const cannot = adass({ candidates: [2, 4] }).cannot(task, "10%");
    expect(cannot).toContain("add 0 to the candidates");
    let refusal: unknown;
    try {
      await adass({ candidates: [2, 4] }).search(task, { budgets: ["10%"] });
    } catch (reason) {
      refusal = reason;
    }
    expect(refusal).toBeInstanceOf(BudgetImpossible);
  });
});

test.each([
  dnn({ dim: 8, hidden: [8] }),
  wideDeep({ dim: 8, hidden: [8] }),
  deepfm({ dim: 8, hidden: [8], dropout: 0.2 }),
  dlrm({ dim: 8, hidden: [8], bottom: [8], dense: ["hour", "weekday"] }),
])("a $kind is searched, and retrained under what was found", async (model) => {
  const task = tiny.makeTask({ seed: 3, model: { ...model, learningRate: 0.01 } });
  const { found, notes } = await adass(QUICK).search(task, { budgets: ["30%"] });
  const trained = await task.trainUnder(found[0]!.scheme, { name: "small" });
  expect(trained.model.tables.bytes).toBe(found[0]!.scheme.serveBytes());
  expect(trained.valid.auc).toBeGreaterThan(0.5);
  expect((notes as unknown as Notes).searches["30%"]!.auc).toBeGreaterThan(0.5);
  await trained.dispose();
});

describe("killed with kill -9", () => {
  interface Ran {
    readonly lines: string[];
    readonly killed: boolean;
  }
  /** Runs the search in a process of its own; kills it at the first line that `at` names. */
  async function run(folder: string, resume: boolean, at?: string): Promise<Ran> {
    const args = [
      process.execPath,
      join(import.meta.dir, "child.ts"),
      join(tiny.root, "log.trimtab"),
      folder,
    ];
    const child = Bun.spawn([...args, resume ? "resume" : "fresh", ...(at ? [at] : [])], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const lines: string[] = [];
    let rest = "";
    for await (const chunk of child.stdout) {
      rest += new TextDecoder().decode(chunk);
      const parts = rest.split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      if (at && parts.some((line) => line.startsWith(at))) {
        child.kill("SIGKILL");
        break;
      }
    }
    await child.exited;
    return { lines, killed: child.signalCode === "SIGKILL" };
  }
  const answer = ({ lines }: Ran) => lines.find((line) => line.startsWith("found"));

  test("in the supernet and in the search, it goes on to the same schemes", async () => {
    const straight = answer(await run("", false));
    expect(straight).toBeDefined();
    const folder = tiny.makeFolder();
    const first = await run(folder, false, "supernet steps 16");
    expect(first.killed).toBe(true);
    expect(answer(first)).toBeUndefined();
    const second = await run(folder, true, "search rounds, 10% 2");
    expect(second.killed).toBe(true);
    const last = await run(folder, true);
    expect(answer(last)).toBe(straight!);
    // nothing that was done is done again
    expect(last.lines.some((line) => line.startsWith("supernet"))).toBe(false);
    expect(last.lines).not.toContain("search rounds, 10% 1");
  });
});

describe("on a planted log", () => {
  test("the large field of pure noise is dropped, and fields that carry the signal get larger dims than noise", async () => {
    const own = await openTiny(40_000);
    try {
      const model = fm({ dim: 8, learningRate: 5e-3, std: 0.01, tableOptimizer: "rowAdam" });
      const noise = defaultFields.filter(({ dim }) => dim === 0).map(({ name }) => name);
      const rich = defaultFields.filter(({ dim }) => dim >= 4).map(({ name }) => name);
      for (const seed of [1, 2]) {
        const task = own.makeTask({ seed, model, train: { batch: 1024 } });
        const { found, notes } = await adass({ iterations: 60 }).search(task, { budgets: ["25%"] });
        const dimOf = (name: string) => found[0]!.scheme.dims[task.fields.findIndex((f) => f.name === name)]!;
        const mean = (names: string[]) => names.reduce((n, name) => n + dimOf(name), 0) / names.length;
        console.log(
          `planted, seed ${seed}: ${task.fields.map((f) => `${f.name} ${dimOf(f.name)}`).join(", ")}`,
        );
        expect(dimOf("session")).toBe(0);
        expect(mean(rich)).toBeGreaterThan(mean(noise));
        const { probes, bestEpoch } = (notes as unknown as Notes).supernet;
        expect(probes[bestEpoch]!).toBe(Math.max(...probes));
        expect(probes[bestEpoch]!).toBeGreaterThan(probes[0]! + 0.02);
      }
    } finally {
      own.close();
    }
  });
});
