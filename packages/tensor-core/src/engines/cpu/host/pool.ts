/**
 * The threads of the cpu engine. Thread 0 is the caller's own; the others are workers that wait for jobs. A program is a list of
 * phases in the shared memory; threads share the work of each phase, and none begins before the one before is over. Workers begin when a
 * program is started; the caller may do other work first and join them later.
 */
import { CompileError, DeviceLost, DisposedError, TensorCoreError } from "../../../errors.ts";
import { type Arena, hasSharedMemory } from "./arena.ts";
import { CONTROL, FAILURE_MAX_BYTES, MAX_THREADS, STALLED } from "./control.ts";
import { defaultThreads, turnsPerMicrosecond } from "./cores.ts";
import { Crew } from "./crew.ts";
import { driverModule, OVER } from "./driver.ts";
import { FunctionIds } from "./function-ids.ts";
import { type Counters, type Phase, type PoolProgram, Programs } from "./programs.ts";
import { makeThread, type Thread, type ThreadSetup } from "./thread.ts";

export interface PoolOptions {
  /** Where the programs' memory is. An arena serves one pool in its life. */
  readonly arena: Arena;
  /** Default: one a core; 1 where memory cannot be shared. */
  readonly threads?: number;
  /** How long a thread looks for the others at a barrier before it sleeps, in microseconds. */
  readonly barrierMicroseconds?: number;
  /** How long a worker looks for the next job before it sleeps, in microseconds. */
  readonly idleMicroseconds?: number;
  /** Seconds that a worker may be in one phase before it is given up (default 120). */
  readonly patience?: number;
}

/** Seconds: a long kernel and a worker killed in one look the same from here. */
const PATIENCE = 120;
const served = new WeakSet<Arena>();

export class Pool {
  readonly threads: number;
  /** Rejects with DeviceLost when a thread fails or dies; never resolves. */
  readonly lost: Promise<never>;
  #rejectLost!: (error: DeviceLost) => void;
  #arena: Arena;
  readonly #thread: Thread;
  readonly #crew = new Crew(
    () => this.#thread.driver.announce(),
    (why) => {
      // a worker that failed in a phase ends: its own words tell more
      const running = this.#running;
      if (!this.#disposed) this.#lose(running && this.#broken ? this.#failure(running.program) : why);
    },
  );
  readonly #ids = new FunctionIds();
  readonly #programs = new Programs();
  /** What was started and not joined yet. */
  #running: { readonly program: PoolProgram; readonly job: number } | undefined;
  #error: DeviceLost | undefined;
  #disposed = false;

  private constructor(arena: Arena, setup: ThreadSetup) {
    this.threads = setup.threads;
    this.#arena = arena;
    this.#thread = makeThread(setup);
    this.lost = new Promise<never>((_, reject) => {
      this.#rejectLost = reject;
    });
    // Who wants to know listens; who does not must not end by an unhandled rejection.
    this.lost.catch(() => {});
  }

