/**
 * Iteration spaces: fewer axes by merging, and the loop that walks them.
 *
 * Measured on llvmpipe (Mesa 25, 2 cores), w -= 0.1 g over 16M numbers: one number a thread 100 ms, one vec4 a thread 37 ms, a
 * grid-stride loop of 4 x 64 threads 97 ms (each vector of 8 lanes strides through all of memory), consecutive blocks of
 * memory for small workgroups of 16 threads 13 ms. A workgroup costs about 0.7 us there, so few of them. Loops with a
 * constant trip count up to 32 are unrolled: a vec4 sum over 10 then takes 800 ms to compile, 160 ms with a bound from `params`.
 * A GPU gets one item a thread.
 */
import type { Instr, Store, View } from "../../../kernels/ir.ts";
import { type DeviceTraits, grid, WORKGROUP_INDEX, type Workgroups } from "./dispatch.ts";
import type { Params } from "./params.ts";

/** Groups of adjacent axes that every view walks as one; axes of extent 1 vanish. `from` is the views' first axis of these. */
export function mergeAxes(extents: readonly number[], views: readonly View[], from = 0): number[][] {
  const groups: number[][] = [];
  for (let axis = 0; axis < extents.length; axis++) {
    if (extents[axis] === 1) continue;
    const last = groups.at(-1)?.at(-1);
    const joins =
      last !== undefined &&
      views.every((v) => v.strides[from + last] === v.strides[from + axis]! * extents[axis]!);
    if (joins) groups.at(-1)!.push(axis);
    else groups.push([axis]);
  }
  return groups;
}

/** Extents of merged axes; a space of one point has one axis of extent 1. */
export function mergedExtents(extents: readonly number[], groups: readonly number[][]): number[] {
  return groups.length === 0 ? [1] : groups.map((group) => group.reduce((n, axis) => n * extents[axis]!, 1));
}

/** Strides over merged axes (`from` as in mergeAxes). */
export function mergedStrides(view: View, groups: readonly number[][], from = 0): number[] {
  return groups.length === 0 ? [0] : groups.map((group) => view.strides[from + group.at(-1)!]!);
}

export function viewsOf(instrs: readonly Instr[], stores: readonly Store[]): View[] {
  return [
    ...instrs.flatMap((i) => (i.op === "load" || i.op === "index" ? [i.view] : [])),
    ...stores.map((s) => s.view),
  ];
}

export function mapViews(instrs: readonly Instr[], change: (view: View) => View): Instr[] {
  return instrs.map((i) => (i.op === "load" || i.op === "index" ? { ...i, view: change(i.view) } : i));
}

export function mapStores(stores: readonly Store[], change: (view: View) => View): Store[] {
  return stores.map((store) => ({ ...store, view: change(store.view) }));
}

/** Statements that define `names[k]` from the linear number `item`; the last axis is in steps of `step`. */
export function coordinates(
  extents: readonly number[],
  names: readonly string[],
  item: string,
  step: number,
  params: Params,
): string[] {
  const lines: string[] = [];
  let rest = item;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    const last = axis === extents.length - 1;
    const extent = last ? extents[axis]! / step : extents[axis]!;
    const scale = last && step > 1 ? ` * ${step}u` : "";
    if (axis === 0) {
      lines.push(`let ${names[axis]} = ${rest}${scale};`);
    } else if (extent === 1) {
      lines.push(`let ${names[axis]} = 0u;`);
    } else {
      lines.push(...params.divide(rest, extent, `rest${axis}`, `part${axis}`));
      lines.push(`let ${names[axis]} = part${axis}${scale};`);
      rest = `rest${axis}`;
    }
  }
  return lines;
}

export interface ItemLoop {
  readonly workgroupSize: readonly [number, number, number];
  readonly lines: string[];
  /** Workgroups for a number of items (the real one, for counts known only at run time). */
  readonly workgroups: (items: number) => Workgroups;
}

/**
 * Runs `body` for every `item` below `items` (a u32 expression). `most` is the largest number of items there can be, `cost`
 * roughly how many loads and stores an item is.
 */
export function itemLoop(
  traits: DeviceTraits,
  items: string,
  most: number,
  cost: number,
  body: readonly string[],
): ItemLoop {
  if (traits.software) {
    const lanes = 16;
    return {
      workgroupSize: [lanes, 1, 1],
      lines: [
        `let items = ${items};`,
        `let block = ((items + ${lanes - 1}u) / ${lanes}u + nwg.x - 1u) / nwg.x * ${lanes}u;`,
        `let end = min(items, (wid.x + 1u) * block);`,
        `for (var item = wid.x * block + li; item < end; item += ${lanes}u) {`,
        ...body,
        "}",
      ],
      workgroups: (n) => [Math.max(1, Math.min(32, Math.ceil((n * cost) / 512), Math.ceil(n / lanes))), 1, 1],
    };
  }
  const lanes = most >= 1 << 18 ? 256 : 64;
  return {
    workgroupSize: [lanes, 1, 1],
    lines: [
      `let item = ${WORKGROUP_INDEX} * ${lanes}u + li;`,
      `if (item >= ${items}) {`,
      "return;",
      "}",
      ...body,
    ],
    workgroups: (n) => grid(Math.ceil(n / lanes)),
  };
}
