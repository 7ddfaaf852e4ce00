// REINFORCE and its controls against a small planted reward: no supernet, a plain function instead.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { perField } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import { Interrupted, limitOf, parseBudget, type SearchEvent } from "@trimtab/search-core";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  adassConfigSchema,
  Costs,
  type LimitSearch,
  type Path,
  Reinforce,
  ranksOf,
  searchUnder,
  settingsOf,
} from "../../src/index.ts";
import { judge } from "../../src/search/reward.ts";

const ROWS = [4000, 2000, 900, 300, 60, 10];
const fields = ROWS.map((rows, f) => ({ name: `f${f}`, rows, slots: 1 }));
/** What each field gains with its first numbers; the second and the fifth give nothing. */
const WORTH = [0.02, 0, 0.03, 0.01, 0, 0.04];
const candidates = [0, 2, 4, 8];
const TASK = { train: {}, seed: 1, folder: undefined, resume: false, signal: undefined };

/** AUC grows with each useful field's size, less and less. */
const aucOf = (path: Path) =>
  0.6 + path.reduce((n, k, f) => n + WORTH[f]! * (1 - 0.5 ** (candidates[k]! / 2)), 0);

function searchOf(budget: string, config: object, task: Partial<LimitSearch["task"]> = {}): LimitSearch {
  const limit = limitOf(
    parseBudget(budget),
    perField(
      fields,
      ROWS.map(() => 8),
      { base: 8, projection: "none" },
    ),
  );
  const parsed = adassConfigSchema.parse({ candidates, ...config });
  const own = { ...TASK, ...task };
  const settings = settingsOf(parsed, own, fm({ dim: 8 }).dim);
  return {
    task: own,
    settings,
    quality: { auc: async (path) => aucOf(path) },
    costs: new Costs(fields, limit, settings),
    ranks: ranksOf(WORTH),
    supernet: "test",
    emit: () => undefined,
  };
}

/** Every path there is. */
function* everyPath(fieldCount: number): Generator<number[]> {
  for (let n = 0; n < candidates.length ** fieldCount; n++) {
    yield Array.from(
      { length: fieldCount },
      (_, f) => Math.floor(n / candidates.length ** f) % candidates.length,
    );
  }
}

function bestOf({ costs, ranks, settings }: LimitSearch) {
  let best = Number.NEGATIVE_INFINITY;
  for (const path of everyPath(ROWS.length)) {
    const judged = judge(path, aucOf(path), costs, ranks, settings);
    if (judged.meets) best = Math.max(best, judged.reward);
  }
  return best;
}

