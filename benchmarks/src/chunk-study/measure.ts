/** What a process and a device hold at their most, and what steps cost. */
import { readFileSync, writeFileSync } from "node:fs";
import type { TrainEvent } from "@trimtab/search-core";
import type { Device } from "@trimtab/tensor-core";

/** Resident bytes of a process, as Linux counts them. */
export interface Resident {
  /** After the data were loaded and garbage was collected. */
  readonly loaded: number;
  /** VmHWM from then on: the kernel's own high-water mark, reset when the data were loaded, so that what loading took for a moment hides nothing. */
  readonly peak: number;
  /** False where the mark could not be reset: then it has loading in it. */
  readonly reset: boolean;
}

/** Call with the data loaded; what it returns, at the end. null where the system has no /proc. */
export function watchResident(): () => Resident | null {
  Bun.gc(true);
  const loaded = statusBytes("VmRSS");
  const reset = resetMark();
  return () => {
    const peak = statusBytes("VmHWM");
    return loaded === undefined || peak === undefined ? null : { loaded, peak, reset };
  };
}

function resetMark(): boolean {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
    return true;
  } catch {
    return false;
  }
}

function statusBytes(key: string): number | undefined {
  try {
    const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
    return match ? 1024 * Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/** Looks at a device's memory whenever something was made on it, which is when it grows. Returns the most it saw. */
export function watchDevice(device: Device): () => number {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, device.memory().bytes);
  };
  const { variable, compile } = device;
  device.variable = (...args: Parameters<Device["variable"]>) => {
    const made = variable.apply(device, args);
    look();
    return made;
  };
  device.compile = (async (...args: Parameters<Device["compile"]>) => {
    const made = await compile.apply(device, args);
    look();
    return made;
  }) as Device["compile"];
  return () => {
    look();
    return peak;
  };
}

/** What the steps of an epoch cost, evaluation not among them. */
export interface EpochCost {
  readonly epoch: number;
  /** Steps that were watched: up to the last progress event. */
  readonly steps: number;
  /** Seconds by the clock, and of processor time over all threads: the latter hardly depends on what else the machine does. */
  readonly seconds: number;
  readonly cpu: number;
}

/** Processor time of this process, all threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Told the events of a training, in order. */
export class StepCosts {
  readonly epochs: EpochCost[] = [];
  #from = { seconds: performance.now() / 1000, cpu: cpuSeconds() };
  #last: EpochCost | undefined;

  readonly onEvent = (event: TrainEvent): void => {
    const now = { seconds: performance.now() / 1000, cpu: cpuSeconds() };
    if (event.kind === "step") {
      const { epoch, batch: steps } = event;
      const cost = { seconds: now.seconds - this.#from.seconds, cpu: now.cpu - this.#from.cpu };
      this.#last = { epoch, steps, ...cost };
    }
    if (event.kind !== "evaluation") return;
    if (this.#last) this.epochs.push(this.#last);
    this.#last = undefined;
    this.#from = now;
  };
}
