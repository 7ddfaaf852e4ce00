/** The threads, seen from inside by wasm functions that watch one another. */
import { afterEach, describe, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import { Arena } from "../../../../src/engines/cpu/host/arena.ts";
import { Pool, type PoolOptions } from "../../../../src/engines/cpu/host/pool.ts";
import { CompileError, DeviceLost, DisposedError, TensorCoreError } from "../../../../src/errors.ts";
import { adderModule, LOCKSTEP, testModule, VICTIM } from "./kernels.ts";

const MiB = 2 ** 20;
const NAMES = ["lockstep", "chunks", "add", "mine", "empty", "trap", "forever"] as const;
type Names = Record<(typeof NAMES)[number], number>;

const open: Pool[] = [];
afterEach(() => {
  for (const pool of open.splice(0)) pool.dispose();
});

async function setUp(
  threads: number,
  options: Omit<PoolOptions, "arena"> & { shared?: boolean } = {},
): Promise<{ arena: Arena; pool: Pool; fn: Names; own: number[] }> {
  const { shared = true, ...rest } = options;
  const arena = new Arena({ shared, limit: 128 * MiB });
  const pool = await Pool.open({ arena, threads, ...rest });
  open.push(pool);
  const ids = await pool.load(await testModule(shared), NAMES);
  const fn = Object.fromEntries(NAMES.map((name, i) => [name, ids[i]!])) as Names;
  // The test functions take the thread's number for its scratch.
  return { arena, pool, fn, own: Array.from({ length: threads }, (_, t) => t) };
}

/** Keeps this thread at work for so many milliseconds. */
function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Arguments of `trap` and `forever`. */
function victimOf(arena: Arena, thread: number, threads: number): number {
  const args = arena.allocate(12, "args");
  arena.u32[(args + VICTIM.thread) >> 2] = thread;
  arena.u32[(args + VICTIM.threads) >> 2] = threads;
  return args;
}

describe("phases", () => {
  for (const threads of [1, 2, 3, 4])
    test(`${threads} threads keep step through 100,000 phases`, async () => {
      const { arena, pool, fn, own } = await setUp(threads);
      const units = 4;
      const args = arena.allocate(LOCKSTEP.beats + 64 * units, "args");
      arena.u32[args >> 2] = units;
      const count = 1000;
      const counters = arena.allocate(4 * count, "counters");
      const program = await pool.addProgram(
        Array.from({ length: count }, (_, i) => ({ fn: fn.lockstep, args, counter: counters + 4 * i })),
        { address: counters, count },
      );
      const start = performance.now();
      const runs = 100;
      for (let i = 0; i < runs; i++) {
        // now and then the caller has other work first
        pool.start(program, own, 0);
        if (i % 3 === 0) busy(i % 9 === 0 ? 1 : 0.02);
        pool.join();
      }
      console.log(
        `${threads} threads: ${((performance.now() - start) / ((runs * count) / 1000)).toFixed(2)} us a phase`,
      );
      for (let u = 0; u < units; u++)
        expect(arena.u32[(args + LOCKSTEP.beats + 64 * u) >> 2]).toBe(runs * count);
      expect(arena.u32[(args + LOCKSTEP.wrong) >> 2]).toBe(0);
    }, 60_000);

  for (const threads of [2, 3])
    test(`workers of ${threads} threads do all of it while the caller has other work`, async () => {
      const { arena, pool, fn, own } = await setUp(threads);
      const chunks = 500;
      const marks = arena.allocate(4 * chunks, "marks");
      const args = arena.allocate(12, "args");
      arena.u32.set([chunks, marks, 200], args >> 2);
      const counters = arena.allocate(40, "counters");
      const program = await pool.addProgram(
        Array.from({ length: 10 }, (_, i) => ({ fn: fn.chunks, args, counter: counters + 4 * i })),
      );
      pool.start(program, own, 0);
      const until = performance.now() + 20_000;
      const seen = () => arena.u32.subarray(marks >> 2, (marks >> 2) + chunks).every((n) => n === 10);
      while (!seen() && performance.now() < until) busy(1);
      expect(seen()).toBe(true);
      pool.join();
      pool.join();
      expect(seen()).toBe(true);
      // a start ends what was started before
      pool.start(program, own, 0);
      pool.start(program, own, 0);
      expect(() => pool.move(arena.moveTo().arena, (address) => address)).toThrow(/join first/);
      pool.removeProgram(program);
      expect(arena.u32[marks >> 2]).toBe(30);
    }, 60_000);

  for (const threads of [1, 2, 3, 4])
    test(`each chunk is done exactly once by ${threads} threads`, async () => {
      const { arena, pool, fn, own } = await setUp(threads);
      const chunks = 500;
      const marks = arena.allocate(4 * chunks, "marks");
      const args = arena.allocate(12, "args");
      arena.u32.set([chunks, marks, 200], args >> 2);
      const count = 20;
      const counters = arena.allocate(4 * count, "counters");
      const phases = Array.from({ length: count }, (_, i) => ({
        fn: fn.chunks,
        args,
        counter: counters + 4 * i,
      }));
      const filled = await pool.addProgram(phases, { address: counters, count });
      const single = await pool.addProgram(phases);
      for (let i = 0; i < 25; i++) {
        pool.run(filled, own, 0);
        pool.run(single, own, 0);
      }
      const seen = new Set(arena.u32.subarray(marks >> 2, (marks >> 2) + chunks));
      expect([...seen]).toEqual([25 * 2 * count]);
    }, 60_000);

  test("scratch is a thread's own, work and args are everybody's", async () => {
    const { arena, pool, fn, own } = await setUp(3);
    const work = arena.allocate(64, "work");
    const counter = arena.allocate(4, "counter");
    const marks = arena.allocate(16, "marks");
    arena.u32[marks >> 2] = 3;
    const program = await pool.addProgram([
      { fn: fn.mine, args: marks + 4, counter },
      { fn: fn.add, args: 5, counter },
    ]);
    pool.run(program, own, work);
    expect(arena.u32[work >> 2]).toBe(5);
    expect([...arena.u32.subarray((marks >> 2) + 1, (marks >> 2) + 4)]).toEqual([1, 1, 1]);
    expect(() => pool.run(program, [0], work)).toThrow(/1 scratches for 3 threads/);
  });

  test("profile runs the program once and times every phase", async () => {
    const { arena, pool, fn, own } = await setUp(2);
    const marks = arena.allocate(4, "marks");
    const args = arena.allocate(12, "args");
    arena.u32.set([1, marks, 3_000_000], args >> 2);
    const counters = arena.allocate(12, "counters");
    const program = await pool.addProgram([
      { fn: fn.empty, args, counter: counters },
      { fn: fn.chunks, args, counter: counters + 4 },
      { fn: fn.empty, args, counter: counters + 8 },
    ]);
    const seconds = pool.profile(program, own, 0);
    expect(seconds.length).toBe(3);
    // which of them is the longest is not to be told: compilers drop loops, and other processes hold any phase up
    expect(seconds.every((second) => second > 0 && second < 60)).toBe(true);
    expect(arena.u32[marks >> 2]).toBe(1);
    // The pool is as before.
    pool.run(program, own, 0);
    expect(arena.u32[marks >> 2]).toBe(2);
  });

  test("one thread needs neither workers nor shared memory; more say what is missing", async () => {
    const { arena, pool, fn } = await setUp(1, { shared: false });
    expect(arena.memory.buffer).toBeInstanceOf(ArrayBuffer);
    const work = arena.allocate(64, "work");
    const counter = arena.allocate(4, "counter");
    const program = await pool.addProgram([{ fn: fn.add, args: 3, counter }]);
    pool.run(program, [0], work);
    // Growth makes a new buffer; the functions see it.
    const far = arena.allocate(20 * MiB, "far");
    pool.run(program, [0], far);
    expect(arena.u32[work >> 2]).toBe(3);
    expect(arena.u32[far >> 2]).toBe(3);
    expect(Pool.open({ arena: new Arena({ shared: false, limit: MiB }), threads: 2 })).rejects.toThrow(
      /2 threads need shared memory/,
    );
    expect(Pool.open({ arena })).rejects.toThrow(/already serves a pool/);
    expect(Pool.open({ arena: new Arena({ limit: MiB }), threads: 0 })).rejects.toThrow(TensorCoreError);
  });

  test("an empty program is a program", async () => {
    const { pool, own } = await setUp(2);
    const program = await pool.addProgram([]);
    pool.run(program, own, 0);
    expect(pool.profile(program, own, 0)).toEqual([]);
    pool.removeProgram(program);
    expect(() => pool.run(program, own, 0)).toThrow(DisposedError);
  });
});

describe("loading", () => {
  test("loads, programs, runs, unloads and moves in any order", async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ load: fc.integer({ min: 1, max: 1000 }) }) },
      { weight: 2, arbitrary: fc.record({ unload: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ program: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
      { weight: 6, arbitrary: fc.record({ run: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ move: fc.boolean() }) },
    );
    const modules = await Promise.all([1, 7, 100, 999].map(async (n) => [n, await adderModule(n)] as const));
    await asyncLaw(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 60 }),
        async (threads, steps) => {
          let arena = new Arena({ limit: 16 * MiB });
          const pool = await Pool.open({ arena, threads });
          const waiting: Promise<unknown>[] = [];
          try {
            let work = arena.allocate(64, "work");
            let counters = arena.allocate(64, "counters");
            const own = Array.from({ length: threads }, () => 0);
            const functions: { id: number; adds: number }[] = [];
            let programs: { id: number; uses: number[]; adds: number }[] = [];
            const idle = arena.bytes;
            for (const one of steps) {
              if ("load" in one) {
                const [adds, module] = modules[one.load % modules.length]!;
                const loading = pool.load(module, ["add"]);
                const [id] = await loading;
                functions.push({ id: id!, adds });
              } else if ("unload" in one && functions.length > 0) {
                const [gone] = functions.splice(one.unload % functions.length, 1);
                for (const program of programs.filter(({ uses }) => uses.includes(gone!.id)))
                  pool.removeProgram(program.id);
                programs = programs.filter(({ uses }) => !uses.includes(gone!.id));
                pool.unload([gone!.id]);
              } else if ("program" in one && functions.length > 0) {
                const uses = one.program.map((n) => functions[n % functions.length]!);
                const id = await pool.addProgram(
                  uses.map(({ id: fn }, i) => ({ fn, args: 0, counter: counters + 4 * i })),
                );
                programs.push({
                  id,
                  uses: uses.map(({ id: fn }) => fn),
                  adds: uses.reduce((sum, { adds }) => sum + adds, 0),
                });
              } else if ("remove" in one && programs.length > 0) {
                const [gone] = programs.splice(one.remove % programs.length, 1);
                pool.removeProgram(gone!.id);
              } else if ("run" in one && programs.length > 0) {
                const program = programs[one.run % programs.length]!;
                const before = arena.u32[work >> 2]!;
                pool.run(program.id, own, work);
                expect(arena.u32[work >> 2]! - before).toBe(program.adds);
              } else if ("move" in one) {
                const { arena: next, translate } = arena.moveTo();
                const moving = pool.move(next, translate);
                [work, counters, arena] = [translate(work), translate(counters), next];
                if (one.move) await moving;
                else waiting.push(moving);
              }
            }
            await Promise.all(waiting);
            for (const { id } of programs) pool.removeProgram(id);
            expect(arena.bytes).toBe(idle);
          } finally {
            pool.dispose();
          }
        },
      ),
      40,
    );
  }, 120_000);

  test("a storm of loads that nobody waits for, with runs in between", async () => {
    const { arena, pool } = await setUp(2);
    const work = arena.allocate(64, "work");
    const counter = arena.allocate(4, "counter");
    const module = await adderModule(1);
    const loads: Promise<number[]>[] = [];
    let [latest] = await pool.load(module, ["add"]);
    for (let i = 0; i < 300; i++) {
      loads.push(pool.load(module, ["add"]));
      const program = await pool.addProgram([{ fn: latest!, args: 0, counter }]);
      pool.run(program, [0, 0], work);
      pool.removeProgram(program);
      if (i % 10 === 0) {
        [latest] = await loads.at(-1)!;
      }
    }
    await Promise.all(loads);
    expect(arena.u32[work >> 2]).toBe(300);
  });

  test("what does not fit is refused and the pool lives on", async () => {
    const { arena, pool, fn } = await setUp(2);
    const module = await testModule(true);
    expect(pool.load(module, ["nothing"])).rejects.toThrow(/no function "nothing".*lockstep/);
    expect(pool.load(await testModule(false), ["add"])).rejects.toThrow(CompileError);
    const ids = await pool.load(module, ["add"]);
    pool.unload(ids);
    expect(() => pool.unload(ids)).toThrow(DisposedError);
    const work = arena.allocate(64, "work");
    const counter = arena.allocate(4, "counter");
    pool.run(await pool.addProgram([{ fn: fn.add, args: 1, counter }]), [0, 0], work);
    expect(arena.u32[work >> 2]).toBe(1);
    // more than any table has grown to
    for (let i = 0; i < 20; i++) await pool.load(await testModule(false), ["add"]).catch(() => undefined);
    const [again] = await pool.load(module, ["add"]);
    pool.run(await pool.addProgram([{ fn: again!, args: 1, counter }]), [0, 0], work);
    expect(arena.u32[work >> 2]).toBe(2);
  });
});

