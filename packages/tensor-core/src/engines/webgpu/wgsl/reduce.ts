/**
 * The reduce kind: one thread folds one output, or four neighbouring outputs; the compiler has already split long folds.
 *
 * Order: row-major over the inner axes, as written in ir.ts, with one exception. Where the innermost folded axis is
 * contiguous and the kept one is not, lane l of a vec4 folds the elements l, l+4, l+8, ... and the lanes are joined at the end
 * as (0 + 1) + (2 + 3). Either way the same kernel gives the same bits each time.
 */
import type { Instr, ReduceKernel, View } from "../../../kernels/ir.ts";
import { operandsOf } from "../../../kernels/operands.ts";
import { accessesOf, accessKind, wideValues } from "./accesses.ts";
import { Bindings } from "./bindings.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { foldLanes, foldStart, foldStep } from "./folds.ts";
import { Emitter, type Value } from "./instructions.ts";
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

export function planReduce(kernel: ReduceKernel, traits: DeviceTraits): Dispatch[] {
  const { space, inner, instrs, post, stores } = merged(kernel);
  const keptAxis = space.length - 1;
  const foldedAxis = space.length + inner.length - 1;
  const vector = chooseVector({ space, inner, instrs, post, stores }, keptAxis, foldedAxis);

  const keptWidth = vector === "kept" ? 4 : 1;
  const bodyWidth = vector === "none" ? 1 : 4;
  const bodyAxis = vector === "folded" ? foldedAxis : keptAxis;
  const bindings = new Bindings([
    ...accessesOf(instrs, [], bodyWidth, bodyAxis),
    ...accessesOf(post, stores, keptWidth, keptAxis),
  ]);
  const functions = new Set<string>();
  const params = new Params(traits);
  const spaceAxes = space.map((_, axis) => `x${axis}`);
  const innerAxes = inner.map((_, axis) => `k${axis}`);
  const body = new Emitter({
    bindings,
    width: bodyWidth,
    vectorAxis: bodyAxis,
    axes: [...spaceAxes, ...innerAxes],
    functions,
    params,
  });
  const accWide = bodyWidth === 4;
  const levels = loopLevels(instrs, space.length);

  const lines = [...coordinates(space, spaceAxes, "item", keptWidth, params)];
  for (const [i, fold] of kernel.folds.entries()) {
    lines.push(`var acc${i} = ${foldStart(fold.name, fold.dtype, accWide, functions)};`);
  }
  lines.push(...body.emit(instrs, (id) => levels[id] === 0));
  for (const [axis, extent] of inner.entries()) {
    const step = vector === "folded" && axis === inner.length - 1 ? 4 : 1;
    lines.push(`for (var k${axis} = 0u; k${axis} < ${params.u32(extent)}; k${axis} += ${step}u) {`);
    lines.push(...body.emit(instrs, (id) => levels[id] === axis + 1));
  }
  for (const [i, fold] of kernel.folds.entries()) {
    lines.push(foldStep(fold, `acc${i}`, body.full(fold.value, fold.dtype), accWide, functions));
  }
  lines.push(...inner.map(() => "}"));

  const acc: Value[] = kernel.folds.map((fold, i) => {
    if (vector !== "folded") return { text: `acc${i}`, wide: vector === "kept" };
    lines.push(`let joined${i} = ${foldLanes(fold, `acc${i}`, functions)};`);
    return { text: `joined${i}`, wide: false };
  });
  const after = new Emitter({
    bindings,
    width: keptWidth,
    axes: spaceAxes,
    acc,
    prefix: "p",
    functions,
    params,
  });
  lines.push(...after.emit(post), ...after.emitStores(stores));

  const items = product(space) / keptWidth;
  const cost = (product(inner) * instrs.length) / (vector === "folded" ? 4 : 1) + post.length + stores.length;
  const loop = itemLoop(traits, params.u32(items), items, cost, lines);
  return [
    {
      wgsl: moduleText(bindings, functions, loop.workgroupSize, loop.lines, params),
      params: params.values,
      bindings: bindings.list,
      workgroups: loop.workgroups(items),
    },
  ];
}

type Merged = Pick<ReduceKernel, "space" | "inner" | "instrs" | "post" | "stores">;

function merged(kernel: ReduceKernel): Merged {
  const rank = kernel.space.length;
  const bodyViews = viewsOf(kernel.instrs, []);
  const spaceGroups = mergeAxes(kernel.space, [...bodyViews, ...viewsOf(kernel.post, kernel.stores)]);
  const innerGroups = mergeAxes(kernel.inner, bodyViews, rank);
  const after = (view: View): View => ({ offset: view.offset, strides: mergedStrides(view, spaceGroups) });
  const body = (view: View): View => ({
    offset: view.offset,
    strides: [...mergedStrides(view, spaceGroups), ...mergedStrides(view, innerGroups, rank)],
  });
  return {
    space: mergedExtents(kernel.space, spaceGroups),
    inner: mergedExtents(kernel.inner, innerGroups),
    instrs: mapViews(kernel.instrs, body),
    post: mapViews(kernel.post, after),
    stores: mapStores(kernel.stores, after),
  };
}

/** Along which axis four elements are taken at once: where more of the body's loads are whole vec4s. */
function chooseVector(kernel: Merged, keptAxis: number, foldedAxis: number): "kept" | "folded" | "none" {
  const { space, inner, instrs, stores } = kernel;
  const kept =
    space.at(-1)! % 4 === 0 &&
    stores.every(
      (store) => store.row === undefined && accessKind(store.view, undefined, keptAxis, false) === "wide",
    )
      ? wideLoads(instrs, keptAxis)
      : -1;
  const folded = inner.at(-1)! % 4 === 0 ? wideLoads(instrs, foldedAxis) : 0;
  if (kept >= 0 && kept >= folded) return "kept";
  return folded > 0 ? "folded" : "none";
}

function wideLoads(instrs: readonly Instr[], axis: number): number {
  const wides = wideValues(instrs, 4, axis);
  let count = 0;
  for (const instr of instrs) {
    if (instr.op !== "load") continue;
    const kind = accessKind(instr.view, instr.row, axis, instr.row !== undefined && wides[instr.row.instr]!);
    if (kind === "wide") count++;
    if (kind === "apart") count--;
  }
  return count;
}

/** How many of the inner loops an instruction must be inside of. */
export function loopLevels(instrs: readonly Instr[], firstInner: number): number[] {
  const levels: number[] = [];
  for (const instr of instrs) {
    let level = 0;
    if (instr.op === "load" || instr.op === "index") {
      for (const [axis, stride] of instr.view.strides.entries()) {
        if (axis >= firstInner && stride !== 0) level = axis - firstInner + 1;
      }
    }
    for (const operand of operandsOf(instr)) level = Math.max(level, levels[operand]!);
    levels.push(level);
  }
  return levels;
}

function product(extents: readonly number[]): number {
  return extents.reduce((n, extent) => n * extent, 1);
}
