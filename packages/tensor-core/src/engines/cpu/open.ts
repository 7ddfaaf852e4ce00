/** Opens the cpu engine. */
import { NoAdapterError } from "../../errors.ts";
import type { Engine, EngineInfo } from "../engine.ts";
import { CpuEngine } from "./engine.ts";
import { Arena } from "./host/arena.ts";
import { Pool } from "./host/pool.ts";

export interface CpuOptions {
  /** Threads that work, the caller's among them; default: one a core. Numbers never depend on it. */
  readonly threads?: number;
  /** Pretend that a buffer holds at most so many bytes; for tests of the limit. Never raises it. */
  readonly maxBindingBytes?: number;
}
