/** What a kernel becomes: one or more dispatches, each a WGSL text, the buffers it binds and the size of its grid. */
import type { BufferId } from "../../../kernels/ir.ts";

/** Stands for the program's scratch buffer in `Dispatch.bindings`. Scratch holds nothing from one kernel to the next. */
export const SCRATCH: BufferId = -1;

export type Workgroups = readonly [number, number, number];

export interface DispatchBinding {
  /** A buffer of the kernel list, or SCRATCH. Distinct in one dispatch. */
  readonly buffer: BufferId;
  readonly access: "read" | "read_write";
}

export interface Dispatch {
  /** Complete module with one entry point `main`; equal texts share a pipeline, so names in it must not be unique. */
  readonly wgsl: string;
  /** Element i is @group(0) @binding(i). */
  readonly bindings: readonly DispatchBinding[];
  /** Fixed, or from this run's feeds (null: nothing to do). No dimension above 65535: see `grid`. */
  readonly workgroups: Workgroups | ((feeds: Uint32Array) => Workgroups | null);
  /** Contents of the uniform `params`, bound after the buffers (see params.ts). */
  readonly params?: readonly number[];
  /** How many four-byte elements of SCRATCH this dispatch uses. */
  readonly scratchElements?: number;
}

/** What code generators need to know of the device. */
export interface DeviceTraits {
  /** A processor that plays a GPU: few large workgroups that loop are best there. */
  readonly software: boolean;
  /** Lanes of a subgroup, where the device has subgroups and all are of one size. */
  readonly subgroupSize?: number | undefined;
}

const GRID_X = 32768;

/** Lays `count` workgroups out under the 65535 limit of a dimension; `WORKGROUP_INDEX` undoes it in WGSL. */
export function grid(count: number): Workgroups {
  return count <= GRID_X ? [count, 1, 1] : [GRID_X, Math.ceil(count / GRID_X), 1];
}

/** WGSL expression of the linear workgroup number; needs `@builtin(workgroup_id) wid: vec3<u32>`. May be >= count. */
export const WORKGROUP_INDEX = `(wid.y * ${GRID_X}u + wid.x)`;
