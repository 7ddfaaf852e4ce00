// The policy without a store: how many are taken and which, thresholds, hysteresis, percentiles, the ramp, what a budget pays for.
import { describe, expect, test } from "bun:test";
import { FIRST, LIVE, rowChunks } from "@trimtab/embeddings";
import type { Task } from "@trimtab/search-core";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  allChunks,
  Choice,
  type ChunkCounts,
  type Cut,
  costOfChunks,
  cutoff,
  fiitedConfigSchema,
  fill,
  quotasOf,
  Schedule,
  sampledQuantile,
  scalesOf,
  scoresOf,
  settingsOf,
  steadyPeriodOf,
  surelyFit,
  take,
} from "../src/index.ts";

// few different values, so that there are ties, and infinite ones, which fields' best chunks have
const score = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constant(Number.POSITIVE_INFINITY),
);
const scoreList = fc.array(score, { maxLength: 400 }).map((list) => Float32Array.from(list));

/** The plainest way: sorted by score, the first ones first where equal. */
function largest(scores: Float32Array, count: number): number[] {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  // Infinity - Infinity is NaN, which sorts as equal: put those in order too
  order.sort((a, b) => (scores[a] === scores[b] ? a - b : scores[b]! > scores[a]! ? 1 : -1));
  return order.slice(0, count).sort((a, b) => a - b);
}

const marked = (taken: Uint8Array) => Array.from(taken.keys()).filter((i) => taken[i] === 1);

describe("selection", () => {
  test("takes exactly as many as wanted, and those that sorting everything takes", () => {
    law(
      fc.property(
        scoreList,
        fc.nat({ max: 450 }),
        fc.integer({ min: 1, max: 80 }),
        (scores, count, sample) => {
          const taken = new Uint8Array(scores.length);
          const n = take(scores, cutoff(scores, count, sample), taken);
          expect(n).toBe(Math.min(count, scores.length));
          expect(marked(taken)).toEqual(largest(scores, count));
        },
      ),
      400,
    );
  });

  test("is exact where a sample misleads: the scores rise and fall with the stride of the sample", () => {
    const scores = Float32Array.from({ length: 10_000 }, (_, i) => (i % 100 === 0 ? 1000 + i : i / 10_000));
    for (const count of [1, 50, 100, 101, 5000, 9999]) {
      const taken = new Uint8Array(scores.length);
      expect(take(scores, cutoff(scores, count, 100), taken)).toBe(count);
      expect(marked(taken)).toEqual(largest(scores, count));
    }
  });

  test("a sampled quantile is off by no more ranks than a sample of its size", () => {
    law(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 30 }),
        fc.double({ min: 0.02, max: 0.98, noNaN: true }),
        (seed, above) => {
          const n = 20_000;
          const sample = 2000;
          let state = seed >>> 0;
          const scores = Float32Array.from({ length: n }, () => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            return -Math.log((state + 1) / 2 ** 32);
          });
          const value = sampledQuantile(scores, above, sample);
          const rank = scores.reduce((m, s) => m + (s > value ? 1 : 0), 0);
          const deviation = Math.sqrt(above * (1 - above) * sample) * (n / sample);
          expect(Math.abs(rank - above * n)).toBeLessThan(6 * deviation + n / sample);
        },
      ),
      60,
    );
  });

  test("by column, each column takes its share of the count, and what it lacks goes to the others", () => {
    law(
      fc.property(
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 }),
        fc.nat({ max: 200 }),
        (sizes, count) => {
          const all = sizes.reduce((a, b) => a + b, 0);
          const quotas = quotasOf(sizes, count);
          expect(quotas.reduce((a, b) => a + b, 0)).toBe(Math.min(count, all));
          quotas.forEach((quota, k) => {
            expect(quota).toBeLessThanOrEqual(sizes[k]!);
            // who got less than another, got all it has
            const most = Math.max(...quotas);
            if (quota < most - 1) expect(quota).toBe(sizes[k]!);
          });
        },
      ),
    );
    law(
      fc.property(
        scoreList,
        fc.integer({ min: 2, max: 4 }),
        fc.nat({ max: 400 }),
        (scores, chunks, count) => {
          const columns = Uint16Array.from(scores, (_, i) => (i * 7) % chunks);
          const taken = new Choice(scores, columns, { chunks, thresholds: "column", sample: 64 }).take(count);
          expect(marked(taken)).toHaveLength(Math.min(count, scores.length));
          for (let k = 0; k < chunks; k++) {
            const own = Float32Array.from(
              Array.from(scores.keys()).flatMap((i) => (columns[i] === k ? [scores[i]!] : [])),
            );
            const marks = Array.from(scores.keys()).flatMap((i) => (columns[i] === k ? [taken[i]!] : []));
            const n = marks.reduce((a, b) => a + b, 0);
            expect(marks.flatMap((m, i) => (m === 1 ? [i] : []))).toEqual(largest(own, n));
          }
        },
      ),
    );
  });
});

