/** Opens the webgpu engine on an adapter that proves it computes. */
import { NoAdapterError } from "../../errors.ts";
import type { Engine, EngineInfo } from "../engine.ts";
import { WebGpuEngine } from "./engine.ts";
import { type AdapterChoice, describeAdapter, requestAdapter } from "./gpu.ts";
import { deviceDescriptor } from "./limits.ts";
import { selfTest } from "./self-test.ts";

export interface WebGpuOptions extends AdapterChoice {
  /** Pretend that the adapter binds at most so many bytes; for tests of the limit. Never raises it. */
  readonly maxBindingBytes?: number;
}

/** Throws NoAdapterError, in one sentence that says what is needed, where no adapter computes. */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<Engine> {
  return openAdapter(await requestAdapter(options), options);
}

/** The same on an adapter that was found before. */
export async function openAdapter(
  adapter: GPUAdapter,
  options: Pick<WebGpuOptions, "maxBindingBytes"> = {},
): Promise<Engine> {
  const described = describeAdapter(adapter);
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice(deviceDescriptor(adapter));
  } catch (cause) {
    throw new NoAdapterError(
      `The adapter "${described.adapter}" gives no device (${cause instanceof Error ? cause.message : cause}); update its driver.`,
      { cause },
    );
  }
  const { limits } = device;
  const info: EngineInfo = {
    engine: "webgpu",
    ...described,
    maxBindingBytes: Math.min(
      limits.maxStorageBufferBindingSize,
      limits.maxBufferSize,
      options.maxBindingBytes ?? Number.POSITIVE_INFINITY,
    ),
    maxBuffersPerKernel: limits.maxStorageBuffersPerShaderStage,
    timestamps: device.features.has("timestamp-query"),
  };
  const engine = new WebGpuEngine(device, info, subgroupSize(adapter, device));
  try {
    await selfTest(engine);
  } catch (error) {
    engine.dispose();
    throw error;
  }
  return engine;
}

function subgroupSize(adapter: GPUAdapter, device: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  return device.features.has("subgroups") && subgroupMinSize === subgroupMaxSize
    ? subgroupMinSize
    : undefined;
}
