/**
 * The two engines against each other: each is the other's second opinion. Whole numbers and random numbers are equal to the bit;
 * f32 differs by rounding (order of sums, functions of a few units in the last place).
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import * as t from "../../src/index.ts";
import { referenceOf } from "../graphs/compare.ts";
import { type Ran, runRandom } from "../graphs/run-random.ts";
import { DeepFmRun } from "../graphs/train.ts";
import { describeWebGpu } from "../webgpu-adapter.ts";

/** Between engines, relative to max(1, |value|). Measured over some hundreds of programs: 4e-7. */
const RANDOM_PROGRAMS = 1e-5;
/** Between loss curves, absolute. Measured: 2e-7. */
const LOSS = 1e-4;
/** Between trained parameters, absolute, after 200 steps of at most 1e-3. Measured: 6e-6. */
const PARAMETERS = 1e-3;

describeWebGpu("cpu and webgpu", () => {
  let cpu: t.Device;
  let webgpu: t.Device;
  beforeAll(async () => {
    cpu = await t.openDevice({ engine: "cpu" });
    webgpu = await t.openDevice({ engine: "webgpu" });
  });
  afterAll(() => {
    cpu.dispose();
    webgpu.dispose();
  });

  let worst = 0;
  /** Elements without meaning (NaN in the reference: rows beyond a plan's count) are passed over. */
  function compare(what: string, a: t.HostArray, b: t.HostArray, reference: ArrayLike<number>): void {
    expect(a.constructor).toBe(b.constructor);
    expect(a.length).toBe(b.length);
    const close = a instanceof Float32Array ? RANDOM_PROGRAMS : 0;
    for (let i = 0; i < a.length; i++) {
      const meant = reference[i]!;
      if (Number.isNaN(meant)) continue;
      const off = Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(meant));
      worst = Math.max(worst, off);
      if (!(off <= close)) throw new Error(`${what}[${i}]: cpu ${a[i]}, webgpu ${b[i]}, Float64 ${meant}`);
    }
  }

  function compareRuns(a: Ran, b: Ran): void {
    const meant = referenceOf(a.program);
    for (const [name, values] of a.outputs)
      compare(name, values, b.outputs.get(name)!, meant.outputs.get(name)!);
    const others = [...b.variables.values()];
    [...a.variables].forEach(([variable, values], i) => {
      compare(`variable ${variable.name}`, values, others[i]!, meant.variables.get(variable)!);
    });
  }

  test("random programs give equal results", async () => {
    await asyncLaw(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.integer(), { minLength: 4, maxLength: 9 }),
        async (seed, steps) => {
          compareRuns(await runRandom(cpu, seed, steps), await runRandom(webgpu, seed, steps));
        },
      ),
      Number(process.env.FC_RUNS ?? 8),
    );
    console.log(`random programs: the engines differ by at most ${worst.toExponential(1)}`);
  }, 60_000);

  test("random numbers are equal to the bit, and so are dropout's masks", async () => {
    const x = t.input("x", [1000]);
    const outputs = {
      bits: t.randomBits([1003], t.rngInputs(), 3),
      uniform: t.randomUniform([7, 143], t.rngInputs(), 4),
      // one axis turned: the counter must follow the element, not the order of work
      turned: t.transpose(t.randomUniform([31, 17], t.rngInputs(), 5)),
      dropped: t.dropout(x, 0.3, t.rngInputs(), 6),
      mask: t.gt(t.randomUniform([13, 9], t.rngInputs(), 7), 0.2),
    };
    const programs = [await cpu.compile({ outputs }), await webgpu.compile({ outputs })];
    try {
      for (const [seed, step] of [
        [0, 0],
        [1, 1],
        [2 ** 32 - 1, 2 ** 31],
        [20260705, 12345],
      ] as const) {
        const feeds = {
          x: Float32Array.from({ length: 1000 }, (_, i) => i / 16 - 30),
          "rng.seed": Uint32Array.of(seed),
          "rng.step": Uint32Array.of(step),
        };
        const [a, b] = await Promise.all(programs.map((program) => program.fetch(feeds)));
        for (const name of Object.keys(outputs)) {
          const words = (of: Record<string, t.HostArray>) => new Uint32Array(of[name]!.buffer);
          expect([name, words(a!)]).toEqual([name, words(b!)]);
        }
        const distinct = new Set(new Uint32Array(a!.bits.buffer));
        expect(distinct.size).toBeGreaterThan(990);
      }
    } finally {
      for (const program of programs) program.dispose();
    }
  });

  test("200 steps of a DeepFM have one loss curve", async () => {
    using a = await DeepFmRun.start(cpu);
    using b = await DeepFmRun.start(webgpu);
    const [left, right] = await Promise.all([a.steps(200), b.steps(200)]);
    const mean = (losses: readonly number[]) => losses.reduce((sum, x) => sum + x, 0) / losses.length;
    const apart = Math.max(...left!.map((loss, i) => Math.abs(loss - right![i]!)));
    console.log(
      `DeepFM: loss ${mean(left.slice(0, 20)).toFixed(4)} -> ${mean(left.slice(-20)).toFixed(4)}, the engines' curves are at most ${apart.toExponential(1)} apart`,
    );
    expect(left).toHaveLength(200);
    // it learned something: two runs that do nothing would agree as well
    expect(mean(left.slice(-20))).toBeLessThan(mean(left.slice(0, 20)) - 0.05);
    expect(apart).toBeLessThan(LOSS);
    const [ours, theirs] = [await a.contents(), await b.contents()];
    for (const name of ["embeddings", "linear", "bias", "w0", "w1", "out"]) {
      const other = theirs.get(name)!;
      const off = Math.max(...Array.from(ours.get(name)!, (x, i) => Math.abs(x - other[i]!)));
      expect({ name, near: off < PARAMETERS }).toEqual({ name, near: true });
    }
  }, 60_000);
});
