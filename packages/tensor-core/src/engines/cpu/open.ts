/** Opens the cpu engine. It needs no driver: WebAssembly and, for more than one thread, shared memory. */
import type { Engine, EngineInfo } from "../engine.ts";
import { CpuEngine } from "./engine.ts";
import { Arena, Pool } from "./host/index.ts";
import { processorName } from "./processor.ts";

export interface CpuOptions {
  /**
   * Threads that work, the caller's among them. Default: one a core. Numbers never depend on it. Where memory cannot be shared
   * (web pages without cross-origin isolation) it is one, whatever is asked for.
   */
  readonly threads?: number;
  /** Pretend that a buffer holds at most so many bytes; for tests of the limit. Never raises it. */
  readonly maxBindingBytes?: number;
}

/** What 32-bit WebAssembly memory can hold, less the engine's own words. */
const MOST_BYTES = 2 ** 32 - 2 ** 20;

/** Distinct buffers a kernel may touch: no limit of WebAssembly, but beyond this their addresses leave the registers. */
const MOST_BUFFERS = 16;

export async function openCpu(options: CpuOptions = {}): Promise<Engine> {
  const arena = new Arena();
  const pool = await Pool.open({ arena, threads: arena.shared ? options.threads : 1 });
  const info: EngineInfo = {
    engine: "cpu",
    adapter: `${processorName()}, ${pool.threads} ${pool.threads === 1 ? "thread" : "threads"}`,
    vendor: "",
    software: false,
    threads: pool.threads,
    maxBindingBytes: Math.min(MOST_BYTES, options.maxBindingBytes ?? Number.POSITIVE_INFINITY),
    maxBuffersPerKernel: MOST_BUFFERS,
    timestamps: false,
  };
  return new CpuEngine(pool, info);
}
