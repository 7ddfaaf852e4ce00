/** A phase: one function that all threads run at once, with a barrier behind it. A kernel is one phase or more. */
import type { BufferId } from "../../../kernels/ir.ts";
import type { Code } from "./code.ts";

/** The byte address of a buffer, as i32 text. */
export type BufferBase = (buffer: BufferId) => string;

/** What a kernel becomes. */
export interface KernelCode {
  readonly phases: readonly Code[];
  /** Bytes of its own that each thread needs. */
  readonly scratch: number;
  /** Bytes that all threads share during the kernel. */
  readonly work: number;
}