describe("under a planted reward", () => {
  test.each(["50%", "25%", "10%", "3%"])(
    "REINFORCE comes close to the best path there is within %s",
    async (budget) => {
      const search = searchOf(budget, {});
      const found = await searchUnder(search);
      expect(found.meets).toBe(true);
      expect(found.reward).toBeGreaterThan(bestOf(search) - 0.002);
      // fields without worth cost bytes and give nothing
      if (budget !== "50%") expect(candidates[found.path[1]!]).toBe(0);
    },
  );

  test("evolution does too; both beat random paths", async () => {
    const of = async (how: string) => (await searchUnder(searchOf("10%", { search: how }))).reward;
    const best = bestOf(searchOf("10%", {}));
    expect(await of("evolution")).toBeGreaterThan(best - 0.002);
    expect(await of("random")).toBeLessThanOrEqual(Math.max(await of("evolution"), await of("reinforce")));
  });

  test("the policy's own answer meets the budget and is close to the best", async () => {
    const search = searchOf("10%", { answer: "policy", iterations: 300 });
    const found = await searchUnder(search);
    expect(found.meets).toBe(true);
    expect(found.reward).toBeGreaterThan(bestOf(search) - 0.01);
  });

  test("from an even start a tight budget is still met", async () => {
    const search = searchOf("3%", { start: "uniform" });
    const found = await searchUnder(search);
    expect(found.meets).toBe(true);
    expect(found.reward).toBeGreaterThan(bestOf(search) - 0.01);
  });

  test.each(["reinforce", "evolution", "random"])(
    "%s: the same seed, the same answer; whatever else is asked",
    async (how) => {
      const [a, b] = [
        await searchUnder(searchOf("10%", { search: how })),
        await searchUnder(searchOf("10%", { search: how })),
      ];
      expect(a.path).toEqual(b.path);
      expect(a.curve).toEqual(b.curve);
      const other = await searchUnder(searchOf("10%", { search: how }, { seed: 2 }));
      expect(other.curve).not.toEqual(a.curve);
    },
  );

  test.each(["reinforce", "evolution", "random"])(
    "%s: stopped after any round it goes on to the same answer",
    async (how) => {
      const root = mkdtempSync(join(tmpdir(), "trimtab-adass-search-"));
      try {
        const config = { search: how, iterations: 12 };
        const straight = await searchUnder(searchOf("10%", config));
        for (const stopAt of [1, 5, 11]) {
          const folder = join(root, `${how}-${stopAt}`);
          const stop = new AbortController();
          const emit = (event: SearchEvent) => {
            if (event.kind === "progress" && event.done === stopAt) stop.abort();
          };
          let interrupted: unknown;
          try {
            await searchUnder({ ...searchOf("10%", config, { folder, signal: stop.signal }), emit });
          } catch (reason) {
            interrupted = reason;
          }
          expect(interrupted).toBeInstanceOf(Interrupted);
          const resumed = await searchUnder(searchOf("10%", config, { folder, resume: true }));
          expect(resumed.path).toEqual(straight.path);
          expect(resumed.curve).toEqual(straight.curve);
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
  );
});

describe("the reward", () => {
  test("falls with every byte over the budget, and where unimportant fields hold the bytes", () => {
    const { costs } = searchOf("10%", {});
    const ranks = ranksOf(WORTH);
    const settings = { penalty: 1, competition: 0.01 };
    const over = [3, 3, 3, 3, 3, 3];
    const judged = judge(over, 0.7, costs, ranks, settings);
    const rivalry = 0.7 - (costs.of(over) / costs.limit.value - 1) - judged.reward;
    expect(judged.meets).toBe(false);
    expect(rivalry).toBeGreaterThan(0);
    // the same bytes at the most important field cost nothing
    expect(judge([0, 0, 0, 0, 0, 1], 0.7, costs, ranks, settings).reward).toBeCloseTo(0.7, 12);
    expect(judge([0, 0, 0, 0, 1, 0], 0.7, costs, ranks, settings).reward).toBeLessThan(0.7 - 0.005);
  });

  test("ranks are a permutation of 1/F .. 1 in the order of importance", () =>
    law(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 9 }),
        (x) => {
          const ranks = ranksOf(x);
          expect([...ranks].sort((a, b) => a - b)).toEqual(x.map((_, i) => (i + 1) / x.length));
          for (const [f, a] of x.entries())
            for (const [g, b] of x.entries()) if (a > b) expect(ranks[f]!).toBeGreaterThan(ranks[g]!);
        },
      ),
    ));
});

test("a policy is a distribution of every field, whatever it is told", () =>
  law(
    fc.property(
      fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 4, maxLength: 40 }),
      (rewards) => {
        const start = [0, 1].map(() => [0.25, 0.25, 0.25, 0.25]);
        const policy = new Reinforce({ start, paths: 2, rate: 0.5, entropy: 0.01 });
        rewards.forEach((reward, i) => {
          const path = [i % 4, (i * 7) % 4];
          policy.tell([
            { path, reward, auc: reward, meets: true },
            { path: [0, 0], reward: 0, auc: 0, meets: true },
          ]);
        });
        for (const own of policy.policy) {
          expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
          for (const p of own) expect(p).toBeGreaterThanOrEqual(0);
        }
      },
    ),
  ));
