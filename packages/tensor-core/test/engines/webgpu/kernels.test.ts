/** Every kind of kernel against the interpreter. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "../../../src/engines/engine.ts";
import { WebGpuEngine } from "../../../src/engines/webgpu/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import type { Instr } from "../../../src/kernels/ir.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { kernelLaws, programLaw } from "../kernel-laws.ts";
import { pointwise } from "../lists.ts";

describeWebGpu("webgpu kernels", () => {
  let engine: Engine;
  /** The same device, with kernels in the form that a GPU gets. */
  let gpuForms: Engine;
  beforeAll(async () => {
    engine = await openWebGpu();
    gpuForms = new WebGpuEngine((engine as WebGpuEngine).device, { ...engine.info, software: false });
  });
  afterAll(() => engine.dispose());

  describe("an engine agrees with the interpreter to the bit", () => {
    // few: a software device takes 0.1 to 0.4 s to compile a kernel it has never seen
    kernelLaws(() => [engine], { map: 30, reduce: 24, matmul: 3, segment: 8, grouped: 6 }, 160_000);
    programLaw(() => [engine], { most: 5, runs: 6 }, 160_000);
  });

  describe("so do the forms that a GPU gets", () => {
    kernelLaws(() => [gpuForms], { map: 10, reduce: 8, matmul: 1, segment: 3, grouped: 3 }, 160_000);
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