describe("who joins as the count rises", () => {
  test("those that a larger count takes, one after another", () => {
    law(
      fc.property(
        fc.array(score, { minLength: 1, maxLength: 150, size: "max" }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom("global" as const, "column" as const),
        fc.nat({ max: 150 }),
        fc.nat({ max: 60 }),
        (list, chunks, thresholds, a, more) => {
          const scores = Float32Array.from(list);
          const columns = Uint16Array.from(scores, (_, i) => (i * 7) % chunks);
          const choice = new Choice(scores, columns, { chunks, thresholds, sample: 64 });
          const from = a % (scores.length + 1);
          const taken = choice.take(from);
          const joining = choice.joining(taken, from, from + more);
          expect(joining.length).toBe(Math.min(more, scores.length - from));
          joining.forEach((i, n) => {
            taken[i] = 1;
            expect(taken).toEqual(choice.take(from + n + 1));
          });
        },
      ),
      200,
    );
  });

  test("a budget is filled up: one chunk more would be too much", () => {
    law(
      fc.property(
        fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), field: fc.nat({ max: 2 }) }), {
          minLength: 1,
          maxLength: 60,
          size: "max",
        }),
        fc.infiniteStream(score),
        fc.constantFrom("global" as const, "column" as const),
        fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.integer({ min: 1, max: 3 })),
        fc.integer({ min: 0, max: 110 }),
        (rows, stream, thresholds, [row, filled, chunk], percent) => {
          const fieldRows = [0, 1, 2].map((f) => 1 + rows.filter(({ field }) => field === f).length);
          const allRows = fieldRows.reduce((a, b) => a + b, 0);
          // chunks of a row: the first `size`
          const list = rows.flatMap(({ size, field }, row) =>
            Array.from({ length: size }, (_, k) => ({ row, k, field })),
          );
          const scores = Float32Array.from(list, () => stream.next().value!);
          const columns = Uint16Array.from(list, ({ k }) => k);
          const flags = Uint8Array.from(list, ({ k }) => (k === 0 ? FIRST : 0));
          const fields = Uint16Array.from(list, ({ field }) => field);
          const choice = new Choice(scores, columns, { chunks: 4, thresholds, sample: 64 });
          const cost = (counts: ChunkCounts) =>
            row * counts.rows + filled * counts.filledRows + chunk * counts.live;
          const costOf = (taken: Uint8Array) => {
            const some = list.filter((_, i) => taken[i] === 1);
            const any = new Set(some.map(({ field }) => field));
            return cost({
              rows: fieldRows.reduce((n, own, f) => n + (any.has(f) ? own : 0), 0),
              filledRows: new Set(some.map((one) => one.row)).size,
              live: some.length,
            });
          };
          const value = Math.floor((percent / 100) * costOf(new Uint8Array(list.length).fill(1)));
          let surely = 0;
          while (cost({ rows: allRows, filledRows: surely + 1, live: surely + 1 }) <= value) surely++;
          const fits = (counts: ChunkCounts) => cost(counts) <= value;
          const taken = fill({ flags, fields }, choice, { surely, fieldRows, fits });
          // the plainest way: one more, until it is too much
          let count = 0;
          while (count < list.length && costOf(choice.take(count + 1)) <= value) count++;
          expect(taken).toEqual(choice.take(count));
        },
      ),
      300,
    );
  });
});

