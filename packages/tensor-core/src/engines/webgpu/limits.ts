/** What to ask of an adapter: all that it has, since defaults stop at 128 MiB a binding and 8 buffers a kernel. */
const WANTED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
] as const;

const FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "subgroups"];

export function deviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  return {
    requiredLimits: Object.fromEntries(WANTED.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
  };
}
