// Preloaded into a command: the device has the limits that WebGPU promises everywhere, not all that the adapter has.
import { createRequire } from "node:module";

const require = createRequire(import.meta.resolve("@trimtab/tensor-core"));
const { globals } = require("webgpu") as { globals: { GPUAdapter: { prototype: GPUAdapter } } };
const { prototype } = globals.GPUAdapter;
const request = prototype.requestDevice;
prototype.requestDevice = function (this: GPUAdapter, descriptor: GPUDeviceDescriptor = {}) {
  const { maxStorageBufferBindingSize: _, ...requiredLimits } = descriptor.requiredLimits ?? {};
  return request.call(this, { ...descriptor, requiredLimits });
};