const trackedList = fc
  .array(
    fc.record({
      utility: fc.float({ min: 0, max: 1e6, noNaN: true }),
      live: fc.boolean(),
      field: fc.nat({ max: 2 }),
    }),
    { minLength: 1, maxLength: 300 },
  )
  .map((list) => ({
    utilities: Float32Array.from(list, (x) => x.utility),
    flags: Uint8Array.from(list, (x) => (x.live ? LIVE : 0)),
    fields: Uint16Array.from(list, (x) => x.field),
    chunks: new Uint16Array(list.length),
  }));

describe("scores", () => {
  test("hysteresis: a live chunk gives way only to candidates that are better by more than the bonus", () => {
    law(
      fc.property(
        trackedList,
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.nat({ max: 300 }),
        (t, h, count) => {
          const before = t.utilities.slice();
          const scores = scoresOf(
            { ...t, utilities: t.utilities.slice() },
            { normalise: 0, hysteresis: h, fieldCount: 3 },
          );
          const choice = new Choice(scores, t.chunks, { chunks: 1, thresholds: "global", sample: 64 });
          const taken = choice.take(count);
          const isLive = (i: number) => (t.flags[i]! & LIVE) !== 0;
          const pruned = marked(taken.map((x) => 1 - x)).filter(isLive);
          const restored = marked(taken).filter((i) => !isLive(i) && Number.isFinite(scores[i]!));
          if (pruned.length === 0 || restored.length === 0) return;
          const bestPruned = Math.max(...pruned.map((i) => before[i]!));
          const worstRestored = Math.min(...restored.map((i) => before[i]!));
          expect(worstRestored).toBeGreaterThanOrEqual(bestPruned * (1 + h) * (1 - 1e-6));
        },
      ),
      300,
    );
  });

  test("normalised, a field's scores do not depend on the size of its utilities", () => {
    law(
      fc.property(trackedList, fc.constantFrom(2 ** -10, 2 ** 7), (t, factor) => {
        const options = { normalise: 1, hysteresis: 0.05, fieldCount: 3 };
        const scaled = Float32Array.from(t.utilities, (u, i) =>
          t.fields[i] === 1 ? Math.fround(u * factor) : u,
        );
        // numbers so small that f32 loses bits of them are no matter here
        fc.pre(t.utilities.every((u) => u === 0 || u > 1e-30));
        const one = scoresOf({ ...t, utilities: t.utilities.slice() }, options);
        const two = scoresOf({ ...t, utilities: scaled }, options);
        expect(two).toEqual(one);
      }),
    );
  });

  test("a field is divided by its 95th percentile, and every field's best chunk is above all", () => {
    const n = 1000;
    const utilities = Float32Array.from({ length: n }, (_, i) => (i < 100 ? (i + 1) * 1000 : i - 99));
    const fields = Uint16Array.from({ length: n }, (_, i) => (i < 100 ? 0 : 2));
    const tracked = { utilities, flags: new Uint8Array(n), fields, chunks: new Uint16Array(n) };
    expect(Array.from(scalesOf(tracked, 4))).toEqual([95_000, 1, 855, 1]);
    const scores = scoresOf(tracked, { normalise: 1, hysteresis: 0, fieldCount: 4 });
    const above = Array.from(scores.keys()).filter((i) => scores[i] === Number.POSITIVE_INFINITY);
    expect(above).toEqual([99, 999]);
    expect(scores[94]).toBeCloseTo(1, 6);
  });

  test("utilities of which nineteen in twenty are zero are divided by the largest, and all zeros by one", () => {
    const utilities = new Float32Array(200);
    utilities[150] = 7;
    const tracked = {
      utilities,
      flags: new Uint8Array(200),
      fields: Uint16Array.from({ length: 200 }, (_, i) => (i < 100 ? 0 : 1)),
      chunks: new Uint16Array(200),
    };
    expect(Array.from(scalesOf(tracked, 2))).toEqual([1, 7]);
  });
});