  /** Starts the workers; resolves when all are ready. Throws DeviceLost where they cannot start. */
  static async open(options: PoolOptions): Promise<Pool> {
    const { arena } = options;
    const threads = options.threads ?? (arena.shared ? defaultThreads() : 1);
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS)
      throw new TensorCoreError(`${threads} threads: a pool has a whole number from 1 to ${MAX_THREADS}.`);
    if (threads > 1 && !arena.shared)
      throw new TensorCoreError(
        `${threads} threads need shared memory and the arena's is not shared; ${hasSharedMemory() ? "make the arena with shared: true" : "this place has none (a web page needs cross-origin isolation), take 1 thread"}.`,
      );
    if (served.has(arena))
      throw new TensorCoreError("This arena already serves a pool; make a new arena for a new pool.");
    served.add(arena);
    const setup: ThreadSetup = {
      memory: arena.memory,
      driver: await driverModule(arena.shared),
      thread: 0,
      threads,
      barrierTurns: 0,
      idleTurns: 0,
      sliceTurns: 1e6,
      patience: options.patience ?? PATIENCE,
      control: CONTROL,
      failureMaxBytes: FAILURE_MAX_BYTES,
    };
    const turns = threads > 1 ? turnsPerMicrosecond(makeThread(setup)) : 1;
    // More threads than cores: who looks keeps the others from working.
    const crowded = threads > defaultThreads();
    const pool = new Pool(arena, {
      ...setup,
      barrierTurns: Math.ceil(turns * (options.barrierMicroseconds ?? (crowded ? 2 : 40))),
      // A browser's coarse clock may tell too many turns for an i32, which would be a negative number and no wait at all.
      sliceTurns: Math.min(2 ** 31 - 1, Math.ceil(turns * 1e6)),
    });
    await pool.#crew.start({
      ...setup,
      barrierTurns: Math.ceil(turns * (options.barrierMicroseconds ?? (crowded ? 2 : 40))),
      idleTurns: Math.ceil(turns * (options.idleMicroseconds ?? (crowded ? 2 : 100))),
    });
    return pool;
  }

  get arena(): Arena {
    return this.#arena;
  }

  get isLost(): boolean {
    return this.#error !== undefined;
  }

  /**
   * Puts a module's functions on all threads; their ids in the order of `exports`. They can be used as soon as this is called:
   * a run waits for threads that are behind.
   */
  async load(module: WebAssembly.Module, exports: readonly string[]): Promise<number[]> {
    this.#check();
    const functions = new Map(WebAssembly.Module.exports(module).map((of) => [of.name, of.kind]));
    for (const name of exports)
      if (functions.get(name) !== "function")
        throw new CompileError(
          `The module has no function "${name}" to load; it has ${[...functions.keys()].join(", ")}.`,
        );
    const { ids, drop } = this.#ids.take(exports.length);
    const load = { module, names: exports, ids };
    try {
      this.#thread.load(load);
    } catch (cause) {
      this.#ids.give(ids);
      throw new CompileError(`The module does not fit the engine: ${text(cause)}`, { cause });
    }
    await this.#crew.post({ kind: "load", drop, load });
    return ids;
  }

  /** Functions no longer needed. Their ids come back with later loads; programs that use them must not run any more. */
  unload(ids: readonly number[]): void {
    this.#thread.drop(ids);
    this.#ids.give(ids);
  }

  /** A list of phases as something to run; its id. It takes a small block of the arena until it is removed. */
  async addProgram(phases: readonly Phase[], counters?: Counters): Promise<number> {
    this.#check();
    return this.#programs.add(this.#arena, phases, counters);
  }

  /** A lost pool gives its programs back too. Throws DisposedError for one that is not there. */
  removeProgram(id: number): void {
    this.settle();
    this.#programs.remove(this.#arena, id);
  }

  /**
   * Runs a program and returns when it is done. `scratches[t]` is thread t's own scratch, `work` the common one. Throws DeviceLost where a thread
   * fails; the pool is lost then.
   */
  run(id: number, scratches: readonly number[], work: number): void {
    this.start(id, scratches, work);
    this.join();
  }

  /**
   * As `run`, but returns while the workers are at it. Until `join` returns, nothing may touch the memory of the program, and nothing is done by
   * this thread; where it is the only one, the program is done at once.
   */
  start(id: number, scratches: readonly number[], work: number): void {
    this.join();
    this.#running = this.#start(this.#program(id), scratches, work);
    if (this.threads === 1) this.join();
  }

  /** Works on what was started until it is done. Throws DeviceLost where a thread fails, or has failed. */
  join(): void {
    const running = this.#running;
    this.#running = undefined;
    if (this.#error) throw this.#error;
    if (running) this.#take(running, OVER);
  }

  /** As `join`, for what must not throw: who has lost the pool hears of it by `lost` and by whatever is asked for next. */
  settle(): void {
    try {
      this.join();
    } catch {}
  }

  /** As `run`; the seconds each phase took on thread 0, the wait for the others included. */
  profile(id: number, scratches: readonly number[], work: number): number[] {
    this.join();
    const running = this.#start(this.#program(id), scratches, work);
    const seconds: number[] = [];
    if (running === undefined) return seconds;
    let last = performance.now();
    for (let i = 1; i <= running.program.phases.length; i++) {
      this.#take(running, i);
      const now = performance.now();
      seconds.push((now - last) / 1000);
      last = now;
    }
    return seconds;
  }

  /**
   * Goes over to another memory, as `Arena.moveTo` made it, with all functions and programs; `translate` maps old addresses to
   * new ones. This thread is over when the call returns, so runs may follow at once; the promise resolves when no thread refers
   * to the old memory any more.
   */
  move(arena: Arena, translate: (address: number) => number): Promise<void> {
    this.#check();
    if (this.#running) throw new TensorCoreError("A pool moves when nothing runs; join first.");
    if (arena.shared !== this.#arena.shared || served.has(arena))
      throw new TensorCoreError("A pool moves to a fresh arena of the same kind, as Arena.moveTo makes it.");
    served.add(arena);
    const posted = this.#crew.post({ kind: "move", memory: arena.memory });
    this.#arena = arena;
    this.#thread.move(arena.memory);
    this.#programs.move(arena, translate);
    // What refers to the old memory is garbage now, but a worker makes too little of it to be collected soon. A message of its
    // own, as Bun looks for references on the stack too and the move's own frames may still hold some.
    const collected = this.#crew.post({ kind: "collect" });
    return Promise.all([posted, collected]).then(() => {});
  }

  /** Ends the workers. The arena's memory is left alone. */
  dispose(): void {
    if (this.#disposed) return;
    this.settle();
    this.#disposed = true;
    this.#thread.driver.quit();
    this.#crew.settle(new DisposedError("The pool was disposed while it still loaded."));
    this.#crew.letGo();
    this.#programs.clear();
  }

  /** undefined where there is nothing to run. */
  #start(
    program: PoolProgram,
    scratches: readonly number[],
    work: number,
  ): { readonly program: PoolProgram; readonly job: number } | undefined {
    if (scratches.length < this.threads)
      throw new TensorCoreError(`${scratches.length} scratches for ${this.threads} threads; give one each.`);
    const count = program.phases.length;
    if (count === 0) return undefined;
    const words = this.#arena.u32;
    for (let t = 0; t < this.threads; t++) words[(CONTROL.scratches >> 2) + t] = scratches[t]!;
    const { counters } = program;
    if (!counters) for (const phase of program.phases) words[phase.counter >>> 2] = 0;
    const job = this.#thread.driver.start(
      program.list,
      count,
      work,
      counters?.address ?? 0,
      4 * (counters?.count ?? 0),
    );
    return { program, job };
  }

  /** Takes part until phase `until` begins. */
  #take({ program, job }: { readonly program: PoolProgram; readonly job: number }, until: number): void {
    let broken: number;
    try {
      broken = this.#thread.driver.phases(job, until);
    } catch (error) {
      this.#thread.fail(error);
      broken = 1;
    }
    if (broken !== 0) throw this.#lose(this.#failure(program));
  }

  get #broken(): boolean {
    return this.#arena.u32[CONTROL.broken >> 2] !== 0;
  }

  #failure(program: PoolProgram): string {
    const words = this.#arena.u32;
    const code = words[CONTROL.broken >> 2]!;
    if (code === STALLED)
      return `A worker of ${this.threads - 1} gave no sign of life for too long; it was killed or hangs`;
    const thread = code - 1;
    const phase = words[(CONTROL.phases >> 2) + 16 * thread]!;
    const bytes = words[CONTROL.failureBytes >> 2]!;
    // A copy: text decoders refuse shared memory.
    const message = new TextDecoder().decode(this.#arena.u8.slice(CONTROL.failure, CONTROL.failure + bytes));
    const label = program.phases[phase]?.label;
    return `Thread ${thread} of ${this.threads} failed in phase ${phase}${label ? ` (${label})` : ""}: ${message}`;
  }

  #lose(why: string): DeviceLost {
    if (this.#error) return this.#error;
    this.#error = new DeviceLost(
      `${why}. The cpu engine is lost; open the device again and resume from a checkpoint.`,
    );
    this.#running = undefined;
    this.#thread.driver.break(1);
    this.#crew.settle(this.#error);
    this.#rejectLost(this.#error);
    this.#crew.end();
    return this.#error;
  }

  #program(id: number): PoolProgram {
    this.#check();
    return this.#programs.find(id);
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("The pool is disposed; open another.");
    if (this.#error) throw this.#error;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
