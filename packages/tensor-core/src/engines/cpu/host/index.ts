/** The host side of the cpu engine: memory and threads. Nothing here knows of kernels. */
export { Arena, type ArenaOptions, hasSharedMemory, type Move } from "./arena.ts";
export { defaultThreads } from "./cores.ts";
export { Pool, type PoolOptions } from "./pool.ts";
export type { Counters, Phase } from "./programs.ts";
