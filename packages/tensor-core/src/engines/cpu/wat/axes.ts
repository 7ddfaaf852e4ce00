/** Which axis runs over lanes, and which is shared among threads. */
import type { Instr, Store } from "../../../kernels/ir.ts";
import { axesOf } from "./access.ts";

/** A load or store of four numbers that do not lie side by side, beside one of four that do. */
const SCATTERED = 5;

/** Time of one point with `axis` over the lanes, in vector operations. */
export function costOf(
  instrs: readonly Instr[],
  stores: readonly Store[],
  axis: number,
  extent: number,
): number {
  const axes = axesOf(instrs, -1);
  const bit = 1 << axis;
  let cost = 0;
  for (const [id, instr] of instrs.entries()) {
    if (instr.op === "const" || (axes[id]! & bit) === 0) continue;
    if (instr.op === "load") {
      const rows = instr.row !== undefined && (axes[instr.row.instr]! & bit) !== 0;
      cost += rows || instr.view.strides[axis]! > 1 ? SCATTERED : 1;
    } else cost += instr.op === "threefry" ? 100 : 1;
  }
  for (const store of stores) {
    const rows = store.row !== undefined && (axes[store.row.instr]! & bit) !== 0;
    cost += rows || store.view.strides[axis] !== 1 ? SCATTERED : 1;
  }
  const turns = Math.floor(extent / 4) + (extent % 4);
  return ((cost + 1) * turns) / extent;
}

/** The axis with the least cost; of equals the last. */
export function cheapest(costs: readonly number[]): number {
  let best = 0;
  for (const [i, cost] of costs.entries()) if (cost <= costs[best]!) best = i;
  return best;
}

/** The axis that threads share: the outermost long one that is not over lanes, else the longest. */
export function sharedAxis(extents: readonly number[], vector: number | undefined): number {
  const long = extents.findIndex((extent, axis) => axis !== vector && extent >= 16);
  if (long >= 0) return long;
  return extents.reduce((best, extent, axis) => (extent > extents[best]! ? axis : best), 0);
}

/** How many vectors a turn takes: several where the body is small, for the loop's own cost and for whole cache lines. */
export function copiesFor(instrs: readonly Instr[], stores: readonly Store[]): number {
  const size = instrs.filter((i) => i.op !== "const").length + stores.length;
  if (instrs.some((i) => i.op === "threefry")) return 1;
  return size <= 10 ? 4 : size <= 20 ? 2 : 1;
}
