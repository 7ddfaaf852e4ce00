/** What this machine's cores are to a pool: how many threads, and how fast they look. */
import { hostModule } from "../../host-process.ts";
import { MAX_THREADS } from "./control.ts";
import type { Thread } from "./thread.ts";

/** One a core of this machine. */
export function defaultThreads(): number {
  const cores = (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator
    ?.hardwareConcurrency;
  if (cores !== undefined) return Math.min(cores, MAX_THREADS);
  // Node.js 20 has no navigator.
  const os = hostModule<{ availableParallelism(): number }>("node:os");
  return Math.min(os?.availableParallelism() ?? 1, MAX_THREADS);
}

/** Turns of the driver's look in a microsecond: the best of a few, as the first ones are not compiled yet. */
export function turnsPerMicrosecond(thread: Thread): number {
  const turns = 20_000;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    thread.driver.look(turns);
    best = Math.min(best, (performance.now() - start) * 1000);
  }
  // Browsers round the clock: never believe less than a nanosecond for three turns.
  return turns / Math.max(best, turns / 3000);
}
