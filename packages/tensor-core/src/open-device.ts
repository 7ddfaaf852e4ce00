/** Opens the device that programs run on. */
import { Device } from "./device.ts";
import type { EngineName } from "./engines/engine.ts";
import { openWebGpu, type WebGpuOptions } from "./engines/webgpu/open.ts";

export interface OpenDeviceOptions extends WebGpuOptions {
  /** Default: the best there is. Today that is `webgpu`. */
  readonly engine?: EngineName;
}

/**
 * The best device of this machine: a GPU through WebGPU, or the software Vulkan driver. Throws NoAdapterError, in one
 * sentence, where nothing computes.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  return new Device(await openWebGpu(options));
}
