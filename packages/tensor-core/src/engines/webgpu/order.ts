/**
 * Keeps device work in the order of calls although some of it must wait for a staging buffer: then everything after it waits
 * too. Normally nothing waits and each piece of work runs inside the call.
 */
export class Order {
  readonly #waiting: { ready: () => boolean; work: () => void }[] = [];

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Runs `work` now if it can start and nothing is ahead of it. */
  do(ready: () => boolean, work: () => void): void {
    if (this.idle && ready()) work();
    else this.#waiting.push({ ready, work });
  }

  /** Called when something became free. */
  advance(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.ready()) this.#waiting.shift()!.work();
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting.length = 0;
  }
}
