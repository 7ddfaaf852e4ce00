/** Where WebGPU comes from: the browser's own, or Dawn through the `webgpu` package. */

import { NoAdapterError } from "../../errors.ts";
import { hostModule, hostProcess } from "../host-process.ts";

export interface AdapterChoice {
  /** Part of an adapter's name as Dawn lists it; only with the `webgpu` package. */
  readonly adapter?: string;
  /** Default: "high-performance". */
  readonly powerPreference?: GPUPowerPreference;
  /** Dawn toggles to switch on (`name`) or off (`-name`); only with the `webgpu` package. */
  readonly toggles?: readonly string[];
}

const MEND =
  "install a driver for Vulkan, Metal or Direct3D 12 (on Debian and Ubuntu the software driver mesa-vulkan-drivers, version 25 or newer, will do), or take the cpu engine, which needs none";

// Bun crashes when the object that `create()` returns is collected while the addon is in use, so it stays for good.
const KEPT = Symbol.for("trimtab.webgpu.instances");
type Kept = Map<string, GPU>;

export async function requestAdapter(choice: AdapterChoice): Promise<GPUAdapter> {
  const gpu = await findGpu(choice);
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: choice.powerPreference ?? "high-performance" });
  } catch (cause) {
    throw new NoAdapterError(
      `Trimtab needs a WebGPU adapter, but asking for one failed (${reason(cause)}); ${MEND}.`,
      {
        cause,
      },
    );
  }
  if (adapter !== null) return adapter;
  const named = choice.adapter === undefined ? "" : ` named "${choice.adapter}"`;
  throw new NoAdapterError(`Trimtab needs a WebGPU adapter${named}, and this machine has none; ${MEND}.`);
}

/**
 * A real GPU's adapter, or the reason why there is none. Where the system itself shows no graphics device, no driver is loaded:
 * Dawn with a software driver takes 80 ms and 74 MB, only to be told that it is not wanted, and writes warnings on stderr.
 */
export async function findHardware(choice: AdapterChoice): Promise<GPUAdapter | string> {
  if (nativeGpu() === undefined && !hasGraphicsDevice(listFolder))
    return "no GPU was found: the system shows no graphics device";
  let adapter: GPUAdapter;
  try {
    adapter = await requestAdapter(choice);
  } catch (cause) {
    if (!(cause instanceof NoAdapterError)) throw cause;
    return "no GPU was found that WebGPU can use: its driver is missing, or there is none";
  }
  const { adapter: name, software } = describeAdapter(adapter);
  return software ? `the only graphics driver found is a software one (${name})` : adapter;
}

/**
 * Whether a GPU can be there at all. Only Linux tells without a driver: one of these stands in /dev for every GPU (dri: all drivers
 * of the kernel; dxg: a Windows host's; the others: makers that go their own way).
 */
export function hasGraphicsDevice(
  list: (folder: string) => readonly string[] | undefined,
  platform: string | undefined = hostProcess()?.platform,
): boolean {
  const names = platform === "linux" ? list("/dev") : undefined;
  if (names === undefined) return true;
  return (
    (names.includes("dri") && (list("/dev/dri") ?? []).some((name) => /^(renderD|card)\d/.test(name))) ||
    names.some((name) => /^(nvidia(ctl|\d)|dxg$|mali|kgsl|pvr|galcore|nvgpu|nvhost|nvmap)/.test(name))
  );
}

function listFolder(folder: string): readonly string[] | undefined {
  const fs = hostModule<{ readdirSync(path: string): string[] }>("node:fs");
  try {
    return fs?.readdirSync(folder);
  } catch {
    return undefined;
  }
}

function nativeGpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}

async function findGpu(choice: AdapterChoice): Promise<GPU> {
  const native = nativeGpu();
  if (native !== undefined && choice.adapter === undefined && choice.toggles === undefined) return native;
  const flags = dawnFlags(choice);
  const kept = keptInstances();
  const key = flags.join(" ");
  const known = kept.get(key);
  if (known !== undefined) return known;
  const { create, globals } = await importDawn();
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  let gpu: GPU;
  try {
    gpu = create(flags);
  } catch (cause) {
    throw new NoAdapterError(`Trimtab could not start WebGPU (${reason(cause)}); ${MEND}.`, { cause });
  }
  kept.set(key, gpu);
  return gpu;
}

function dawnFlags(choice: AdapterChoice): string[] {
  const on = ["allow_unsafe_apis"];
  // Timestamps in steps of 100 us would hide most kernels.
  const off = ["timestamp_quantization"];
  for (const toggle of choice.toggles ?? []) {
    if (toggle.startsWith("-")) off.push(toggle.slice(1));
    else on.push(toggle);
  }
  const flags = [`enable-dawn-features=${on.join(",")}`, `disable-dawn-features=${off.join(",")}`];
  if (choice.adapter !== undefined) flags.push(`adapter=${choice.adapter}`);
  return flags;
}

interface Dawn {
  create(flags: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

/** Bundles for browsers hold an empty module in its place, or none (package.json, "browser"). */
async function importDawn(): Promise<Dawn> {
  const host = hostProcess();
  if (host === undefined)
    throw new NoAdapterError(
      "Trimtab needs WebGPU, and this browser offers none; take one that does, or the cpu engine.",
    );
  try {
    return (await import("webgpu")) as unknown as Dawn;
  } catch (cause) {
    throw new NoAdapterError(
      `Trimtab needs WebGPU, but neither this runtime nor the webgpu package offers it on ${host.platform}-${host.arch} (${reason(cause)}); install the package's dependencies for this platform.`,
      { cause },
    );
  }
}

function keptInstances(): Kept {
  const holder = globalThis as { [KEPT]?: Kept };
  holder[KEPT] ??= new Map();
  return holder[KEPT];
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).trim().split("\n")[0]!;
}

/** The adapter's name for results, and whether it is a processor that plays a GPU. */
export function describeAdapter(adapter: GPUAdapter): { adapter: string; vendor: string; software: boolean } {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const name = [description, device, architecture, vendor].find((text) => text !== "") ?? "unnamed adapter";
  const all = [description, device, architecture].join(" ");
  const software =
    isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|softpipe|software|basic render/i.test(all);
  return { adapter: name, vendor, software };
}
