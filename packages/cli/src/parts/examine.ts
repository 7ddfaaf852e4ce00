/** What `doctor` finds out about one engine: whether it opens, whether it computes, how fast. */
import { type Device, type EngineInfo, type EngineName, TensorCoreError } from "@trimtab/tensor-core";
import type { ListedAdapter } from "./adapters.ts";
import { measure, type Timings } from "./measure.ts";
import { withQuietDriver } from "./quiet.ts";
import { selfTest } from "./self-test.ts";

/** One engine on one adapter. */
export interface Finding {
  readonly engine: EngineName;
  readonly adapter: string;
  /** The one that a verb with these options would compute on. */
  readonly used: boolean;
  /** "passed", or what was wrong. */
  readonly selfTest: string;
  readonly info?: EngineInfo;
  readonly timings?: Timings;
  /** Bytes and buffers that are left when all is freed. */
  readonly memory?: ReturnType<Device["memory"]>;
}

/** Tests and times an open device. */
export async function examine(device: Device, used: boolean): Promise<Finding> {
  const { info } = device;
  const found = { engine: info.engine, adapter: info.adapter, used, info };
  try {
    const wrong = await selfTest(device);
    if (wrong !== undefined) return { ...found, selfTest: wrong };
    const timings = await measure(device);
    return { ...found, selfTest: "passed", timings, memory: device.memory() };
  } catch (reason) {
    return { ...found, selfTest: sentenceOf(reason) };
  }
}

/** The same of one that is still to be opened. */
export async function openAndExamine(
  what: { readonly engine: EngineName; readonly adapter: string },
  open: () => Promise<Device>,
  debug: boolean,
): Promise<Finding> {
  let device: Device;
  try {
    device = await (debug ? open() : withQuietDriver(open));
  } catch (reason) {
    return { ...what, used: false, selfTest: sentenceOf(reason) };
  }
  using opened = device;
  return await examine(opened, false);
}

/** Adapters worth a look: each once, though several backends may list it. */
export function distinct(adapters: readonly ListedAdapter[]): string[] {
  return [...new Set(adapters.map(({ name }) => name))];
}

function sentenceOf(reason: unknown): string {
  if (reason instanceof TensorCoreError) return reason.message;
  throw reason;
}
