/** Starts workers where we are: Node.js and Bun (node:worker_threads), or a browser (a Blob). */
import { hostModule } from "../../host-process.ts";
import { type FromWorker, makeThread, serveThread, type ToWorker } from "./thread.ts";

export interface ThreadWorker {
  post(message: ToWorker): void;
  /** While held, the process does not end by itself. */
  hold(held: boolean): void;
  terminate(): void;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** It ended, by itself or not. */
  gone(why: string): void;
}

type NodeWorkers = typeof import("node:worker_threads");

// Node.js hides its collector behind a flag; a context made after the flag is set has it.
const nodeEndpoint = `(() => {
  const { parentPort } = require("node:worker_threads");
  return {
    listen: (handler) => parentPort.on("message", handler),
    post: (message) => parentPort.postMessage(message),
    close: () => parentPort.close(),
    collect: () => {
      if (globalThis.Bun) return Bun.gc(true);
      require("node:v8").setFlagsFromString("--expose-gc");
      require("node:vm").runInNewContext("gc")();
    },
  };
})()`;

const webEndpoint = `({
  listen: (handler) => { self.onmessage = (event) => handler(event.data); },
  post: (message) => self.postMessage(message),
  close: () => self.close(),
  collect: () => {},
})`;

function source(endpoint: string): string {
  return `(${serveThread.toString()})(${makeThread.toString()}, ${endpoint});`;
}

export function startWorker(name: string, events: WorkerEvents): ThreadWorker {
  const node = hostModule<NodeWorkers>("node:worker_threads");
  return node === undefined ? startWeb(name, events) : startNode(node, name, events);
}

function startNode(node: NodeWorkers, name: string, events: WorkerEvents): ThreadWorker {
  const worker = new node.Worker(source(nodeEndpoint), { eval: true, name });
  worker.on("message", (message: FromWorker) => events.message(message));
  worker.on("messageerror", (error: Error) => events.gone(`a message did not reach it: ${error.message}`));
  worker.on("error", (error: Error) => events.gone(error.message));
  worker.on("exit", (code: number) => events.gone(`it ended with code ${code}`));
  return {
    post: (message) => worker.postMessage(message),
    hold: (held) => {
      if (held) worker.ref();
      else worker.unref();
    },
    terminate: () => {
      void worker.terminate();
    },
  };
}

function startWeb(name: string, events: WorkerEvents): ThreadWorker {
  const url = URL.createObjectURL(new Blob([source(webEndpoint)], { type: "text/javascript" }));
  const worker = new Worker(url, { name });
  let loaded = false;
  const release = (): void => {
    if (!loaded) URL.revokeObjectURL(url);
    loaded = true;
  };
  worker.onmessage = (event: MessageEvent<FromWorker>) => {
    release();
    events.message(event.data);
  };
  worker.onmessageerror = () => events.gone("a message did not reach it");
  worker.onerror = (event) => {
    release();
    events.gone(event.message);
  };
  return {
    post: (message) => worker.postMessage(message),
    // A page's workers never keep it open.
    hold: () => {},
    terminate: () => worker.terminate(),
  };
}
