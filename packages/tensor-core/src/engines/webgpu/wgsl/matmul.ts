/**
 * Which matmul a kernel gets. Two families, each in a file that says what was tried:
 *
 *   lanes, registers   a processor that plays a GPU (matmul-lanes.ts); with and without subgroups
 *   tile64, tile32     GPUs, with k split where tiles are few (matmul-tiles.ts)
 *
 * All take any strides, any m, n, k and batch, and give the same bits on every run: no atomics, fixed order of sums.
 */
import type { KernelList, MatmulKernel } from "../../../kernels/ir.ts";
import type { EngineInfo } from "../../engine.ts";
import type { Dispatch } from "./dispatch.ts";
import { chooseLanesShape, DEFAULT_LANES, lanesMatmul } from "./matmul-lanes.ts";
import { chooseTileShape, tiledMatmul } from "./matmul-tiles.ts";

export type MatmulFamily = "lanes" | "registers" | "tile64" | "tile32";

export interface MatmulOptions {
  /**
   * Lanes of a subgroup, where the device has the feature "subgroups" and all its subgroups are of one size
   * (subgroupMinSize equals subgroupMaxSize); else undefined.
   */
  readonly subgroupSize?: number | undefined;
  /** For tests and benchmarks: this family instead of the chosen one. */
  readonly family?: MatmulFamily;
  /** For tests and benchmarks: this many splits of k in a tile family. */
  readonly splits?: number;
}

/**
 * The dispatches of a matmul, in order. `list` is not read today: shapes and strides say all.
 * "lanes" needs the device feature "subgroups", so it is chosen only when `subgroupSize` is given.
 */
export function planMatmul(
  kernel: MatmulKernel,
  info: Pick<EngineInfo, "software">,
  _list?: KernelList,
  options: MatmulOptions = {},
): Dispatch[] {
  const { subgroupSize } = options;
  // Tiny subgroups share too little; large ones are not what a processor has.
  const subgroups = subgroupSize !== undefined && subgroupSize >= 4 && subgroupSize <= 64;
  const chosen = chooseTileShape(kernel);
  const family =
    options.family ?? (info.software ? (subgroups ? "lanes" : "registers") : (`tile${chosen.tile}` as const));
  switch (family) {
    case "lanes":
    case "registers": {
      const broadcast = family === "lanes";
      const lanes = { lanes: broadcast ? (subgroupSize ?? DEFAULT_LANES) : DEFAULT_LANES, broadcast };
      return lanesMatmul(kernel, chooseLanesShape(kernel, lanes), lanes);
    }
    case "tile64":
    case "tile32":
      return tiledMatmul(kernel, {
        tile: family === "tile64" ? 64 : 32,
        splits: options.splits ?? chosen.splits,
      });
  }
}
