/** The device of a verb: opened for it, watched while it works, closed behind it. */
import { type Device, DeviceLost, type EngineInfo, type EngineName, openDevice } from "@trimtab/tensor-core";
import { UsageError } from "./errors.ts";
import { withQuietDriver } from "./quiet.ts";

export interface DeviceChoice {
  /** Default: a GPU that works, else the cpu. */
  readonly engine?: EngineName;
  /** Of the cpu engine; default: one a core. */
  readonly threads?: number;
  /** Part of a webgpu adapter's name; default: the best there is. */
  readonly adapter?: string;
  /** Show what drivers say. */
  readonly debug?: boolean;
}

/** Opens the device without the warnings of its driver, which --debug shows. */
export async function openChosen({ debug, ...choice }: DeviceChoice): Promise<Device> {
  const { engine, threads, adapter } = choice;
  if (engine === "cpu" && adapter !== undefined) {
    throw new UsageError(`--adapter ${adapter} is for --engine webgpu; with --engine cpu leave it out.`);
  }
  if (threads !== undefined && (engine === "webgpu" || adapter !== undefined)) {
    throw new UsageError(
      "--threads is for the cpu engine; give --engine cpu with it, or leave --threads out.",
    );
  }
  const open = () => openDevice({ engine, threads, adapter });
  const device = await (debug ? open() : withQuietDriver(open));
  if (device.choice.refused) {
    const { why } = device.choice;
    process.stderr.write(`note: ${why} Going on with ${describeDevice(device.info)}.\n`);
  }
  return device;
}

/** "cpu, AMD EPYC, 2 threads"; "webgpu, llvmpipe: Mesa 25 (software)". */
export function describeDevice({ engine, adapter, software }: EngineInfo): string {
  return `${engine}, ${adapter}${software ? " (software)" : ""}`;
}

/** Runs `work` on the best device. A device that goes away ends it, with `resume` as the way to go on. */
export async function withDevice<T>(
  choice: DeviceChoice,
  resume: string,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  const device = await openChosen(choice);
  try {
    return await watched(device, resume, () => work(device));
  } finally {
    device.dispose();
  }
}

/** Runs `work`, which a device that goes away ends, with `resume` as the way to go on. */
export async function watched<T>(device: Device, resume: string, work: () => Promise<T>): Promise<T> {
  const lost = device.lost.catch((reason: unknown) => {
    throw lostError(reason, resume);
  });
  try {
    return await Promise.race([work(), lost]);
  } catch (reason) {
    throw reason instanceof DeviceLost ? lostError(reason, resume) : reason;
  } finally {
    lost.catch(() => undefined);
  }
}

function lostError(reason: unknown, resume: string): DeviceLost {
  const message = reason instanceof Error ? reason.message : String(reason);
  return new DeviceLost(`${message.includes(resume) ? message : `${message} ${resume}`}`, { cause: reason });
}
