/** Buffers, programs, reads, limits and errors of the webgpu engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "../../../src/engines/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import {
  BufferTooLarge,
  DisposedError,
  FeedError,
  KernelError,
  NoAdapterError,
} from "../../../src/errors.ts";
import { accumulate, pointwise } from "../lists.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openWebGpu({ maxBindingBytes: 1 << 20 });
});
afterAll(() => engine.dispose());

const bits = (values: number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
const floats = (bytes: ArrayBuffer): number[] => [...new Float32Array(bytes)];

describe("info", () => {
  test("names the adapter and its limits", () => {
    const { info } = engine;
    expect(info.engine).toBe("webgpu");
    expect(info.adapter.length).toBeGreaterThan(0);
    expect(info.maxBuffersPerKernel).toBeGreaterThanOrEqual(8);
    expect(info.maxBindingBytes).toBe(1 << 20);
  });
});

describe("buffers", () => {
  test("are zero, take writes at an offset, and read back parts", async () => {
    const buffer = engine.allocate(20, "small");
    engine.write(buffer, Float32Array.of(1, 2), 8);
    expect(floats(await engine.read(buffer))).toEqual([0, 0, 1, 2, 0]);
    expect(floats(await engine.read(buffer, 8, 4))).toEqual([1]);
    engine.write(buffer, new Float32Array([9, 5, 9]).subarray(1, 2));
    expect(floats(await engine.read(buffer, 0, 4))).toEqual([5]);
    engine.free(buffer);
  });

  test("may be empty", async () => {
    const buffer = engine.allocate(0, "empty");
    engine.write(buffer, new Float32Array(0));
    expect((await engine.read(buffer)).byteLength).toBe(0);
    engine.free(buffer);
  });

  test("are counted exactly, and freed at once", () => {
    const before = engine.memory();
    const buffer = engine.allocate(1000, "counted");
    expect(engine.memory()).toEqual({ buffers: before.buffers + 1, bytes: before.bytes + 1008 });
    engine.free(buffer);
    engine.free(buffer);
    expect(engine.memory().buffers).toBe(0);
    expect(() => engine.write(buffer, Float32Array.of(1))).toThrow(DisposedError);
  });

  test("over the binding limit are refused by name", () => {
    expect(() => engine.allocate((1 << 20) + 4, "item table")).toThrow(BufferTooLarge);
    expect(() => engine.allocate((1 << 20) + 4, "item table")).toThrow(
      /"item table" needs 1048580 bytes.*1048576/,
    );
  });

  test("a program's own buffer over the limit is refused, and leaves nothing", async () => {
    const before = engine.memory();
    const list = pointwise(1 << 19, [{ op: "const", dtype: "f32", value: 1 }]);
    expect(engine.prepare(list, [])).rejects.toThrow(BufferTooLarge);
    await engine.idle();
    expect(engine.memory()).toEqual(before);
  });

  test("writes outside are refused", () => {
    const buffer = engine.allocate(8, "two");
    expect(() => engine.write(buffer, Float32Array.of(1, 2, 3))).toThrow(FeedError);
    expect(() => engine.write(buffer, Float32Array.of(1), 2)).toThrow(FeedError);
    expect(engine.read(buffer, 4, 8)).rejects.toThrow(FeedError);
    engine.free(buffer);
  });
});

describe("programs", () => {
  test("reads of a step hold that step's values, whatever ran later and in whatever order they are awaited", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    const reads = Array.from({ length: 200 }, () => program.run(bits([1, 2, 3]), [2, 1]));
    for (const step of [150, 3, 199, 0, 42]) {
      const [now, variable] = await Promise.all(reads[step]!);
      expect(floats(now!)).toEqual([1, 2, 3].map((x) => x * (step + 1)));
      expect(floats(variable!)).toEqual([1, 2, 3].map((x) => x * (step + 1)));
    }
    await Promise.all(reads.flat());
    program.dispose();
    engine.free(sum);
  });

  test("more reads than there are staging buffers keep the order of writes and runs", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    const feeds = bits([1, 1, 1]);
    const reads: Promise<ArrayBuffer>[] = [];
    for (let step = 0; step < 300; step++) {
      if (step === 250) engine.write(sum, Float32Array.of(0, 0, 0));
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
    engine.free(sum);
  });

  test("profile tells every kernel's time and does what run does", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    const times = await program.profile(bits([1, 2, 3]));
    expect(times.map(({ label, kind }) => [label, kind])).toEqual([["sum += x", "map"]]);
    expect(times[0]!.seconds).toBeGreaterThan(0);
    expect(times[0]!.seconds).toBeLessThan(10);
    expect(floats(await engine.read(sum))).toEqual([1, 2, 3]);
    program.dispose();
    engine.free(sum);
  });

  test("feeds of another length are refused", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    expect(() => program.run(new Uint32Array(4), [])).toThrow(/holds 3 elements, got 4/);
    program.dispose();
    expect(() => program.run(new Uint32Array(3), [])).toThrow(DisposedError);
    engine.free(sum);
  });

  test("a kernel that cannot be is refused with its name and its text", async () => {
    const before = engine.memory();
    // An integer operator on f32 values: the engine's own compiler is the one to say no.
    const list = pointwise(4, [
      { op: "load", dtype: "f32", buffer: 0, view: { offset: 0, strides: [1] } },
      { op: "binary", dtype: "f32", name: "xor", a: 0, b: 0 },
    ]);
    const error = await engine.prepare(list, []).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KernelError);
    expect((error as Error).message).toMatch(/Kernel "pointwise" does not compile: line \d+: /);
    expect((error as Error).message).toMatch(/\n +\d+ {2}.*@compute/);
    await engine.idle();
    expect(engine.memory()).toEqual(before);
  });

  test("use of a freed variable comes out as an error at the next wait", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    engine.free(sum);
    const [read] = program.run(bits([1, 2, 3]), [2]);
    expect(read!).rejects.toThrow(KernelError);
    await read!.catch(() => {});
    program.dispose();
    await engine.idle();
  });
});

test("an adapter that does not exist is refused in one sentence", async () => {
  const error = await openWebGpu({ adapter: "no such adapter" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(NoAdapterError);
  expect((error as Error).message.split("\n").length).toBe(1);
});

test("nothing is left behind", () => {
  expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
