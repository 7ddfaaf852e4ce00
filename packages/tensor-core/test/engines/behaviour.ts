/** Buffers, programs, reads, limits and errors: one body for every engine. */
import { describe, expect, test } from "bun:test";
import type { Engine } from "../../src/engines/engine.ts";
import { BufferTooLarge, DisposedError, FeedError, KernelError, TensorCoreError } from "../../src/errors.ts";
import { accumulate, pointwise } from "./lists.ts";

/** What engines may differ in. */
export interface Traits {
  readonly name: Engine["info"]["engine"];
  /** Buffers are counted in multiples of so many bytes. */
  readonly granule: number;
  /** Another engine, with the largest buffer given. */
  open(maxBindingBytes: number): Promise<Engine>;
}

/** The engine's largest buffer must be LIMIT. */
export const LIMIT = 1 << 20;

const bits = (values: number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
const floats = (bytes: ArrayBuffer): number[] => [...new Float32Array(bytes)];

export function behaviourSuite(engine: () => Engine, { name, granule, open }: Traits): void {
  const prepared = (...args: Parameters<Engine["prepare"]>): Promise<unknown> =>
    Promise.resolve()
      .then(() => engine().prepare(...args))
      .catch((error: unknown) => error);

  describe("info", () => {
    test("names the adapter and its limits", () => {
      const { info } = engine();
      expect(info.engine).toBe(name);
      expect(info.adapter.length).toBeGreaterThan(0);
      expect(info.maxBuffersPerKernel).toBeGreaterThanOrEqual(8);
      expect(info.maxBindingBytes).toBe(LIMIT);
    });
  });

  describe("buffers", () => {
    test("are zero, take writes at an offset, and read back parts", async () => {
      const buffer = engine().allocate(20, "small");
      engine().write(buffer, Float32Array.of(1, 2), 8);
      expect(floats(await engine().read(buffer))).toEqual([0, 0, 1, 2, 0]);
      expect(floats(await engine().read(buffer, 8, 4))).toEqual([1]);
      engine().write(buffer, new Float32Array([9, 5, 9]).subarray(1, 2));
      expect(floats(await engine().read(buffer, 0, 4))).toEqual([5]);
      engine().free(buffer);
    });

    test("may be empty", async () => {
      const buffer = engine().allocate(0, "empty");
      engine().write(buffer, new Float32Array(0));
      expect((await engine().read(buffer)).byteLength).toBe(0);
      engine().free(buffer);
    });

    test("are counted exactly, and freed at once", () => {
      const before = engine().memory();
      const buffer = engine().allocate(1000, "counted");
      expect(engine().memory()).toEqual({
        buffers: before.buffers + 1,
        bytes: before.bytes + Math.ceil(1000 / granule) * granule,
      });
      engine().free(buffer);
      engine().free(buffer);
      expect(engine().memory().buffers).toBe(0);
      expect(() => engine().write(buffer, Float32Array.of(1))).toThrow(DisposedError);
    });

    test("over the binding limit are refused by name", () => {
      expect(() => engine().allocate(LIMIT + 4, "item table")).toThrow(BufferTooLarge);
      expect(() => engine().allocate(LIMIT + 4, "item table")).toThrow(
        /"item table" needs 1048580 bytes.*1048576/,
      );
    });

    test("a program's own buffer over the limit is refused, and leaves nothing", async () => {
      const before = engine().memory();
      const list = pointwise(LIMIT / 2, [{ op: "const", dtype: "f32", value: 1 }]);
      expect(engine().prepare(list, [])).rejects.toThrow(BufferTooLarge);
      await engine().idle();
      expect(engine().memory()).toEqual(before);
    });

    test("writes outside are refused", () => {
      const buffer = engine().allocate(8, "two");
      expect(() => engine().write(buffer, Float32Array.of(1, 2, 3))).toThrow(FeedError);
      expect(() => engine().write(buffer, Float32Array.of(1), 2)).toThrow(FeedError);
      expect(engine().read(buffer, 4, 8)).rejects.toThrow(FeedError);
      engine().free(buffer);
    });
  });

  describe("programs", () => {
    test("reads of a step hold that step's values, whatever ran later and in whatever order they are awaited", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      const reads = Array.from({ length: 200 }, () => program.run(bits([1, 2, 3]), [2, 1]));
      for (const step of [150, 3, 199, 0, 42]) {
        const [now, variable] = await Promise.all(reads[step]!);
        expect(floats(now!)).toEqual([1, 2, 3].map((x) => x * (step + 1)));
        expect(floats(variable!)).toEqual([1, 2, 3].map((x) => x * (step + 1)));
      }
      await Promise.all(reads.flat());
      program.dispose();
      engine().free(sum);
    });

    test("more reads than there are staging buffers keep the order of writes and runs", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      const feeds = bits([1, 1, 1]);
      const reads: Promise<ArrayBuffer>[] = [];
      for (let step = 0; step < 300; step++) {
        if (step === 250) engine().write(sum, Float32Array.of(0, 0, 0));
        reads.push(...program.run(feeds, [2]));
      }
      // The caller may reuse its arrays at once.
      feeds.fill(0);
      const values = (await Promise.all(reads)).map((bytes) => floats(bytes)[0]!);
      expect(values).toEqual([
        ...Array.from({ length: 250 }, (_, i) => i + 1),
        ...Array.from({ length: 50 }, (_, i) => i + 1),
      ]);
      program.dispose();
      engine().free(sum);
    });

    test("where a run says which feeds are new, the others are those of the run before", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      const reads = [
        program.run(bits([1, 2, 3]), [2]),
        program.run(bits([1, 5, 3]), [2], Uint32Array.of(1, 2)),
        program.run(bits([1, 5, 3]), [2], new Uint32Array(0)),
        program.run(bits([0, 5, 1]), [2], Uint32Array.of(0, 1, 2, 3)),
      ];
      const values = await Promise.all(reads.map(async ([now]) => floats((await now)!)));
      expect(values).toEqual([
        [1, 2, 3],
        [2, 7, 6],
        [3, 12, 9],
        [3, 17, 10],
      ]);
      program.dispose();
      engine().free(sum);
    });

    test("profile tells every kernel's time and does what run does", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      const times = await program.profile(bits([1, 2, 3]));
      expect(times.map(({ label, kind }) => [label, kind])).toEqual([["sum += x", "map"]]);
      expect(times[0]!.seconds).toBeGreaterThan(0);
      expect(times[0]!.seconds).toBeLessThan(10);
      expect(floats(await engine().read(sum))).toEqual([1, 2, 3]);
      program.dispose();
      engine().free(sum);
    });

    test("feeds of another length are refused", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      expect(() => program.run(new Uint32Array(4), [])).toThrow(/holds 3 \w+, got 4/);
      program.dispose();
      expect(() => program.run(new Uint32Array(3), [])).toThrow(DisposedError);
      engine().free(sum);
    });

    test("a freed variable is an error, not somebody else's memory", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      engine().free(sum);
      const other = engine().allocate(12, "other");
      const run = async () => {
        await Promise.all(program.run(bits([1, 2, 3]), [2]));
      };
      const error = await run().catch((e: unknown) => e);
      expect(error).toBeInstanceOf(TensorCoreError);
      expect(floats(await engine().read(other))).toEqual([0, 0, 0]);
      program.dispose();
      engine().free(other);
      await engine().idle();
    });

    test("a kernel that cannot be is refused, and leaves nothing", async () => {
      const before = engine().memory();
      const list = pointwise(4, [
        { op: "load", dtype: "u32", buffer: 0, view: { offset: 0, strides: [1] } },
        { op: "unary", dtype: "u32", name: "exp", a: 0 },
      ]);
      const error = await prepared(list, []);
      expect(error).toBeInstanceOf(KernelError);
      expect((error as Error).message).toMatch(/unary exp takes f32, got u32/);
      await engine().idle();
      expect(engine().memory()).toEqual(before);
    });

    test("a variable that is gone or of another engine is refused by name", async () => {
      const sum = engine().allocate(12, "sum");
      engine().free(sum);
      expect(await prepared(accumulate(3), [sum])).toBeInstanceOf(DisposedError);
      const other = await open(LIMIT);
      const foreign = other.allocate(12, "foreign");
      const error = await prepared(accumulate(3), [foreign]);
      expect(error).toBeInstanceOf(DisposedError);
      expect((error as Error).message).toContain('"foreign"');
      other.dispose();
    });

    test("prepared at once, equal and unequal, each does its own work", async () => {
      const before = engine().memory();
      const sums = [3, 3, 5, 3].map((length) => engine().allocate(length * 4, "sum"));
      const programs = await Promise.all(
        [3, 3, 5, 3].map((length, i) => engine().prepare(accumulate(length), [sums[i]!])),
      );
      const feeds = (length: number, value: number) => bits(new Array<number>(length).fill(value));
      for (let step = 1; step <= 3; step++) {
        const reads = programs.map((program, i) => program.run(feeds(i === 2 ? 5 : 3, i + 1), [2])[0]!);
        const values = (await Promise.all(reads)).map(floats);
        expect(values).toEqual([3, 3, 5, 3].map((length, i) => new Array(length).fill(step * (i + 1))));
      }
      for (const program of programs) program.dispose();
      for (const sum of sums) engine().free(sum);
      await engine().idle();
      expect(engine().memory()).toEqual(before);
    });

    test("one of several prepared at once fails alone", async () => {
      const sum = engine().allocate(12, "sum");
      const huge = pointwise(LIMIT / 2, [{ op: "const", dtype: "f32", value: 1 }]);
      const [good, bad] = await Promise.allSettled([
        engine().prepare(accumulate(3), [sum]),
        engine().prepare(huge, []),
      ]);
      expect(bad.status === "rejected" && bad.reason).toBeInstanceOf(BufferTooLarge);
      if (good.status !== "fulfilled") throw good.reason;
      const [now] = await Promise.all(good.value.run(bits([1, 2, 3]), [2]));
      expect(floats(now!)).toEqual([1, 2, 3]);
      good.value.dispose();
      engine().free(sum);
    });

    test("without kernels, and with an output that nothing writes", async () => {
      const { feeds, outputs, buffers } = accumulate(3);
      const sum = engine().allocate(12, "sum");
      engine().write(sum, Float32Array.of(7, 8, 9));
      const program = await engine().prepare({ feeds, outputs, buffers, kernels: [] }, [sum]);
      const [fed, variable, now] = await Promise.all(program.run(bits([1, 2, 3]), [0, 1, 2]));
      expect([fed!, variable!, now!].map(floats)).toEqual([
        [1, 2, 3],
        [7, 8, 9],
        [0, 0, 0],
      ]);
      expect(await program.profile(bits([1, 2, 3]))).toEqual([]);
      expect(program.sources()).toEqual([]);
      program.dispose();
      engine().free(sum);
    });

    test("sources give a text for every kernel, by its label", async () => {
      const sum = engine().allocate(12, "sum");
      const program = await engine().prepare(accumulate(3), [sum]);
      const sources = program.sources();
      expect(sources.map(({ label }) => label)).toEqual(["sum += x"]);
      expect(sources[0]!.text.length).toBeGreaterThan(100);
      program.dispose();
      engine().free(sum);
    });
  });

  test("dispose ends everything: programs, buffers, counts; twice is harmless", async () => {
    const other = await open(LIMIT);
    let heard = false;
    other.lost.catch(() => {
      heard = true;
    });
    const sum = other.allocate(12, "sum");
    const program = await other.prepare(accumulate(3), [sum]);
    program.run(bits([1, 2, 3]), []);
    await other.idle();
    const preparing = other.prepare(accumulate(4), [sum]).then(
      () => "prepared",
      (error: unknown) => error,
    );
    other.dispose();
    other.dispose();
    const fate = await preparing;
    expect(fate === "prepared" || fate instanceof TensorCoreError).toBe(true);
    expect(() => program.run(bits([1, 2, 3]), [])).toThrow(DisposedError);
    expect(program.profile(bits([1, 2, 3]))).rejects.toThrow(DisposedError);
    expect(() => other.allocate(4, "more")).toThrow(DisposedError);
    expect(() => other.write(sum, Float32Array.of(1))).toThrow(DisposedError);
    expect(other.read(sum)).rejects.toThrow(DisposedError);
    expect(other.idle()).rejects.toThrow(DisposedError);
    program.dispose();
    other.free(sum);
    expect(other.memory()).toEqual({ buffers: 0, bytes: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toBe(false);
  });
}
