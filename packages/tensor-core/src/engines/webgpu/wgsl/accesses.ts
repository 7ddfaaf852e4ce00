/** What instructions and stores touch, and how four neighbours of it lie: known before any text is made. */

import type { Instr, RowTerm, Store, View } from "../../../kernels/ir.ts";
import { operandsOf } from "../../../kernels/operands.ts";
import type { Access } from "./bindings.ts";

/** Values a thread computes at once: one, or four neighbours along one axis. */
export type Width = 1 | 4;

/** The accesses of instructions and stores at a width, for `Bindings`. `base` are values of other instruction arrays: none here. */
export function accessesOf(
  instrs: readonly Instr[],
  stores: readonly Store[],
  width: Width,
  vectorAxis: number,
): Access[] {
  const wides = wideValues(instrs, width, vectorAxis);
  const wide = (view: View, row: RowTerm | undefined): boolean =>
    width === 4 && accessKind(view, row, vectorAxis, row !== undefined && wides[row.instr]!) === "wide";
  return [
    ...instrs.flatMap((instr): Access[] =>
      instr.op === "load"
        ? [{ buffer: instr.buffer, dtype: instr.dtype, write: false, wide: wide(instr.view, instr.row) }]
        : [],
    ),
    ...stores.map((store) => ({
      buffer: store.buffer,
      dtype: store.dtype,
      write: true,
      wide: wide(store.view, store.row),
    })),
  ];
}

/** Which instructions differ between the four lanes. `acc` values are taken to differ. */
export function wideValues(instrs: readonly Instr[], width: Width, vectorAxis: number): boolean[] {
  const wides: boolean[] = [];
  for (const instr of instrs) {
    const moves = (view: View) => (view.strides[vectorAxis] ?? 0) !== 0;
    if (width === 1) wides.push(false);
    else if (instr.op === "index") wides.push(moves(instr.view));
    else if (instr.op === "load")
      wides.push(moves(instr.view) || (instr.row !== undefined && wides[instr.row.instr]!));
    else if (instr.op === "acc") wides.push(true);
    else wides.push(operandsOf(instr).some((operand) => wides[operand]!));
  }
  return wides;
}

/** How the four lanes of an access lie. */
export function accessKind(
  view: View,
  row: RowTerm | undefined,
  vectorAxis: number,
  rowIsWide: boolean,
): "one" | "wide" | "apart" {
  const stride = view.strides[vectorAxis] ?? 0;
  if (rowIsWide) return "apart";
  if (stride === 0) return "one";
  const aligned =
    stride === 1 &&
    view.offset % 4 === 0 &&
    view.strides.every((other, axis) => axis === vectorAxis || other % 4 === 0) &&
    (row === undefined || row.stride % 4 === 0);
  return aligned ? "wide" : "apart";
}
