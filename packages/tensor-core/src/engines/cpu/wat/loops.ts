/** The loops around a body: chunks of work that threads take in turn, and the loop over lanes in its widths. */

import type { Width } from "./body.ts";
import { add, type Code, get, i32, times } from "./code.ts";

/** Parameters of every phase: its block of addresses, its chunk counter, the thread's scratch, the scratch of all threads. */
export const PHASE_PARAMS = ["args", "counter", "scratch", "work"] as const;

/**
 * Threads take chunks of [0, extent) in turn until none is left; `body` gets locals with a chunk's bounds. Which thread does
 * which chunk changes nothing about the numbers.
 */
export function chunks(
  code: Code,
  extent: string,
  chunk: number,
  body: (from: string, to: string) => void,
): void {
  const from = code.local("i32", "from");
  const to = code.local("i32", "to");
  code.block("(block $done (loop $take", () => {
    code.set(from, times(`(i32.atomic.rmw.add ${get("$counter")} ${i32(1)})`, chunk));
    code.line(`(br_if $done (i32.ge_u ${get(from)} ${extent}))`);
    const end = add(get(from), i32(chunk));
    code.set(to, end);
    code.line(`(if (i32.gt_u ${get(to)} ${extent}) (then (local.set ${to} ${extent})))`);
    body(from, to);
    code.line("(br $take)");
  });
}

/** Operations on vectors that make a chunk worth its atomic; a few microseconds. */
const CHUNK_WORK = 6000;
const MOST_CHUNKS = 64;

/** Units a chunk: enough work each, and not too few chunks to share. */
export function chunkSize(extent: number, workPerUnit: number, most = MOST_CHUNKS): number {
  const enough = Math.ceil(CHUNK_WORK / Math.max(workPerUnit, 0.01));
  return Math.min(extent, Math.max(enough, Math.ceil(extent / most)));
}

/** Bounds of the loop over lanes: locals, at most `extent` apart, or a number of elements from 0. */
export type Bounds = { readonly from: string; readonly to: string; readonly extent: number } | number;

/** Writes the loop over lanes, widest form first, then what is left. `index` is a local that counts elements. */
export function vectorLoop(
  code: Code,
  bounds: Bounds,
  copies: number,
  body: (index: string, width: Width) => void,
): void {
  const index = code.local("i32", "j");
  const widths: Width[] = [
    { lanes: 4, copies: 1 },
    { lanes: 1, copies: 1 },
  ];
  if (copies > 1) widths.unshift({ lanes: 4, copies });
  if (typeof bounds === "number") {
    let done = 0;
    for (const width of widths) {
      const step = width.lanes * width.copies;
      const turns = Math.floor((bounds - done) / step);
      code.fixedLoop(index, step, done, bounds, () => body(index, width));
      done += turns * step;
    }
    return;
  }
  code.set(index, get(bounds.from));
  for (const width of widths) {
    if (width.lanes * width.copies > bounds.extent) continue;
    code.loop(index, width.lanes * width.copies, get(bounds.to), () => body(index, width));
  }
}
