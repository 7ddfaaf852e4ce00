/**
 * Work on this engine is done by the time a call for its results returns, so a loop that only awaits its results would never let timers, signals or messages
 * in. Results are therefore handed out one turn of the event loop later, as a GPU's are.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { setImmediate } = globalThis as { setImmediate?: (done: () => void) => void };
    if (setImmediate) {
      setImmediate(resolve);
      return;
    }
    // browsers hold a timer of zero back for milliseconds, a message they do not
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
