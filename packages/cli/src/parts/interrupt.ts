/** Ctrl-C: the first press asks the work to stop, which writes a checkpoint; the second ends the process at once. */

/** Presses closer than this are one: a terminal signals the whole group, and a parent may hand its own signal on. */
const ONE_PRESS_MS = 300;

export interface Interrupt extends Disposable {
  /** Aborted by the first press. */
  readonly signal: AbortSignal;
}

/** Listens until it is disposed. */
export function listenForInterrupt(say: (text: string) => void): Interrupt {
  const controller = new AbortController();
  let first = 0;
  const onSignal = () => {
    const now = performance.now();
    if (!controller.signal.aborted) {
      first = now;
      say("stopping after the running step; press Ctrl-C again to end at once, without a checkpoint");
      controller.abort();
    } else if (now - first > ONE_PRESS_MS) process.exit(130);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
