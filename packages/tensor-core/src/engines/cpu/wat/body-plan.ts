/** What is known of a body of instructions before any loop opens. */
import type { BufferId, Instr, InstrId, Store } from "../../../kernels/ir.ts";
import { accessesOf, axesOf, neededAsValues, type PointerStart, pointerKey } from "./access.ts";
import type { Code } from "./code.ts";

/** Stands among the axes for "all folds are complete". */
export const FOLDED = 1 << 30;

export interface BodyOptions {
  /** The byte address of a buffer, as i32 text. */
  readonly base: (buffer: BufferId) => string;
  /** The text of `acc` instruction `index` in a copy, and the axes that must be open before it is read. */
  readonly acc?: { readonly text: (index: number, copy: number) => string; readonly axes: number };
  /** Instructions that `value` will be asked for. */
  readonly wanted?: readonly InstrId[];
}

export class BodyPlan {
  readonly code: Code;
  readonly instrs: readonly Instr[];
  readonly stores: readonly Store[];
  readonly options: BodyOptions;
  /** Axes that each instruction depends on, as bits. */
  readonly axes: readonly number[];
  /** Needed as a vector, and not only as a row number. */
  readonly needed: readonly boolean[];
  readonly starts: ReadonlyMap<string, PointerStart>;

  constructor(code: Code, instrs: readonly Instr[], stores: readonly Store[], options: BodyOptions) {
    this.code = code;
    this.instrs = instrs;
    this.stores = stores;
    this.options = options;
    this.axes = axesOf(instrs, (options.acc?.axes ?? 0) | FOLDED);
    this.needed = neededAsValues(instrs, [...stores.map((s) => s.value), ...(options.wanted ?? [])]);
    const starts = new Map<string, PointerStart>();
    for (const { view, row, buffer } of accessesOf(instrs, stores)) {
      const key = pointerKey({ view, row, buffer });
      const origin = Math.min(starts.get(key)?.origin ?? Number.POSITIVE_INFINITY, view.offset);
      starts.set(key, { buffer, strides: view.strides, row, origin });
    }
    this.starts = starts;
  }
}
