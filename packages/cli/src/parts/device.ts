/** The device of a verb: opened for it, watched while it works, closed behind it. */
import { type Device, DeviceLost, openDevice } from "@trimtab/tensor-core";
import { withQuietDriver } from "./quiet.ts";

export interface DeviceChoice {
  /** Part of an adapter's name; default: the best there is. */
  readonly adapter?: string;
  /** Show what drivers say. */
  readonly debug?: boolean;
}

/** Opens the device without the warnings of its driver, which --debug shows. */
export function openChosen({ adapter, debug }: DeviceChoice): Promise<Device> {
  const open = () => openDevice(adapter === undefined ? {} : { adapter });
  return debug ? open() : withQuietDriver(open);
}

/** Runs `work` on the best device. A device that goes away ends it, with `resume` as the way to go on. */
export async function withDevice<T>(
  choice: DeviceChoice,
  resume: string,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  const device = await openChosen(choice);
  const lost = device.lost.catch((reason: unknown) => {
    throw lostError(reason, resume);
  });
  try {
    return await Promise.race([work(device), lost]);
  } catch (reason) {
    throw reason instanceof DeviceLost ? lostError(reason, resume) : reason;
  } finally {
    lost.catch(() => undefined);
    device.dispose();
  }
}

function lostError(reason: unknown, resume: string): DeviceLost {
  const message = reason instanceof Error ? reason.message : String(reason);
  return new DeviceLost(`${message.includes(resume) ? message : `${message} ${resume}`}`, { cause: reason });
}
