/** Variables, programs and memory on a device: what an application sees. */
import { describe, expect, test } from "bun:test";
import { asyncLaw, Random } from "@trimtab/test-support";
import fc from "fast-check";
import * as t from "../../src/index.ts";
import { deepFmStep } from "../graphs/deepfm.ts";
import { type RandomProgram, randomProgram } from "../graphs/random-graph.ts";
import { makePlan } from "../plans.ts";
import { expectOnDevice, Variables } from "./run.ts";

/** Random programs chain up to a dozen ops on numbers of a few units. */
const RANDOM_PROGRAMS = 1e-4;
/** A few, because every kernel is new to the device's compiler; FC_RUNS asks for more. */
const RUNS = Number(process.env.FC_RUNS ?? 8);

export function programsSuite(device: () => t.Device): void {
  describe("random programs", () => {
    test(
      "do on the device what their graph means",
      () =>
        asyncLaw(
          fc.asyncProperty(
            fc.integer(),
            fc.array(fc.integer(), { minLength: 4, maxLength: 9 }),
            async (seed, steps) => {
              using variables = new Variables(device());
              await expectOnDevice(device(), randomProgram(seed, steps, variables.make), RANDOM_PROGRAMS);
            },
          ),
          RUNS,
        ),
      60_000,
    );
  });

  // one hidden layer: a software device takes some tenths of a second for every new kernel
  test("a DeepFM training step", async () => {
    using variables = new Variables(device());
    const random = new Random(5);
    const sizes = { batch: 48, fields: 5, features: 60, dim: 4, hidden: [7] };
    const step = deepFmStep(variables.make, sizes);
    const ids = Array.from({ length: 240 }, () => random.whole(0, 59));
    const program: RandomProgram = {
      ...step,
      feeds: {
        ids: Uint32Array.from(ids),
        labels: Float32Array.from({ length: 48 }, () => random.whole(0, 1)),
        ...makePlan("plan", ids).feeds,
        "rng.seed": Uint32Array.of(7),
        "rng.step": Uint32Array.of(1),
        "adam.lr": Float32Array.of(0.01),
        "adam.c1": Float32Array.of(1.9),
        "adam.c2": Float32Array.of(1.4),
      },
      contents: new Map(
        variables.all.map((v) => {
          const low = /variance|\.v$/.test(v.name) ? 0.5 : -0.5;
          return [v, Float32Array.from({ length: v.size }, () => random.between(low, low + 1))];
        }),
      ),
    };
    await expectOnDevice(device(), program, 1e-4);
  }, 60_000);

  describe("variables", () => {
    test("start as zeros, keep what is written, in part and whole", async () => {
      using v = device().variable("v", [2, 3]);
      expect([...(await v.read())]).toEqual([0, 0, 0, 0, 0, 0]);
      v.write(Float32Array.of(1, 2, 3, 4, 5, 6));
      v.write(Float32Array.of(9, 8), 3);
      expect([...(await v.read())]).toEqual([1, 2, 3, 9, 8, 6]);
      expect([...(await v.read(2, 2))]).toEqual([3, 9]);
      expect([...(await v.read(6, 0))]).toEqual([]);
    });
    test("of every dtype, and empty", async () => {
      using i = device().variable("i", [2], { dtype: "i32", data: Int32Array.of(-1, 2) });
      using u = device().variable("u", [1], { dtype: "u32", data: Uint32Array.of(4294967295) });
      using none = device().variable("none", [0, 4]);
      expect(await i.read()).toEqual(Int32Array.of(-1, 2));
      expect(await u.read()).toEqual(Uint32Array.of(4294967295));
      expect(await none.read()).toEqual(new Float32Array(0));
    });
    test("refuse wrong content, and leave nothing behind when made of it", () => {
      using v = device().variable("v", [3]);
      expect(() => v.write(Int32Array.of(1))).toThrow(/"v" holds 3 f32; got 1 elements of Int32Array/);
      expect(() => v.write(new Float32Array(3), 1)).toThrow(t.FeedError);
      expect(v.read(2, 2)).rejects.toThrow(/holds 3 elements; asked for 2 from 2/);
      const before = device().memory();
      expect(() => device().variable("w", [2], { data: new Float32Array(3) })).toThrow(t.FeedError);
      expect(device().memory()).toEqual(before);
    });
    test("a copy is taken at once: later changes of the array do not show", async () => {
      const data = Float32Array.of(1, 2);
      using v = device().variable("v", [2], { data });
      data.fill(7);
      expect([...(await v.read())]).toEqual([1, 2]);
    });
    test("are gone after dispose; twice is harmless", async () => {
      const v = device().variable("v", [3]);
      v.dispose();
      v.dispose();
      expect(v.disposed).toBe(true);
      expect(() => v.write(new Float32Array(3))).toThrow(t.DisposedError);
      expect(() => v.read()).toThrow(/"v" was disposed/);
      expect(device().compile({ outputs: { y: t.mul(v.value, 2) } })).rejects.toThrow(t.DisposedError);
    });
    test("too large for a binding are refused with the limit", () => {
      const rows = Math.floor(device().info.maxBindingBytes / 4) + 1;
      const limit = new RegExp(`binds at most ${device().info.maxBindingBytes} bytes`);
      expect(() => device().variable("huge", [rows])).toThrow(t.BufferTooLarge);
      expect(() => device().variable("huge", [rows])).toThrow(limit);
    });
  });

  describe("programs", () => {
    test("fetch gives the named outputs of this very step, whatever runs after", async () => {
      using count = device().variable("count", [1]);
      const next = t.assign(count, t.add(count.value, t.input("by", [1])));
      using program = await device().compile({
        outputs: { before: count.value, after: next, twice: t.mul(next, 2) },
      });
      const fetched = [1, 10, 100].map((by) => program.fetch({ by }, ["twice", "before"]));
      program.run({ by: Float32Array.of(1000) });
      expect((await Promise.all(fetched)).map((f) => [f.before[0], f.twice[0]])).toEqual([
        [0, 2],
        [1, 22],
        [11, 222],
      ]);
      expect(Object.keys(await fetched[0]!).sort()).toEqual(["before", "twice"]);
      const all = await program.fetch({ by: 0 });
      expect([all.before[0], all.after[0], all.twice[0]]).toEqual([1111, 1111, 2222]);
    });
    test("one value under two names, and an input as an output", async () => {
      const x = t.input("x", [2]);
      const y = t.mul(x, 2);
      using program = await device().compile({ outputs: { a: y, b: y, c: x } });
      const { a, b, c } = await program.fetch({ x: Float32Array.of(1, 2) });
      expect([[...a], [...b], [...c]]).toEqual([
        [2, 4],
        [2, 4],
        [1, 2],
      ]);
    });
    test("feeds are copied: later changes of the array do not show", async () => {
      const x = Float32Array.of(1, 2);
      using program = await device().compile({ outputs: { y: t.mul(t.input("x", [2]), 3) } });
      const fetched = program.fetch({ x });
      x.fill(9);
      expect([...(await fetched).y]).toEqual([3, 6]);
    });
    test("FeedError: missing, unknown, wrong length, wrong type, unknown output", async () => {
      const y = t.add(t.input("x", [2, 3]), t.input("s", []));
      using program = await device().compile({ outputs: { y } });
      const x = new Float32Array(6);
      expect(() => program.run({ x })).toThrow(/missing "s"/);
      expect(() => program.run({})).toThrow(/missing "s", "x"/);
      expect(() => program.run({ x, s: 1, z: 2 })).toThrow(/no input "z"; its inputs are s, x/);
      expect(() => program.run({ x: new Float32Array(5), s: 1 })).toThrow(
        /"x" must be 6 f32 \[2, 3\], got 5 elements of Float32Array/,
      );
      expect(() => program.run({ x: new Int32Array(6), s: 1 })).toThrow(/got 6 elements of Int32Array/);
      expect(() => program.run({ x: 1, s: 1 })).toThrow(/"x" is \[2, 3\], got one number/);
      expect(program.fetch({ x, s: 1 }, ["nothing" as "y"])).rejects.toThrow(/no output "nothing"/);
      for (const feeds of [{ x }, { x, s: 1, z: 2 }] as t.Feeds[])
        expect(() => program.run(feeds)).toThrow(t.FeedError);
      // what was refused changes nothing
      expect([...(await program.fetch({ x, s: 2 })).y]).toEqual([2, 2, 2, 2, 2, 2]);
    });
    test("plan arrays may be shorter than their inputs, not longer", async () => {
      const plan = makePlan("p", [3, 1, 3]);
      using v = device().variable("v", [4, 1], { data: Float32Array.of(1, 2, 3, 4) });
      const value = t.add(t.rows(v.value, plan.inputs), t.segmentSum(t.input("x", [3, 1]), plan.inputs));
      using program = await device().compile({ updates: [t.assignRows(v, value, plan.inputs)] });
      const x = Float32Array.of(10, 20, 30);
      program.run({ x, ...plan.feeds });
      expect([...(await v.read())]).toEqual([1, 22, 3, 44]);
      expect(() => program.run({ x, ...plan.feeds, "p.rows": new Uint32Array(4) })).toThrow(
        /at most 3 u32 \[3\], got 4/,
      );
    });
    test("print and profile name the kernels", async () => {
      using program = await device().compile({
        outputs: { y: t.sum(t.matmul(t.input("a", [8, 8]), t.input("b", [8, 8])), [0]) },
      });
      expect(program.print()).toContain("matmul 8x8 * 8x8");
      const times = await program.profile({ a: new Float32Array(64), b: new Float32Array(64) });
      expect(times.map((k) => k.kind)).toEqual(program.list.kernels.map((k) => k.kind));
      for (const k of times) expect(k.seconds).toBeGreaterThanOrEqual(0);
    });
    test("are gone after dispose; twice is harmless", async () => {
      const program = await device().compile({ outputs: { y: t.iota([2]) } });
      program.dispose();
      program.dispose();
      expect(() => program.run()).toThrow(t.DisposedError);
      expect(program.fetch()).rejects.toThrow(/The program was disposed/);
    });
  });
}
