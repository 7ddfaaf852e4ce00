/** The workers of a pool, as those who get messages and answer them in order. What they do with them is not its business. */
import type { ThreadSetup, ToWorker } from "./thread.ts";
import { startWorker, type ThreadWorker } from "./workers.ts";

interface Pending {
  resolve(): void;
  reject(error: unknown): void;
}

export class Crew {
  readonly #workers: ThreadWorker[] = [];
  /** Answers not yet come, a queue a worker. */
  readonly #pending: Pending[][] = [];
  readonly #announce: () => void;
  readonly #lose: (why: string) => void;

  /** `announce` calls the workers to their messages; `lose` hears why one of them is no more. */
  constructor(announce: () => void, lose: (why: string) => void) {
    this.#announce = announce;
    this.#lose = lose;
  }

  /** Starts threads 1 to `setup.threads` - 1; resolves when all are ready. */
  async start(setup: ThreadSetup): Promise<void> {
    for (let thread = 1; thread < setup.threads; thread++) this.#startOne(thread, setup.threads);
    await this.post((index) => ({ kind: "setup", setup: { ...setup, thread: index + 1 } }));
  }

  // The worker's handlers live as long as it does: they must not see the set-up, which holds the first memory.
  #startOne(thread: number, threads: number): void {
    const index = thread - 1;
    const who = `Thread ${thread} of ${threads}`;
    this.#pending.push([]);
    this.#workers.push(
      startWorker(`trimtab cpu ${thread}`, {
        message: ({ error }) => {
          // an error settles all that wait for an answer, this one too
          if (error === undefined) this.#pending[index]!.shift()?.resolve();
          else this.#lose(`${who} failed: ${error}`);
          this.#hold(index);
        },
        gone: (why) => this.#lose(`${who} is gone (${why})`),
      }),
    );
  }

  /** To every worker; resolves when all have answered. */
  async post(message: ToWorker | ((index: number) => ToWorker)): Promise<void> {
    if (this.#workers.length === 0) return;
    // Announced first: a worker that has taken more messages than were announced would wait for one that never comes.
    this.#announce();
    const answers = this.#workers.map((worker, index) => {
      const answer = new Promise<void>((resolve, reject) => this.#pending[index]!.push({ resolve, reject }));
      this.#hold(index);
      worker.post(typeof message === "function" ? message(index) : message);
      return answer;
    });
    await Promise.all(answers);
  }

  /** Ends the waiting for all answers. */
  settle(error: Error): void {
    for (const queue of this.#pending) for (const pending of queue.splice(0)) pending.reject(error);
  }

  /** The process may end while they live. */
  letGo(): void {
    for (const worker of this.#workers) worker.hold(false);
  }

  /** Ends the workers, whatever they do. */
  end(): void {
    this.letGo();
    for (const worker of this.#workers) worker.terminate();
  }

  /** An open pool keeps no finished program from ending, but one that waits for an answer does. */
  #hold(index: number): void {
    this.#workers[index]?.hold(this.#pending[index]!.length > 0);
  }
}
