/** Every kind of kernel against the interpreter. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Engine } from "../../../src/engines/engine.ts";
import { WebGpuEngine } from "../../../src/engines/webgpu/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import type { Instr } from "../../../src/kernels/ir.ts";
import { asyncLaw, Random } from "../../laws.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { agree } from "../agree.ts";
import { pointwise } from "../lists.ts";
import { KernelMaker } from "../random-kernels.ts";

describeWebGpu("webgpu kernels", () => {
  let engine: Engine;
  /** The same device, with kernels in the form that a GPU gets. */
  let gpuForms: Engine;
  beforeAll(async () => {
    engine = await openWebGpu();
    gpuForms = new WebGpuEngine((engine as WebGpuEngine).device, { ...engine.info, software: false });
  });
  afterAll(() => engine.dispose());

  /** How many of each: a software device takes 0.1 to 0.4 s to compile a kernel it has never seen. */
  const kinds = {
    map: { add: (maker: KernelMaker) => maker.addMap(), runs: 30 },
    reduce: { add: (maker: KernelMaker) => maker.addReduce(), runs: 24 },
    matmul: { add: (maker: KernelMaker) => maker.addMatmul(), runs: 3 },
    segment: { add: (maker: KernelMaker) => maker.addSegment(), runs: 8 },
  };

  describe("an engine agrees with the interpreter to the bit", () => {
    for (const [kind, { add, runs }] of Object.entries(kinds)) {
      test(`random ${kind} kernels`, async () => {
        await asyncLaw(
          fc.asyncProperty(fc.nat(), async (seed) => {
            const maker = new KernelMaker(new Random(seed));
            add(maker);
            fc.pre(maker.isModest);
            await agree(maker.finish(), engine);
          }),
          runs,
        );
      }, 160_000);
    }

    test("random programs of several kernels", async () => {
      await asyncLaw(
        fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 5 }), async (seed, count) => {
          const random = new Random(seed);
          const maker = new KernelMaker(random);
          for (let i = 0; i < count && maker.isModest; i++) random.pick(Object.values(kinds)).add(maker);
          fc.pre(maker.isModest);
          await agree(maker.finish(), engine);
        }),
        6,
      );
    }, 160_000);
  });

  describe("so do the forms that a GPU gets", () => {
    for (const [kind, { add, runs }] of Object.entries(kinds)) {
      test(`random ${kind} kernels`, async () => {
        await asyncLaw(
          fc.asyncProperty(fc.nat(), async (seed) => {
            const maker = new KernelMaker(new Random(seed));
            add(maker);
            fc.pre(maker.isModest);
            await agree(maker.finish(), gpuForms);
          }),
          Math.ceil(runs / 3),
        );
      }, 160_000);
    }
  });

  test("a grid too wide for one dimension covers every point once", async () => {
    // One point a thread, 256 threads a workgroup, 32768 workgroups a row of the grid, and one point more.
    const length = 32768 * 256 + 1;
    const instrs: Instr[] = [{ op: "index", dtype: "u32", view: { offset: 0, strides: [1] } }];
    const program = await gpuForms.prepare(pointwise(length, instrs), []);
    const [bytes] = await Promise.all(program.run(new Uint32Array(length), [1]));
    program.dispose();
    expect(new Uint32Array(bytes!).findIndex((value, i) => value !== i)).toBe(-1);
  }, 60_000);

  test("nothing is left behind", () => {
    expect(gpuForms.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
