/** The segment kind: one item is one touched row (or piece) and one column, or four columns. Both passes as in ir.ts. */
import type { SegmentKernel } from "../../../kernels/ir.ts";
import { accessesOf, accessKind, type Width } from "./accesses.ts";
import { type Access, Bindings } from "./bindings.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { foldStart, foldStep } from "./folds.ts";
import { Emitter } from "./instructions.ts";
import { moduleText } from "./module-text.ts";
import { Params } from "./params.ts";
import { loopLevels } from "./reduce.ts";
import { coordinates, itemLoop } from "./space.ts";

export function planSegment(kernel: SegmentKernel, traits: DeviceTraits): Dispatch[] {
  const { plan, folds, instrs, post, stores } = kernel;
  const [most, columns] = kernel.space as readonly [number, number];
  const width: Width =
    columns % 4 === 0 && stores.every(({ view, row }) => accessKind(view, row, 1, false) === "wide") ? 4 : 1;
  const wide = width === 4;

  const planAccess: Access = { buffer: plan.feeds, dtype: "u32", write: false, wide: false };
  const accesses: Access[] = [
    planAccess,
    ...accessesOf(instrs, [], width, 1),
    ...accessesOf(post, stores, width, 1),
  ];
  if (kernel.partial !== undefined) {
    accesses.push({ buffer: kernel.partial, dtype: "f32", write: false, wide });
  }
  const bindings = new Bindings(accesses);
  const functions = new Set<string>();
  const params = new Params(traits);
  const slot = (base: number, index: string): string =>
    bindings.load(plan.feeds, "u32", index === "" ? params.u32(base) : `${params.u32(base)} + ${index}`);

  const body = new Emitter({ bindings, width, axes: ["at", "j"], functions, params });
  const levels = positionLevels(instrs);
  const lines = [
    ...coordinates([most, columns], ["u", "j"], "item", width, params),
    ...folds.map((fold, i) => `var acc${i} = ${foldStart(fold.name, fold.dtype, wide, functions)};`),
    ...body.emit(instrs, (id) => levels[id] === 0),
  ];
  const sumRun = (from: string, to: string): string[] => [
    `let to = ${to};`,
    `for (var k = ${from}; k < to; k += 1u) {`,
    `let at = ${slot(plan.sorted, "k")};`,
    ...body.emit(instrs, (id) => levels[id] !== 0),
    ...folds.map((fold, i) => foldStep(fold, `acc${i}`, body.full(fold.value, fold.dtype), wide, functions)),
    "}",
  ];
  if (kernel.pass === "pieces") {
    lines.push(...sumRun(slot(plan.pieceFrom, "u"), slot(plan.pieceTo, "u")));
  } else if (folds.length > 0) {
    // a kernel that only replaces rows has nothing to sum, and its plan need not say where
    lines.push(
      `let firstPiece = ${slot(plan.pieceOffsets, "u")};`,
      `let lastPiece = ${slot(plan.pieceOffsets, "u + 1u")};`,
      "if (firstPiece == lastPiece) {",
      ...sumRun(slot(plan.offsets, "u"), slot(plan.offsets, "u + 1u")),
      "}",
      ...sumPieces(kernel, bindings, params, wide),
    );
  }

  const acc = folds.map((_, i) => ({ text: `acc${i}`, wide }));
  const after = new Emitter({ bindings, width, axes: ["u", "j"], acc, prefix: "p", functions, params });
  lines.push(...after.emit(post), ...after.emitStores(stores));

  const quads = columns / width;
  const countSlot = kernel.pass === "pieces" ? plan.pieceCount : plan.count;
  const cost = instrs.length + post.length + stores.length;
  const loop = itemLoop(
    traits,
    `min(${slot(countSlot, "")}, ${params.u32(most)}) * ${params.u32(quads)}`,
    most * quads,
    cost,
    lines,
  );
  return [
    {
      wgsl: moduleText(bindings, functions, loop.workgroupSize, loop.lines, params),
      params: params.values,
      bindings: bindings.list,
      workgroups: (feeds) => {
        const count = Math.min(most, feeds[countSlot]!);
        return count === 0 ? null : loop.workgroups(count * quads);
      },
    },
  ];
}

function sumPieces(kernel: SegmentKernel, bindings: Bindings, params: Params, wide: boolean): string[] {
  const { partial, folds } = kernel;
  if (partial === undefined) return [];
  const columns = kernel.space[1]!;
  return [
    "for (var piece = firstPiece; piece < lastPiece; piece += 1u) {",
    ...folds.map((_, i) => {
      const address = `piece * ${params.u32(columns * folds.length)} + ${params.u32(i * columns)} + j`;
      const value = wide
        ? bindings.loadWide(partial, "f32", address)
        : bindings.load(partial, "f32", address);
      return `acc${i} += ${value};`;
    }),
    "}",
  ];
}

/** 0 for instructions that are the same at every position, else 1. */
function positionLevels(instrs: SegmentKernel["instrs"]): number[] {
  // Axis 0 is the position (inner), axis 1 the column (kept): swap them for loopLevels.
  const swapped = instrs.map((i) =>
    i.op === "load" || i.op === "index"
      ? { ...i, view: { offset: 0, strides: [i.view.strides[1]!, i.view.strides[0]!] } }
      : i,
  );
  return loopLevels(swapped, 1);
}
