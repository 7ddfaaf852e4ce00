// Asks Dawn for an adapter and a device, prints one line of JSON: { "adapter": "name" } or { "adapter": null, "why" }.
// A process of its own, because a broken driver may take the process that loads it down.
import { createRequire } from "node:module";
import { join } from "node:path";

// `webgpu` belongs to tensor-core; from there it resolves, whatever the layout of node_modules.
const require = createRequire(join(import.meta.dirname, "..", "packages", "tensor-core", "package.json"));

async function check() {
  const { create } = require("webgpu");
  // Collecting this object crashes the process, so the global keeps it.
  globalThis.trimtabGpu = create([]);
  const adapter = await globalThis.trimtabGpu.requestAdapter();
  if (!adapter) return { adapter: null, why: "no adapter" };
  const device = await adapter.requestDevice();
  device.destroy();
  const { description, device: name, vendor } = adapter.info;
  return { adapter: description || name || vendor || "unnamed adapter" };
}

let answer;
try {
  answer = await check();
} catch (error) {
  answer = { adapter: null, why: String(error?.message ?? error) };
}
console.log(JSON.stringify(answer));
process.exit(answer.adapter === null ? 1 : 0);
