/** What every engine asks of a write or a read before it touches a buffer. */
import { FeedError } from "../errors.ts";
import type { EngineBuffer } from "./engine.ts";

/** Throws FeedError where [offset, offset + bytes) is not inside the buffer or not of whole elements. */
export function checkRange(buffer: EngineBuffer, offset: number, bytes: number, what: string): void {
  if (offset >= 0 && bytes >= 0 && offset % 4 === 0 && bytes % 4 === 0 && offset + bytes <= buffer.bytes)
    return;
  throw new FeedError(
    `${what} of ${bytes} bytes at ${offset} does not fit "${buffer.label}" of ${buffer.bytes} bytes; both must be multiples of 4.`,
  );
}
