/**
 * The first 64 KiB of the memory: what the threads say to one another. Words that different threads write lie 128 bytes apart,
 * as processors fetch cache lines in pairs.
 */
export const CONTROL_BYTES = 65536;
export const MAX_THREADS = 256;

/** Byte addresses. All words are u32 and start at 0. */
export const CONTROL = {
  /** Changes with everything new: a job, a message, the end. Idle workers wait on it. */
  wake: 0x080,
  idleSleepers: 0x100,
  /** Number of the latest job. Its program follows; thread 0 writes all before `wake` changes. */
  job: 0x180,
  jobList: 0x184,
  jobCount: 0x188,
  jobWork: 0x18c,
  /** Messages posted to each worker so far. */
  messages: 0x190,
  /** Not 0: workers leave. */
  quit: 0x194,
  /** u64: the latest job's number above, its phase and the threads in that below (`driver.ts`). */
  state: 0x280,
  /** Changes when a phase is over. */
  generation: 0x300,
  barrierSleepers: 0x380,
  /** Not 0: the pool is lost, nobody waits for anybody any more. 1 + the thread that failed, or STALLED. */
  broken: 0x400,
  /** Who may write the failure's text. */
  claim: 0x404,
  failureBytes: 0x408,
  failure: 0x800,
  /** u32 a thread. */
  scratches: 0x1000,
  /** u32 every 64 bytes: the phase a thread is in. */
  phases: 0x2000,
} as const;

export const FAILURE_MAX_BYTES = CONTROL.scratches - CONTROL.failure;

/** `broken` where thread 0 gave up waiting. */
export const STALLED = 0xffff;

export type Control = typeof CONTROL;
