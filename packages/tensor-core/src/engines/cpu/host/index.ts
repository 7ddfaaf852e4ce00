/** The host side of the cpu engine: memory and threads. Nothing here knows of kernels. */
export { Arena, type ArenaOptions, hasSharedMemory, type Move } from "./arena.ts";
export { type Counters, defaultThreads, type Phase, Pool, type PoolOptions } from "./pool.ts";
