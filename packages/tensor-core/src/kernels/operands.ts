/** How instructions hang together. */
import type { Instr, InstrId } from "./ir.ts";

/** Operands of an instruction, rows included. */
export function operandsOf(instr: Instr): InstrId[] {
  switch (instr.op) {
    case "const":
    case "index":
    case "acc":
      return [];
    case "load":
      return instr.row === undefined ? [] : [instr.row.instr];
    case "unary":
    case "cast":
      return [instr.a];
    case "binary":
      return [instr.a, instr.b];
    case "select":
      return [instr.cond, instr.a, instr.b];
    case "threefry":
      return [instr.k0, instr.k1, instr.c0, instr.c1];
  }
}
