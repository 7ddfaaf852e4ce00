/** Processes that do the parts of a study, one part after another each: a warm one starts its next part at once. */
import { join } from "node:path";
import type { FromWorker, Order, ToWorker } from "./messages.ts";

export type Ended =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly text: string; readonly wrongUse: boolean };

const WORKER = join(import.meta.dirname, "worker.ts");

export class WorkerProcess {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #ready = Promise.withResolvers<void>();
  /** Resolves when the process has ended, with what native code or a crash wrote. */
  readonly #over: Promise<string>;
  #hear: (message: FromWorker) => void = () => {};
  #orders = 0;

  constructor() {
    this.#child = Bun.spawn([process.execPath, WORKER], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: process.env,
      ipc: (message: FromWorker) => {
        if (message.kind === "ready") this.#ready.resolve();
        else this.#hear(message);
      },
    });
    // whatever ends this process, its workers do not outlive it (they also notice by themselves)
    const kill = () => this.#child.kill("SIGKILL");
    process.on("exit", kill);
    const said = new Response(this.#child.stderr).text();
    this.#over = this.#child.exited.then(() => {
      process.off("exit", kill);
      return said;
    });
  }

  /** False once the process has ended, whoever ended it. */
  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Orders it was given so far. */
  get orders(): number {
    return this.#orders;
  }

  /** One order at a time. `signal` asks the worker to stop after its running step. Never rejects. */
  async work(order: Order, signal: AbortSignal, onMessage: (message: FromWorker) => void): Promise<Ended> {
    this.#orders++;
    const stop = () => this.#send({ kind: "stop" });
    signal.addEventListener("abort", stop);
    const { promise: ended, resolve: end } = Promise.withResolvers<Ended>();
    this.#hear = (message) => {
      if (message.kind === "done" || message.kind === "stopped" || message.kind === "failed") end(message);
      else onMessage(message);
    };
    const early = this.#over.then((said): Ended => {
      if (signal.aborted) return { kind: "stopped" };
      const { exitCode, signalCode } = this.#child;
      return { kind: "failed", text: endOf(exitCode, signalCode, said), wrongUse: false };
    });
    try {
      await Promise.race([this.#ready.promise, early]);
      if (signal.aborted) return { kind: "stopped" };
      this.#send({ kind: "work", order });
      return await Promise.race([ended, early]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Lets the process go; resolves when it is gone. */
  async end(): Promise<void> {
    await Promise.race([this.#ready.promise, this.#over]);
    this.#send({ kind: "bye" });
    await this.#over;
  }

  #send(message: ToWorker): void {
    if (this.runs) this.#child.send(message);
  }
}

function endOf(code: number | null, signal: string | number | null, said: string): string {
  const why =
    signal === "SIGKILL"
      ? "its process was killed, perhaps because memory ran out; give fewer --jobs"
      : `its process ended early (${signal ?? `exit code ${code}`})`;
  const last = said.trim().split("\n").slice(-5).join("\n");
  return `error: ${why}.${last === "" ? "" : `\n${last}`}`;
}
