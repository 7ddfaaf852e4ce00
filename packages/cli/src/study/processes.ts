/** Starts a worker for one order, and resolves when it has ended. */
import { join } from "node:path";
import type { FromWorker, Order, ToWorker } from "./messages.ts";

export type Ended =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly text: string; readonly wrongUse: boolean };

const WORKER = join(import.meta.dirname, "worker.ts");

/** `signal` asks the worker to stop after its running step. Never rejects. */
export async function runWorker(
  order: Order,
  signal: AbortSignal,
  onMessage: (message: FromWorker) => void,
): Promise<Ended> {
  let ended: Ended | undefined;
  // what native code or a crash writes, for the message
  const child = Bun.spawn([process.execPath, WORKER], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: process.env,
    ipc(message: FromWorker) {
      if (message.kind === "ready") child.send({ kind: "work", order } satisfies ToWorker);
      else if (message.kind === "done" || message.kind === "stopped" || message.kind === "failed") {
        ended = message;
        child.send({ kind: "bye" } satisfies ToWorker);
      } else onMessage(message);
    },
  });
  const stop = () => {
    if (child.exitCode === null && child.signalCode === null) child.send({ kind: "stop" } satisfies ToWorker);
  };
  signal.addEventListener("abort", stop);
  // whatever ends this process, its workers do not outlive it (they also notice by themselves)
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  const [said] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  process.off("exit", kill);
  signal.removeEventListener("abort", stop);
  if (ended) return ended;
  if (signal.aborted) return { kind: "stopped" };
  return { kind: "failed", text: endOf(child.exitCode, child.signalCode, said), wrongUse: false };
}

function endOf(code: number | null, signal: string | number | null, said: string): string {
  const why =
    signal === "SIGKILL"
      ? "its process was killed, perhaps because memory ran out; give fewer --jobs"
      : `its process ended early (${signal ?? `exit code ${code}`})`;
  const last = said.trim().split("\n").slice(-5).join("\n");
  return `error: ${why}.${last === "" ? "" : `\n${last}`}`;
}
