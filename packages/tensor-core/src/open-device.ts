/** Opens the device that programs run on. */
import { Device } from "./device.ts";
import type { EngineName } from "./engines/engine.ts";
import { openWebGpu, type WebGpuOptions } from "./engines/webgpu/open.ts";
import { NoAdapterError } from "./errors.ts";

/** Which device to open; nothing need be given. */
export interface OpenDeviceOptions extends WebGpuOptions {
  /** Default: the best there is. Today that is `webgpu`; `cpu` has its name reserved and is refused. */
  readonly engine?: EngineName;
}

/**
 * The best device of this machine: a GPU through WebGPU, or the software Vulkan driver. Throws NoAdapterError, in one
 * sentence, where nothing computes or the engine asked for does not exist.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  const engine = options.engine ?? "webgpu";
  if (engine !== "webgpu") {
    throw new NoAdapterError(
      `Trimtab has no engine "${engine}" yet; leave \`engine\` out or ask for "webgpu", which also runs on a processor ` +
        "with the software driver mesa-vulkan-drivers.",
    );
  }
  return new Device(await openWebGpu(options));
}
