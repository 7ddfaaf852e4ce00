/**
 * Keeps device work in the order of calls although some of it must wait for a staging buffer: then everything after it waits
 * too. Normally nothing waits and each piece of work runs inside the call.
 */
interface Waiting {
  readonly ready: () => boolean;
  readonly work: () => void;
  readonly fail: (error: Error) => void;
}

export class Order {
  #waiting: Waiting[] = [];

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Runs `work` now if it can start and nothing is ahead of it. `fail` is called instead if the device goes first. */
  do(ready: () => boolean, work: () => void, fail: (error: Error) => void = () => {}): void {
    if (this.idle && ready()) work();
    else this.#waiting.push({ ready, work, fail });
  }

  /** Called when something became free. */
  advance(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.ready()) this.#waiting.shift()!.work();
  }

  /** Gives up on what waits. */
  abandon(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { fail } of waiting) fail(error);
  }
}
