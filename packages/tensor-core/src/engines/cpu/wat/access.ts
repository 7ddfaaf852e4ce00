/** Which loops an instruction needs, which instructions are needed as vectors, and which accesses can share a pointer. */
import type { BufferId, Instr, InstrId, RowTerm, Store, View } from "../../../kernels/ir.ts";
import { operandsOf } from "../../../kernels/operands.ts";

/** A load, a store, or an `index` (which counts elements and reads nothing: no buffer). */
export interface Access {
  readonly view: View;
  readonly row?: RowTerm;
  readonly buffer?: BufferId;
}

/** Axes that each instruction depends on, as bits: its own address, and all that its operands depend on. */
export function axesOf(instrs: readonly Instr[], accAxes: number): number[] {
  const result: number[] = [];
  for (const instr of instrs) {
    let bits = operandsOf(instr).reduce((sum, o) => sum | result[o]!, 0);
    if (instr.op === "acc") bits |= accAxes;
    if (instr.op === "load" || instr.op === "index") bits |= axesOfView(instr.view);
    result.push(bits);
  }
  return result;
}

export function axesOfView(view: View): number {
  return view.strides.reduce((bits, stride, axis) => (stride === 0 ? bits : bits | (1 << axis)), 0);
}

/** True for instructions that something needs as a number, not only as a row number in an address. */
export function neededAsValues(instrs: readonly Instr[], roots: readonly InstrId[]): boolean[] {
  const needed = instrs.map(() => false);
  for (const root of roots) needed[root] = true;
  for (let i = instrs.length - 1; i >= 0; i--) {
    const instr = instrs[i]!;
    if (instr.op === "load" || !needed[i]) continue;
    for (const o of operandsOf(instr)) needed[o] = true;
  }
  return needed;
}

/** Accesses of one key differ by a constant at most. */
export function pointerKey({ view, row, buffer }: Access): string {
  return `${buffer ?? "index"}|${view.strides.join()}|${row ? `${row.instr}*${row.stride}` : ""}`;
}

export function accessesOf(instrs: readonly Instr[], stores: readonly Store[]): Access[] {
  return [...instrs.filter((i) => i.op === "load" || i.op === "index"), ...stores];
}

/** Where the accesses of one key start: the smallest of their offsets, in elements. */
export interface PointerStart {
  readonly buffer: BufferId | undefined;
  readonly strides: readonly number[];
  readonly row: RowTerm | undefined;
  readonly origin: number;
}
