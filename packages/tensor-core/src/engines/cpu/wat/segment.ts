/**
 * segment: sums rows by a batch plan, runs `post` on each sum and stores (the optimizer's update, say). Lanes run over
 * columns. Runs longer than a piece were summed by the pass before, so no row keeps one thread long.
 */
import type { SegmentKernel } from "../../../kernels/ir.ts";
import { copiesFor, costOf } from "./axes.ts";
import { Body } from "./body.ts";
import { add, at, Code, get, load32, times } from "./code.ts";
import { chunkSize, chunks, PHASE_PARAMS, vectorLoop } from "./loops.ts";
import type { BufferBase } from "./phase.ts";

const ROW = 0;
const COLUMN = 1;

/** Of the largest plan there may be. A batch often touches a tenth of the rows that it could, and those must be shared too. */
const MOST_CHUNKS = 640;

export function segmentCode(kernel: SegmentKernel, name: string, base: BufferBase): Code {
  return new SegmentWriter(kernel, name, base).write();
}

class SegmentWriter {
  readonly #kernel: SegmentKernel;
  readonly #code: Code;
  readonly #feeds: string;
  readonly #base: BufferBase;
  readonly #columns: number;
  #acc: string[][] = [];

  constructor(kernel: SegmentKernel, name: string, base: BufferBase) {
    this.#kernel = kernel;
    this.#base = base;
    this.#code = new Code(name, PHASE_PARAMS);
    this.#feeds = get(this.#code.keep("i32", "feeds", base(kernel.plan.feeds)));
    this.#columns = kernel.space[1]!;
  }

  write(): Code {
    const { plan, pass, folds, instrs, post, stores } = this.#kernel;
    const code = this.#code;
    const body = Body.begin(code, instrs, [], { base: this.#base, wanted: folds.map((f) => f.value) });
    const end = Body.begin(code, post, stores, {
      base: this.#base,
      acc: { text: (index, copy) => get(this.#acc[copy]![index]!), axes: (1 << ROW) | (1 << COLUMN) },
    });
    const pieces = pass === "pieces";
    const count = code.keep("i32", "count", this.#feed(pieces ? plan.pieceCount : plan.count));
    const cost =
      this.#columns *
      (costOf(instrs, [], COLUMN, this.#columns) + costOf(post, stores, COLUMN, this.#columns));
    const size = chunkSize(this.#kernel.space[0]!, cost * (pieces ? 64 : 1), MOST_CHUNKS);
    const copies = Math.min(copiesFor(instrs, []), copiesFor(post, stores));
    chunks(code, get(count), size, (u, to) => {
      code.loop(u, 1, get(to), () => {
        const index = times(get(u), 4);
        // a kernel that only replaces rows has nothing to sum, and its plan need not say where
        const sums = folds.length > 0;
        const bound = (slot: number) => code.keep("i32", "bound", this.#feed(slot, index));
        const from = sums ? bound(pieces ? plan.pieceFrom : plan.offsets) : "";
        const till = sums ? bound(pieces ? plan.pieceTo : plan.offsets + 1) : "";
        const outer = end.fork().enter(ROW, u);
        vectorLoop(code, this.#columns, copies, (column, width) => {
          this.#acc = [];
          for (let copy = 0; copy < width.copies; copy++)
            this.#acc.push(folds.map(() => code.keep("v128", "acc", "(v128.const i32x4 0 0 0 0)")));
          const inside = body.fork().enterVector(COLUMN, column, width);
          if (sums && pieces) this.#positions(inside, from, till, width.copies);
          else if (sums) this.#rowsOrPieces(inside, index, from, till, column, width);
          outer.fork().enterVector(COLUMN, column, width).folded().store();
        });
      });
    });
    return code;
  }

  /** The u32 at an element of the feeds, `index` bytes further. */
  #feed(slot: number, index?: string): string {
    return load32(index === undefined ? this.#feeds : add(this.#feeds, index), slot * 4);
  }

  /** Adds the body of each position in [from, to) of the plan's order. */
  #positions(body: Body, from: string, to: string, copies: number): void {
    const code = this.#code;
    const k = code.keep("i32", "k", get(from));
    code.loop(k, 1, get(to), () => {
      const position = code.keep("i32", "at", this.#feed(this.#kernel.plan.sorted, times(get(k), 4)));
      const inside = body.fork().enter(ROW, position);
      for (let copy = 0; copy < copies; copy++)
        this.#kernel.folds.forEach(({ value }, i) => {
          this.#addTo(copy, i, inside.value(value, copy));
        });
    });
  }

  #rowsOrPieces(
    body: Body,
    index: string,
    from: string,
    to: string,
    column: string,
    width: { readonly lanes: number; readonly copies: number },
  ): void {
    const { plan, folds, partial } = this.#kernel;
    const code = this.#code;
    if (partial === undefined) {
      this.#positions(body, from, to, width.copies);
      return;
    }
    const piece = code.keep("i32", "piece", this.#feed(plan.pieceOffsets, index));
    const last = code.keep("i32", "pieceEnd", this.#feed(plan.pieceOffsets + 1, index));
    code.block(`(if (i32.eq ${get(piece)} ${get(last)})`, () => {
      code.block("(then", () => this.#positions(body, from, to, width.copies));
      code.block("(else", () => {
        const partials = code.keep("i32", "partials", add(this.#base(partial), times(get(column), 4)));
        code.loop(piece, 1, get(last), () => {
          const row = add(get(partials), times(get(piece), this.#columns * folds.length * 4));
          for (let copy = 0; copy < width.copies; copy++) {
            folds.forEach((_, i) => {
              const bytes = (i * this.#columns + copy * width.lanes) * 4;
              const load = width.lanes === 4 ? "v128.load" : "v128.load32_splat";
              this.#addTo(copy, i, `(${load}${at(bytes)} ${row})`);
            });
          }
        });
      });
    });
  }

  #addTo(copy: number, fold: number, value: string): void {
    const acc = this.#acc[copy]![fold]!;
    this.#code.set(acc, `(f32x4.add ${get(acc)} ${value})`);
  }
}
