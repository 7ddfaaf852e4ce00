/** A kernel's dispatches, whatever its kind. */
import type { Kernel } from "../../../kernels/ir.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { planGrouped } from "./grouped.ts";
import { planMap } from "./map.ts";
import { planMatmul } from "./matmul.ts";
import { planReduce } from "./reduce.ts";
import { planSegment } from "./segment.ts";

export function planKernel(kernel: Kernel, traits: DeviceTraits): Dispatch[] {
  switch (kernel.kind) {
    case "map":
      return planMap(kernel, traits);
    case "reduce":
      return planReduce(kernel, traits);
    case "matmul":
      return planMatmul(kernel, traits, undefined, { subgroupSize: traits.subgroupSize });
    case "grouped":
      return planGrouped(kernel, traits);
    case "segment":
      return planSegment(kernel, traits);
  }
}
