// Two-layer sampling: what is drawn more often, and what is not.
import { describe, expect, test } from "bun:test";
import { Random } from "@trimtab/data";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { Sampler } from "../../src/index.ts";
import type { SamplerSettings } from "../../src/supernet/sampler.ts";

const settings = (o: Partial<SamplerSettings> = {}): SamplerSettings => ({
  candidates: [0, 2, 4, 8],
  tableSampling: "adaptive",
  temperature: 1,
  explore: 0.2,
  fieldSampling: "importance",
  fieldShare: 0.5,
  memory: 0.1,
  ...o,
});

const loss = fc.double({ min: 0.01, max: 5, noNaN: true });
const state = fc.integer({ min: 1, max: 6 }).chain((fields) =>
  fc.record({
    losses: fc.array(fc.array(fc.option(loss), { minLength: 4, maxLength: 4 }), {
      minLength: fields,
      maxLength: fields,
    }),
    importance: fc.array(fc.option(fc.double({ min: 0, max: 3, noNaN: true })), {
      minLength: fields,
      maxLength: fields,
    }),
  }),
);

describe("sizes", () => {
  test("probabilities of a field sum to one, and each size keeps its share of exploration", () =>
    law(
      fc.property(
        state,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.05, max: 10, noNaN: true }),
        (s, explore, temperature) => {
          const p = new Sampler(settings({ explore, temperature }), s.losses.length, s).probabilities();
          for (const own of p) {
            expect(own.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
            // size 0 has nothing to train
            expect(own[0]).toBe(1 / 4);
            for (const x of own.slice(1)) expect(x).toBeGreaterThanOrEqual((explore / 4) * 0.999999);
          }
        },
      ),
    ));

  test("a size that does worse is drawn more often; one never used as the worst", () =>
    law(
      fc.property(state, (s) => {
        const p = new Sampler(settings(), s.losses.length, s).probabilities();
        s.losses.forEach((own, f) => {
          const known = own.slice(1).filter((x) => x !== null);
          const filled = own.map((x) => x ?? Math.max(...known, 0));
          for (let a = 1; a < 4; a++)
            for (let b = 1; b < 4; b++)
              if (filled[a]! >= filled[b]!) expect(p[f]![a]!).toBeGreaterThanOrEqual(p[f]![b]! - 1e-12);
        });
      }),
    ));

  test("sizes that are trained less, so that their loss stays higher, catch up", () => {
    const sampler = new Sampler(settings({ explore: 0.1 }), 1);
    const random = new Random(3);
    // the loss of a size falls with the times it was trained; size 8 (index 3) falls slowest
    const times = [0, 0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      const draw = sampler.draw(random, false);
      const k = draw.path[0]!;
      times[k]!++;
      sampler.tell(draw, 1 / (1 + times[k]! / (k === 3 ? 400 : 100)), [1]);
    }
    expect(times[3]!).toBeGreaterThan(1.2 * times[1]!);
    expect(times[3]!).toBeGreaterThan(1.2 * times[2]!);
    expect(times[0]! / 3000).toBeCloseTo(0.25, 1);
  });

  test("a warm-up and the ablation draw evenly", () => {
    const s = { losses: [[0.1, 5, 0.1, 0.1]], importance: [1] };
    for (const [own, warmUp] of [
      [settings(), true],
      [settings({ tableSampling: "uniform" }), false],
    ] as const) {
      const sampler = new Sampler(own, 1, structuredClone(s));
      const random = new Random(1);
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < 4000; i++) counts[sampler.draw(random, warmUp).path[0]!]!++;
      for (const n of counts) expect(Math.abs(n - 1000)).toBeLessThan(120);
    }
  });
});

describe("fields", () => {
  test("a step trains the asked share of fields, each at most once", () =>
    law(
      fc.property(
        state,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.integer(),
        (s, fieldShare, seed) => {
          const sampler = new Sampler(settings({ fieldShare }), s.losses.length, s);
          const { trained } = sampler.draw(new Random(seed), false);
          expect(trained.every((x) => x === 0 || x === 1)).toBe(true);
          const n = trained.reduce((a, b) => a + b, 0);
          expect(n).toBe(Math.ceil(fieldShare * s.losses.length));
        },
      ),
    ));

  test("important fields are trained more often, and none is forgotten", () => {
    const importance = [8, 4, 1, 0];
    const s = { losses: importance.map(() => [1, 1, 1, 1]), importance };
    const sampler = new Sampler(settings({ fieldShare: 0.25 }), 4, s);
    const random = new Random(9);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      sampler.draw(random, false).trained.forEach((x, f) => {
        counts[f]! += x;
      });
    }
    expect(counts[0]!).toBeGreaterThan(counts[1]!);
    expect(counts[1]!).toBeGreaterThan(counts[2]!);
    expect(counts[2]!).toBeGreaterThan(counts[3]!);
    expect(counts[3]!).toBeGreaterThan(0);
  });

  test("in a warm-up and without the layer every field is trained", () => {
    const s = { losses: [[1, 1, 1, 1]], importance: [0] };
    expect(new Sampler(settings(), 1, s).draw(new Random(1), true).trained).toEqual([1]);
    const none = new Sampler(settings({ fieldSampling: "none" }), 1, s);
    expect(none.draw(new Random(1), false).trained).toEqual([1]);
  });
});

test("a sampler goes on from its state as if it had never stopped", () =>
  law(
    fc.property(state, fc.array(loss, { minLength: 1, maxLength: 20 }), fc.integer(), (s, losses, seed) => {
      const a = new Sampler(settings(), s.losses.length, structuredClone(s));
      const b = new Sampler(settings(), s.losses.length, JSON.parse(JSON.stringify(a.state)));
      losses.forEach((value, i) => {
        const [x, y] = [a, b].map((sampler) => sampler.draw(new Random(seed, i), false));
        expect(x).toEqual(y!);
        for (const sampler of [a, b])
          sampler.tell(
            x!,
            value,
            s.importance.map(() => value),
          );
      });
      expect(a.state).toEqual(b.state);
    }),
  ));