describe("loss", () => {
  for (const thread of [0, 1, 2])
    test(`a trap on thread ${thread} of 3 ends in DeviceLost on the spot`, async () => {
      const { arena, pool, fn, own } = await setUp(3);
      const counter = arena.allocate(4, "counter");
      const args = victimOf(arena, thread, 3);
      const lost = pool.lost.then(
        () => undefined,
        (error: unknown) => error,
      );
      const program = await pool.addProgram([
        { fn: fn.empty, args: 0, counter },
        { fn: fn.trap, args, counter, label: "map nine" },
        { fn: fn.empty, args: 0, counter },
      ]);
      const start = performance.now();
      let error: unknown;
      try {
        pool.run(program, own, 0);
      } catch (thrown) {
        error = thrown;
      }
      expect(performance.now() - start).toBeLessThan(3000);
      expect(error).toBeInstanceOf(DeviceLost);
      expect((error as Error).message).toMatch(
        new RegExp(`Thread ${thread} of 3 failed in phase 1 \\(map nine\\): .*[Uu]nreachable`),
      );
      expect(await lost).toBe(error);
      expect(() => pool.run(program, own, 0)).toThrow(DeviceLost);
      expect(pool.load(await testModule(true), ["add"])).rejects.toThrow(DeviceLost);
    });

  for (const late of [0, 2, 300])
    test(`a worker that fails while the caller is away for ${late} ms is told in its own words, by all that is asked next`, async () => {
      const { arena, pool, fn, own } = await setUp(2);
      const counter = arena.allocate(4, "counter");
      // at once: both must be there, or this thread might do all of it; else the worker alone
      const args = victimOf(arena, 1, late === 0 ? 2 : 1);
      const program = await pool.addProgram([{ fn: fn.trap, args, counter, label: "map nine" }]);
      const lost = pool.lost.then(
        () => undefined,
        (error: unknown) => error,
      );
      pool.start(program, own, 0);
      const until = performance.now() + 20_000;
      while (
        late > 0 &&
        Atomics.load(arena.u32, (args + VICTIM.here) >> 2) === 0 &&
        performance.now() < until
      );
      busy(late);
      // the worker's end comes as a message before anything else is asked
      await new Promise((resolve) => setTimeout(resolve, late));
      pool.settle();
      const error = await lost;
      expect((error as Error).message).toMatch(/Thread 1 of 2 failed in phase 0 \(map nine\)/);
      expect(() => pool.join()).toThrow(DeviceLost);
      expect(() => pool.run(program, own, 0)).toThrow(DeviceLost);
      pool.removeProgram(program);
    });

  for (const where of ["its first memory", "the memory it has moved to"])
    test(`a worker that hangs in a kernel ends in DeviceLost after the pool's patience, in ${where}`, async () => {
      const { arena: first, pool, fn, own: there } = await setUp(2, { patience: 2 });
      let own = there;
      if (where !== "its first memory") {
        const { arena, translate } = first.moveTo();
        await pool.move(arena, translate);
        own = there.map(translate);
      }
      const { arena } = pool;
      const counter = arena.allocate(4, "counter");
      const program = await pool.addProgram([{ fn: fn.forever, args: victimOf(arena, 1, 2), counter }]);
      const start = performance.now();
      expect(() => pool.run(program, own, 0)).toThrow(/no sign of life/);
      expect(performance.now() - start).toBeLessThan(6000);
    });
});
