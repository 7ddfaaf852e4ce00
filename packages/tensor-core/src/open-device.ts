/** Opens the device that programs run on: a GPU where there is one that works, else the processor. */
import { Device } from "./device.ts";
import { openCpu } from "./engines/cpu/open.ts";
import type { Engine, EngineChoice, EngineName } from "./engines/engine.ts";
import { findHardware } from "./engines/webgpu/gpu.ts";
import { openAdapter, openWebGpu, type WebGpuOptions } from "./engines/webgpu/open.ts";
import { NoAdapterError } from "./errors.ts";

/** Which device to open; nothing need be given. */
export interface OpenDeviceOptions extends WebGpuOptions {
  /**
   * Default: what the environment variable TRIMTAB_ENGINE says, else `webgpu` on a GPU that passes its self-test, else `cpu`. A
   * processor that plays a GPU (the software Vulkan driver) is only taken where `webgpu` or an `adapter` is asked for.
   */
  readonly engine?: EngineName;
  /** Threads of the cpu engine, the caller's among them; default: one a core. Results do not depend on it. */
  readonly threads?: number;
}

const ENGINES: readonly EngineName[] = ["webgpu", "cpu"];

/**
 * The best device of this machine; `device.info` names it and `device.choice` says why. Without an engine asked for it needs no
 * driver and always finds one. Throws NoAdapterError, in one sentence, where the engine or adapter asked for is not there or does
 * not compute.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  const [engine, choice] = await choose(options);
  return new Device(engine, choice);
}

type Chosen = readonly [Engine, EngineChoice];

async function choose(options: OpenDeviceOptions): Promise<Chosen> {
  const { name, by } = asked(options);
  if (name === "cpu") return [await openCpu(options), { why: `${by} asks for it` }];
  if (name === "webgpu") return [await openWebGpu(options), { why: `${by} asks for it` }];
  const gpu = await findHardware(options);
  if (typeof gpu === "string") return [await openCpu(options), { why: gpu }];
  try {
    const engine = await openAdapter(gpu, options);
    return [engine, { why: `the GPU "${engine.info.adapter}" was found and passes its self-test` }];
  } catch (cause) {
    const refused = cause instanceof Error ? cause : new NoAdapterError(String(cause));
    return [
      await openCpu(options),
      { why: `a GPU was found, but it does not work: ${refused.message}`, refused },
    ];
  }
}

/** The engine that was asked for, if one was, and by what. */
function asked({ engine, adapter, threads }: OpenDeviceOptions): { name?: EngineName; by?: string } {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new NoAdapterError(`The cpu engine has no ${threads} threads; give a whole number from 1 up.`);
  }
  if (engine !== undefined) {
    check(engine, "the option `engine`");
    if (engine !== "webgpu" && adapter !== undefined) {
      throw new NoAdapterError(
        `An adapter ("${adapter}") belongs to the engine "webgpu", but "${engine}" is asked for; leave one of the two out.`,
      );
    }
    return { name: engine, by: "the option `engine`" };
  }
  if (adapter !== undefined) return { name: "webgpu", by: "the option `adapter`" };
  // A browser has no process.
  const host = (globalThis as { process?: { env: Record<string, string | undefined> } }).process;
  const wish = host?.env.TRIMTAB_ENGINE;
  if (!wish) return {};
  return { name: check(wish, "the environment variable TRIMTAB_ENGINE"), by: "TRIMTAB_ENGINE" };
}

function check(name: string, where: string): EngineName {
  const known = ENGINES.find((engine) => engine === name);
  if (known !== undefined) return known;
  const names = ENGINES.map((engine) => `"${engine}"`).join(" or ");
  throw new NoAdapterError(
    `Trimtab has no engine "${name}", which ${where} asks for; expected ${names}, or nothing for the best there is.`,
  );
}
