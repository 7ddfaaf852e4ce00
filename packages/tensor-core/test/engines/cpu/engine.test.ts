/** The cpu engine as an engine: what all engines do, and what it alone does. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import type { CpuEngine } from "../../../src/engines/cpu/engine.ts";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import type { MatmulKernel } from "../../../src/kernels/ir.ts";
import { behaviourSuite, LIMIT } from "../behaviour.ts";
import { accumulate, pointwise } from "../lists.ts";

let engine: CpuEngine;
beforeAll(async () => {
  engine = (await openCpu({ threads: 2, maxBindingBytes: LIMIT })) as CpuEngine;
});
afterAll(() => engine.dispose());

behaviourSuite(() => engine, {
  name: "cpu",
  granule: 64,
  open: (maxBindingBytes) => openCpu({ threads: 2, maxBindingBytes }),
});

const bits = (values: number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
const floats = (bytes: ArrayBuffer): number[] => [...new Float32Array(bytes)];

/** C = A x B of n x n, from the feeds into an output. */
function product(n: number): Parameters<CpuEngine["prepare"]>[0] {
  const kernel: MatmulKernel = {
    kind: "matmul",
    label: "product",
    space: [1, n, n],
    k: n,
    a: { buffer: 0, offset: 0, strides: [0, n, 1] },
    b: { buffer: 0, offset: n * n, strides: [0, n, 1] },
    post: [{ op: "acc", dtype: "f32", index: 0 }],
    stores: [{ buffer: 1, dtype: "f32", view: { offset: 0, strides: [0, n, 1] }, value: 0 }],
  };
  return {
    buffers: [
      { role: "feeds", label: "feeds", length: 2 * n * n },
      { role: "output", label: "c", length: n * n },
    ],
    feeds: [],
    outputs: [],
    kernels: [kernel],
  };
}

describe("memory, to the byte", () => {
  test("a program holds its feeds, its output, a block of addresses and its list of phases", async () => {
    const sum = engine.allocate(12, "sum");
    const before = engine.memory();
    const program = await engine.prepare(accumulate(3), [sum]);
    // 12 bytes of feeds, 12 of output; a counter and the addresses of 3 buffers; 3 words of the one phase
    expect(engine.memory()).toEqual({ buffers: before.buffers + 4, bytes: before.bytes + 4 * 64 });
    program.dispose();
    expect(engine.memory()).toEqual(before);
    engine.free(sum);
  });

  test("programs share scratch: as much as the neediest needs, given back with it", async () => {
    const before = engine.memory();
    const own = ({ buffers }: ReturnType<typeof product>) =>
      2 * 64 + buffers.reduce((sum, { length }) => sum + Math.ceil((length * 4) / 64) * 64, 0);
    const small = product(16);
    const large = product(64);
    const first = await engine.prepare(small, []);
    const scratchOfSmall = engine.memory().bytes - before.bytes - own(small);
    expect(scratchOfSmall).toBeGreaterThan(16 * 16 * 4);
    const second = await engine.prepare(large, []);
    const scratchOfLarge = engine.memory().bytes - before.bytes - own(small) - own(large);
    expect(scratchOfLarge).toBeGreaterThan(64 * 64 * 4);
    const third = await engine.prepare(small, []);
    expect(engine.memory().bytes).toBe(before.bytes + 2 * own(small) + own(large) + scratchOfLarge);
    second.dispose();
    expect(engine.memory().bytes).toBe(before.bytes + 2 * own(small) + scratchOfSmall);
    first.dispose();
    third.dispose();
    expect(engine.memory()).toEqual(before);
  });

  test("idle engines hold nothing", () => {
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe("functions", () => {
  test("equal kernels are compiled once, also when prepared at once; others are not mistaken for them", async () => {
    const loads = spyOn(engine.pool, "load");
    try {
      const sums = [0, 1, 2].map(() => engine.allocate(44, "sum"));
      const [a, b] = await Promise.all([
        engine.prepare(accumulate(11), [sums[0]!]),
        engine.prepare(accumulate(11), [sums[1]!]),
      ]);
      expect(loads).toHaveBeenCalledTimes(1);
      a.dispose();
      b.dispose();
      const again = await engine.prepare(accumulate(11), [sums[2]!]);
      expect(loads).toHaveBeenCalledTimes(1);
      const [now] = await Promise.all(again.run(bits(new Array(11).fill(2)), [2]));
      expect(floats(now!)).toEqual(new Array(11).fill(2));
      again.dispose();
      const other = await engine.prepare(accumulate(10), [sums[2]!]);
      expect(loads).toHaveBeenCalledTimes(2);
      other.dispose();
      for (const sum of sums) engine.free(sum);
    } finally {
      loads.mockRestore();
    }
  });

  test("a program keeps its functions while a hundred others come and go", async () => {
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    for (let i = 0; i < 100; i++) {
      const list = pointwise(4, [{ op: "const", dtype: "u32", value: 1000 + i }]);
      const passing = await engine.prepare(list, []);
      const [bytes] = await Promise.all(passing.run(new Uint32Array(4), [1]));
      expect([...new Uint32Array(bytes!)]).toEqual(new Array(4).fill(1000 + i));
      passing.dispose();
    }
    const [now] = await Promise.all(program.run(bits([1, 2, 3]), [2]));
    expect(floats(now!)).toEqual([1, 2, 3]);
    program.dispose();
    engine.free(sum);
  });
});

test("work is done when a call returns: the next line may read", async () => {
  const sum = engine.allocate(12, "sum");
  const program = await engine.prepare(accumulate(3), [sum]);
  for (let step = 0; step < 5; step++) program.run(bits([1, 2, 3]), []);
  expect(floats(await engine.read(sum))).toEqual([5, 10, 15]);
  program.dispose();
  engine.free(sum);
});

test("without shared memory it works on one thread", () => {
  // its own process: what is there when the engine opens is what counts
  const open = new URL("../../../src/engines/cpu/open.ts", import.meta.url).pathname;
  const script = `delete globalThis.SharedArrayBuffer;
    const { openCpu } = await import(${JSON.stringify(open)});
    const engine = await openCpu({ threads: 4 });
    const buffer = engine.allocate(8, "b");
    const program = await engine.prepare({
      buffers: [{ role: "feeds", label: "f", length: 2 }, { role: "variable", variable: 0, label: "v", length: 2 }],
      feeds: [], outputs: [],
      kernels: [{ kind: "map", label: "copy", space: [2],
        instrs: [{ op: "load", dtype: "u32", buffer: 0, view: { offset: 0, strides: [1] } }],
        stores: [{ buffer: 1, dtype: "u32", view: { offset: 0, strides: [1] }, value: 0 }] }],
    }, [buffer]);
    program.run(Uint32Array.of(3, 4), []);
    console.log(JSON.stringify([engine.pool.threads, ...new Uint32Array(await engine.read(buffer))]));
    engine.dispose();`;
  const child = Bun.spawnSync([process.execPath, "-e", script]);
  expect(child.stderr.toString()).toBe("");
  expect(JSON.parse(child.stdout.toString())).toEqual([1, 3, 4]);
});

test("nothing is left behind", () => {
  expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
