/**
 * What a thread is, thread 0 included: a memory, a table of functions, a driver over both. These functions are also the workers'
 * source, by `toString()`: they must use nothing from outside themselves but the globals of every JavaScript host, and no
 * syntax that a compiler turns into a call of a helper.
 */
import type { Control } from "./control.ts";
import type { Driver } from "./driver.ts";

/** What a thread is made of; also the first message to a worker. */
export interface ThreadSetup {
  readonly memory: WebAssembly.Memory;
  readonly driver: WebAssembly.Module;
  readonly thread: number;
  readonly threads: number;
  readonly barrierTurns: number;
  readonly idleTurns: number;
  readonly sliceTurns: number;
  /** Seconds thread 0 waits for a worker that is in a phase. */
  readonly patience: number;
  readonly control: Control;
  readonly failureMaxBytes: number;
}

/** Functions of one module: `names[i]` becomes function `ids[i]`. */
export interface LoadedModule {
  readonly module: WebAssembly.Module;
  readonly names: readonly string[];
  readonly ids: readonly number[];
}

export type ToWorker =
  | { readonly kind: "setup"; readonly setup: ThreadSetup }
  | { readonly kind: "load"; readonly drop: readonly number[]; readonly load: LoadedModule }
  | { readonly kind: "move"; readonly memory: WebAssembly.Memory }
  | { readonly kind: "collect" };

/** A worker's answer to its n-th message; `error` where it failed. */
export interface FromWorker {
  readonly answer: number;
  readonly error?: string;
}

export interface Thread {
  readonly driver: Driver;
  load(loaded: LoadedModule): void;
  drop(ids: readonly number[]): void;
  /** All modules anew over another memory. */
  move(memory: WebAssembly.Memory): void;
  /** Writes down why this thread failed, and ends all waiting. */
  fail(error: unknown): void;
}

/** How a worker speaks to thread 0. */
export interface Endpoint {
  listen(handler: (message: ToWorker) => void): void;
  post(message: FromWorker): void;
  close(): void;
  /** Collects garbage where the host lets us. */
  collect(): void;
}

export function makeThread(given: ThreadSetup): Thread {
  // `given` must not outlive this call: it would keep the first memory from being collected after a move.
  const { memory: first, ...setup } = given;
  let table: WebAssembly.Table;
  const origins = new Map<number, { module: WebAssembly.Module; name: string }>();
  let memory = first;
  let driver: Driver;

  function maySleep(): boolean {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
      return true;
    } catch {
      return false;
    }
  }

  function startDriver(): void {
    // A table of its own for each memory: tables remember the instances they were imported by.
    table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
    const instance = new WebAssembly.Instance(setup.driver, { env: { memory, table } });
    driver = instance.exports as unknown as Driver;
    driver.setup(
      setup.thread,
      setup.threads,
      setup.barrierTurns,
      setup.idleTurns,
      setup.threads > 1 && maySleep() ? 1 : 0,
      setup.sliceTurns,
      setup.patience,
    );
  }

  function put(loaded: LoadedModule): void {
    const instance = new WebAssembly.Instance(loaded.module, { env: { memory } });
    loaded.names.forEach((name, i) => {
      const id = loaded.ids[i] as number;
      if (id >= table.length) table.grow(Math.max(id + 1, 2 * table.length) - table.length);
      table.set(id, instance.exports[name]);
      origins.set(id, { module: loaded.module, name });
    });
  }

  startDriver();
  return {
    get driver() {
      return driver;
    },
    load: put,
    drop(ids) {
      for (const id of ids) {
        // what one thread could not load never came to the others
        if (id < table.length) table.set(id, null);
        origins.delete(id);
      }
    },
    move(to) {
      memory = to;
      startDriver();
      const modules = new Map<WebAssembly.Module, { names: string[]; ids: number[] }>();
      origins.forEach((origin, id) => {
        const of = modules.get(origin.module) ?? { names: [], ids: [] };
        of.names.push(origin.name);
        of.ids.push(id);
        modules.set(origin.module, of);
      });
      modules.forEach((of, module) => {
        put({ module, names: of.names, ids: of.ids });
      });
    },
    fail(error) {
      const words = new Int32Array(memory.buffer);
      // The first failure tells; the others mostly follow from it.
      if (Atomics.compareExchange(words, setup.control.claim >> 2, 0, 1) === 0) {
        const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
        const bytes = text.subarray(0, setup.failureMaxBytes);
        new Uint8Array(memory.buffer).set(bytes, setup.control.failure);
        Atomics.store(words, setup.control.failureBytes >> 2, bytes.length);
      }
      driver.break(setup.thread + 1);
    },
  };
}

/** A worker's life: messages between jobs, jobs between messages. */
export function serveThread(make: (setup: ThreadSetup) => Thread, endpoint: Endpoint): void {
  let thread: Thread | undefined;
  let answered = 0;
  /** Messages taken on the present memory; a new memory counts from 0. */
  let received = 0;

  endpoint.listen((message) => {
    received++;
    answered++;
    try {
      if (message.kind === "setup") thread = make(message.setup);
      else if (message.kind === "load") {
        thread?.drop(message.drop);
        thread?.load(message.load);
      } else if (message.kind === "move") {
        thread?.move(message.memory);
        received = 0;
      } else endpoint.collect();
    } catch (error) {
      endpoint.post({ answer: answered, error: error instanceof Error ? error.message : String(error) });
      thread?.fail(error);
      endpoint.close();
      return;
    }
    endpoint.post({ answer: answered });
    if (thread === undefined) return;
    try {
      if (thread.driver.serve(received) === 0) return;
    } catch (error) {
      thread.fail(error);
    }
    endpoint.close();
  });
}
