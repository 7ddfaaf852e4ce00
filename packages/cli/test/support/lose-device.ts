// Preloaded into a command: the device that it opens is really destroyed a moment later, as a driver reset would.
import { createRequire } from "node:module";

const require = createRequire(import.meta.resolve("@trimtab/tensor-core"));
const { globals } = require("webgpu") as { globals: { GPUAdapter: { prototype: GPUAdapter } } };
const { prototype } = globals.GPUAdapter;
const request = prototype.requestDevice;
prototype.requestDevice = async function (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) {
  const device = await request.call(this, descriptor);
  setTimeout(() => device.destroy(), 1500);
  return device;
};
