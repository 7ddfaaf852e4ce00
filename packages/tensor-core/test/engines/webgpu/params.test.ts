/** Division by a number known only at run time, as software devices do it, against exact division. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import type { WebGpuEngine } from "../../../src/engines/webgpu/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { Bindings } from "../../../src/engines/webgpu/wgsl/bindings.ts";
import { moduleText } from "../../../src/engines/webgpu/wgsl/module-text.ts";
import { Params } from "../../../src/engines/webgpu/wgsl/params.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";

describeWebGpu("division by run-time numbers", () => {
  let engine: WebGpuEngine;
  beforeAll(async () => {
    engine = (await openWebGpu()) as WebGpuEngine;
  });
  afterAll(() => engine.dispose());

  const COUNT = 256;

  /** quotient and remainder of each dividend, computed on the device. */
  async function divided(dividends: Uint32Array<ArrayBuffer>, divisor: number): Promise<Uint32Array> {
    const params = new Params({ software: true });
    const bindings = new Bindings([
      { buffer: 0, dtype: "u32", write: false, wide: false },
      { buffer: 1, dtype: "u32", write: true, wide: false },
    ]);
    const lines = [
      `let x = ${bindings.load(0, "u32", "wid.x * 64u + li")};`,
      ...params.divide("x", divisor, "q", "r"),
      bindings.store(1, "u32", "2u * (wid.x * 64u + li)", "q"),
      bindings.store(1, "u32", "2u * (wid.x * 64u + li) + 1u", "r"),
    ];
    const wgsl = moduleText(bindings, new Set(), [64, 1, 1], lines, params);
    const { device } = engine;
    const hasParams = params.values.length > 0;
    const { pipeline, layout } = await engine.pipelines.get(wgsl, bindings.list, hasParams, "divide");
    const input = engine.allocate(COUNT * 4, "in");
    const output = engine.allocate(COUNT * 8, "out");
    engine.write(input, dividends);
    const raw = (b: unknown) => (b as { gpu: GPUBuffer }).gpu;
    const uniform = device.createBuffer({ size: 16, usage: 64 | 8 });
    if (hasParams)
      device.queue.writeBuffer(uniform, 0, new Uint32Array([...params.values, 0, 0, 0, 0]).subarray(0, 4));
    const entries = [raw(input), raw(output), ...(hasParams ? [uniform] : [])].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroups(COUNT / 64);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const bytes = await engine.read(output);
    uniform.destroy();
    engine.free(input);
    engine.free(output);
    return new Uint32Array(bytes);
  }

  test("quotient and remainder are exact for every dividend below 2^31", () =>
    asyncLaw(
      fc.asyncProperty(
        fc.oneof(
          fc.integer({ min: 1, max: 64 }),
          fc.integer({ min: 1, max: 2 ** 31 - 1 }),
          fc.nat(30).map((e) => 2 ** e),
        ),
        fc.array(fc.nat(2 ** 31 - 1), { minLength: 100, maxLength: 100 }),
        async (divisor, drawn) => {
          const edges = [
            0,
            1,
            divisor - 1,
            divisor,
            divisor + 1,
            2 ** 31 - 1,
            2 ** 31 - 2,
            2 ** 24,
            2 ** 24 + 1,
          ];
          const multiples = drawn.slice(0, 60).map((x) => Math.floor(x / divisor) * divisor);
          const before = multiples.map((x) => Math.max(0, x - 1));
          const all = new Uint32Array(COUNT);
          all.set(
            [...edges, ...drawn, ...multiples, ...before]
              .map((x) => Math.min(x, 2 ** 31 - 1))
              .slice(0, COUNT),
          );
          const out = await divided(all, divisor);
          all.forEach((x, i) => {
            expect([x, divisor, out[2 * i], out[2 * i + 1]]).toEqual([
              x,
              divisor,
              Math.floor(x / divisor),
              x % divisor,
            ]);
          });
        },
      ),
      60,
    ));
});