describe("schedule", () => {
  test("falls from all chunks to the budget, is met at the end of the ramp, and never grows", () => {
    law(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 500 }),
        (period, rampSteps, a, b, steadyPeriod) => {
          const [to, from] = [Math.min(a, b), Math.max(a, b)];
          const schedule = new Schedule({ period, steadyPeriod, rampSteps, from, to });
          expect(schedule.target(0)).toBe(from);
          expect(schedule.adjustsAfter(rampSteps)).toBe(true);
          expect(schedule.isOver(rampSteps)).toBe(true);
          expect(schedule.isOver(rampSteps - 1)).toBe(false);
          let before = from;
          for (let step = 1; step <= rampSteps + steadyPeriod; step++) {
            const target = schedule.target(step);
            const wanted = step < rampSteps ? period : steadyPeriod;
            expect(schedule.adjustsAfter(step)).toBe(step === rampSteps || step % wanted === 0);
            expect(target).toBeLessThanOrEqual(before);
            expect(target).toBeGreaterThanOrEqual(to);
            before = target;
          }
          expect(before).toBe(to);
        },
      ),
      40,
    );
  });
});

describe("settings", () => {
  const task = { train: { batch: 1000, epochs: 10 }, fields: [{ name: "f", rows: 9, slots: 4 }] };
  const settings = (config: object, rows: number) =>
    settingsOf(fiitedConfigSchema.parse(config), task as unknown as Task, rows);

  test("adjustments are a fifth of an epoch apart after the ramp, further where very many chunks may be live", () => {
    const large = settings({}, 500_000);
    expect([large.rampSteps, large.period, large.steadyPeriod]).toEqual([1000, 100, 100]);
    expect(steadyPeriodOf(large, 100_000)).toBe(100);
    // 4,000 ids a step, three times as many as chunks
    expect(steadyPeriodOf(large, 200_000)).toBe(150);
    expect(steadyPeriodOf(large, 1e9)).toBe(1000);
  });

  test("a period that is given is the period", () => {
    const given = settings({ period: 7 }, 500_000);
    expect([given.period, steadyPeriodOf(given, 1e9)]).toEqual([7, 7]);
  });
});

const cuts = fc
  .record({
    rows: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
    chunks: fc.constantFrom(1, 2, 4),
    width: fc.constantFrom(1, 2, 4),
  })
  .map(
    ({ rows, chunks, width }): Cut => ({
      fields: rows.map((n, f) => ({ name: `f${f}`, rows: n, slots: 1 })),
      dim: chunks * width,
      chunks,
    }),
  );

describe("what a budget pays for", () => {
  test("so many chunks fit wherever they are, and the cost is that of the scheme", () => {
    law(
      fc.property(
        cuts,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.constantFrom("bytes" as const, "parameters" as const),
        (cut, share, seed, unit) => {
          const value = Math.floor(share * 4 * (allChunks(cut) / cut.chunks) * cut.dim);
          const count = surelyFit(cut, { unit, value, text: "" });
          // some pattern of as many chunks
          const masks = cut.fields.map(({ rows }) => new Uint32Array(Math.ceil((rows * cut.chunks) / 32)));
          const places = cut.fields.flatMap(({ rows }, f) =>
            Array.from({ length: rows * cut.chunks }, (_, bit) => ({ f, bit })),
          );
          let state = seed;
          for (let i = places.length - 1; i > 0; i--) {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            const j = state % (i + 1);
            [places[i], places[j]] = [places[j]!, places[i]!];
          }
          const rows = new Set<string>();
          const any = new Set<number>();
          for (const { f, bit } of places.slice(0, count)) {
            masks[f]![bit >> 5]! |= 1 << (bit & 31);
            rows.add(`${f} ${Math.floor(bit / cut.chunks)}`);
            any.add(f);
          }
          const { fields, dim, chunks } = cut;
          const scheme = rowChunks(fields, { dim, chunks, masks });
          const own = unit === "bytes" ? scheme.serveBytes() : scheme.parameters;
          expect(own).toBeLessThanOrEqual(value);
          const counts = {
            rows: fields.reduce((n, field, f) => n + (any.has(f) ? field.rows : 0), 0),
            filledRows: rows.size,
            live: count,
          };
          expect(costOfChunks(cut, unit, counts)).toBe(own);
        },
      ),
      200,
    );
  });
});
