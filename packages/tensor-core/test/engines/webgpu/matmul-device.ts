/** A bare device for matmul tests: buffers by number, dispatches in order. Not the engine: only what `Dispatch` says. */
import { create, globals } from "webgpu";
import { describeAdapter } from "../../../src/engines/webgpu/gpu.ts";
import { type Dispatch, SCRATCH } from "../../../src/engines/webgpu/wgsl/dispatch.ts";
import type { BufferId } from "../../../src/kernels/ir.ts";

const STORAGE = 0x80;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const MAP_READ = 0x1;
const UNIFORM = 0x40;

const hasParams = ({ params = [] }: Dispatch): boolean => params.length > 0;

export interface MatmulDevice {
  /** A processor that plays a GPU: it takes seconds to compile a tile. */
  readonly software: boolean;
  /** undefined where subgroups are missing or of several sizes. */
  readonly subgroupSize: number | undefined;
  /** Runs the dispatches once on copies of the buffers; returns what the buffers hold then. */
  run(
    dispatches: readonly Dispatch[],
    buffers: ReadonlyMap<BufferId, Float32Array>,
  ): Promise<Map<BufferId, Float32Array>>;
}

/** null where the machine has no adapter. */
export async function openMatmulDevice(): Promise<MatmulDevice | null> {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Collected, the object takes the process with it.
  Object.assign(globalThis, { trimtabMatmulTestGpu: gpu });
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return null;
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const subgroups = adapter.features.has("subgroups") && subgroupMinSize === subgroupMaxSize;
  const device = await adapter.requestDevice({ requiredFeatures: subgroups ? ["subgroups"] : [] });

  const bufferOf = (data: Float32Array): GPUBuffer => {
    const buffer = device.createBuffer({
      size: Math.max(16, Math.ceil(data.length / 4) * 16),
      usage: STORAGE | COPY_SRC | COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
    return buffer;
  };

  const uniforms: GPUBuffer[] = [];
  const uniformOf = (params: readonly number[]): GPUBuffer => {
    const words = new Uint32Array(Math.ceil(params.length / 4) * 4);
    words.set(params);
    const buffer = device.createBuffer({ size: words.byteLength, usage: UNIFORM | COPY_DST });
    device.queue.writeBuffer(buffer, 0, words);
    uniforms.push(buffer);
    return buffer;
  };

  // A law runs each case twice.
  const pipelines = new WeakMap<Dispatch, { layout: GPUBindGroupLayout; pipeline: GPUComputePipeline }>();
  const prepared = async (dispatch: Dispatch) => {
    const known = pipelines.get(dispatch);
    if (known !== undefined) return known;
    const types = dispatch.bindings.map(({ access }) =>
      access === "read" ? ("read-only-storage" as const) : ("storage" as const),
    );
    const buffers = hasParams(dispatch) ? [...types, "uniform" as const] : types;
    const layout = device.createBindGroupLayout({
      entries: buffers.map((type, binding) => ({ binding, visibility: 4, buffer: { type } })),
    });
    const pipeline = await device.createComputePipelineAsync({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: device.createShaderModule({ code: dispatch.wgsl }), entryPoint: "main" },
    });
    pipelines.set(dispatch, { layout, pipeline });
    return { layout, pipeline };
  };

  return {
    software: describeAdapter(adapter).software,
    subgroupSize: subgroups ? subgroupMinSize : undefined,
    async run(dispatches, data) {
      device.pushErrorScope("validation");
      const buffers = new Map<BufferId, GPUBuffer>();
      for (const [id, array] of data) buffers.set(id, bufferOf(array));
      const scratch = Math.max(0, ...dispatches.map((dispatch) => dispatch.scratchElements ?? 0));
      // Not zero, as scratch may hold anything.
      if (scratch > 0) buffers.set(SCRATCH, bufferOf(new Float32Array(scratch).fill(Number.NaN)));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const dispatch of dispatches) {
        const { layout, pipeline } = await prepared(dispatch);
        const bound = dispatch.bindings.map(({ buffer }) => buffers.get(buffer)!);
        if (hasParams(dispatch)) bound.push(uniformOf(dispatch.params!));
        const entries = bound.map((buffer, binding) => ({ binding, resource: { buffer } }));
        const workgroups =
          typeof dispatch.workgroups === "function"
            ? dispatch.workgroups(new Uint32Array())
            : dispatch.workgroups;
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
        pass.dispatchWorkgroups(...workgroups!);
      }
      pass.end();
      const staging = [...data].map(([id, array]) => {
        const buffer = device.createBuffer({
          size: buffers.get(id)!.size,
          usage: MAP_READ | COPY_DST,
        });
        encoder.copyBufferToBuffer(buffers.get(id)!, 0, buffer, 0, buffer.size);
        return { id, buffer, length: array.length };
      });
      device.queue.submit([encoder.finish()]);
      const error = await device.popErrorScope();
      if (error !== null) {
        throw new Error(`${error.message}\n${dispatches.map((dispatch) => dispatch.wgsl).join("\n")}`);
      }
      const results = new Map<BufferId, Float32Array>();
      for (const { id, buffer, length } of staging) {
        await buffer.mapAsync(1);
        results.set(id, new Float32Array(buffer.getMappedRange().slice(0), 0, length));
        buffer.destroy();
      }
      for (const buffer of [...buffers.values(), ...uniforms.splice(0)]) buffer.destroy();
      return results;
    },
  };
}
