/** The map kind: one item is one point of the space, or four neighbours of its last axis. */
import type { MapKernel, View } from "../../../kernels/ir.ts";
import { accessesOf, accessKind, type Width, wideValues } from "./accesses.ts";
import { Bindings } from "./bindings.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { Emitter } from "./instructions.ts";
import { moduleText } from "./module-text.ts";
import { Params } from "./params.ts";
import {
  coordinates,
  itemLoop,
  mapStores,
  mapViews,
  mergeAxes,
  mergedExtents,
  mergedStrides,
  viewsOf,
} from "./space.ts";

export function planMap(kernel: MapKernel, traits: DeviceTraits): Dispatch[] {
  const groups = mergeAxes(kernel.space, viewsOf(kernel.instrs, kernel.stores));
  const merge = (view: View): View => ({ offset: view.offset, strides: mergedStrides(view, groups) });
  const space = mergedExtents(kernel.space, groups);
  const instrs = mapViews(kernel.instrs, merge);
  const stores = mapStores(kernel.stores, merge);

  const vectorAxis = space.length - 1;
  const wides = wideValues(instrs, 4, vectorAxis);
  const aligned = stores.every(
    ({ view, row }) => accessKind(view, row, vectorAxis, row !== undefined && wides[row.instr]!) === "wide",
  );
  const width: Width = space[vectorAxis]! % 4 === 0 && aligned ? 4 : 1;

  const bindings = new Bindings(accessesOf(instrs, stores, width, vectorAxis));
  const functions = new Set<string>();
  const params = new Params(traits);
  const axes = space.map((_, axis) => `x${axis}`);
  const emitter = new Emitter({ bindings, width, axes, functions, params });
  const items = space.reduce((n, extent) => n * extent, 1) / width;
  const body = [
    ...coordinates(space, axes, "item", width, params),
    ...emitter.emit(instrs),
    ...emitter.emitStores(stores),
  ];
  const loop = itemLoop(traits, params.u32(items), items, instrs.length + stores.length, body);
  return [
    {
      wgsl: moduleText(bindings, functions, loop.workgroupSize, loop.lines, params),
      params: params.values,
      bindings: bindings.list,
      workgroups: loop.workgroups(items),
    },
  ];
}
