/** What an engine is: it owns buffers and runs kernel lists. Nothing else in tensor-core knows how. */
import type { HostArray } from "../dtype.ts";
import type { KernelList } from "../kernels/ir.ts";

/** Engines by name: `webgpu` (a GPU through WebGPU), `cpu` (WebAssembly vectors on all cores). */
export type EngineName = "webgpu" | "cpu";

/** What results say about where they were made, and what programs must keep to. */
export interface EngineInfo {
  readonly engine: EngineName;
  /** The adapter's own name, as put into every result. */
  readonly adapter: string;
  readonly vendor: string;
  /** True where the adapter is a processor that plays a GPU (llvmpipe, SwiftShader). */
  readonly software: boolean;
  /** Threads that work; only where the engine has a say in it (`cpu`). */
  readonly threads?: number;
  /** Largest buffer one kernel can bind, in bytes. */
  readonly maxBindingBytes: number;
  /** How many distinct buffers one kernel may touch. */
  readonly maxBuffersPerKernel: number;
  readonly timestamps: boolean;
}

/** Why `openDevice` took the engine that it took. */
export interface EngineChoice {
  /** The reason, fit to follow "because". */
  readonly why: string;
  /** What was wrong with a GPU that was found and passed over. */
  readonly refused?: Error;
}

export interface EngineBuffer {
  readonly bytes: number;
  readonly label: string;
}

/** Seconds one kernel took in a profiled run. */
export interface KernelTime {
  readonly label: string;
  readonly kind: string;
  readonly seconds: number;
}

export interface EngineProgram {
  /**
   * Runs one step. `feeds` is the whole feed buffer (length = the feed buffer's). Buffers are zero when made.
   * Returns at once: the work is queued. `read` names buffers whose content at the end of this very step is wanted; the
   * promises (in the same order) resolve with a copy, later steps do not disturb them. `written`: what differs in `feeds` from the
   * last run or profile, as ascending pairs of the first element and the one behind the last; everything when left out. An engine may take all.
   */
  run(feeds: Uint32Array, read: readonly number[], written?: Uint32Array): Promise<ArrayBuffer>[];
  /** Runs one step and measures each kernel. Uses timestamp queries where the adapter has them, else waits after each kernel. */
  profile(feeds: Uint32Array): Promise<KernelTime[]>;
  /** The engine's own text for each kernel (WGSL, say), for people. */
  sources(): { label: string; text: string }[];
  dispose(): void;
}

/** Buffers on the device and their bytes, padding included. */
export interface EngineMemory {
  readonly buffers: number;
  readonly bytes: number;
}

/** What runs kernel lists; `Device` is its only user. */
export interface Engine {
  readonly info: EngineInfo;
  /** A zeroed buffer. Throws BufferTooLarge over the limits. */
  allocate(bytes: number, label: string): EngineBuffer;
  free(buffer: EngineBuffer): void;
  /** Queued in order with program runs. `offset` in bytes, a multiple of 4. */
  write(buffer: EngineBuffer, data: HostArray, offset?: number): void;
  read(buffer: EngineBuffer, offset?: number, bytes?: number): Promise<ArrayBuffer>;
  /** `variables[i]` backs the buffer spec with variable === i. */
  prepare(list: KernelList, variables: readonly EngineBuffer[]): Promise<EngineProgram>;
  /** Resolves when everything queued so far has run. */
  idle(): Promise<void>;
  memory(): EngineMemory;
  /** Rejects with DeviceLost when the device goes; never resolves otherwise. */
  readonly lost: Promise<never>;
  dispose(): void;
}
