/**
 * What a thread does for one unit of a product: packs its rows of A, runs the register tile over them and packed panels of B, and runs
 * `post` over the sums. The writer of a kernel says which rows and panels a unit has.
 */
import type { Instr, MatmulOperand, Store } from "../../../kernels/ir.ts";
import { cheapest, copiesFor, costOf } from "./axes.ts";
import { Body } from "./body.ts";
import { add, type Code, get, i32, times } from "./code.ts";
import { vectorLoop } from "./loops.ts";
import { elementAddress, packA, packTail } from "./matmul-pack.ts";
import { TILE_COLUMNS, TILE_ROWS } from "./matmul-shape.ts";
import { tileCode } from "./matmul-tile.ts";
import type { BufferBase } from "./phase.ts";

/** Stands for the unit's sums where `post` asks for `acc`. */
const SUMS = -1;

/** Rows and panels of a unit, as locals: from, and one past the last. */
export interface Unit {
  readonly row: string;
  readonly rowEnd: string;
  readonly firstPanel: string;
  readonly lastPanel: string;
}

export interface UnitParts {
  readonly a: MatmulOperand;
  readonly post: readonly Instr[];
  readonly stores: readonly Store[];
  /** Of the product: rows of A in all, columns. */
  readonly m: number;
  readonly n: number;
  /** Most depth of a packed block. */
  readonly depth: number;
  /** Row length of a unit's sums, in numbers. */
  readonly sumStride: number;
  /** True where units begin at any row, not at multiples of TILE_ROWS alone. */
  readonly loose: boolean;
}

export class UnitWriter {
  readonly #code: Code;
  readonly #parts: UnitParts;
  readonly #base: BufferBase;

  constructor(code: Code, parts: UnitParts, base: BufferBase) {
    this.#code = code;
    this.#parts = parts;
    this.#base = base;
  }

  /** A local with the less of an expression and a constant. */
  least(text: string, most: number): string {
    const local = this.#code.keep("i32", "end", text);
    this.#code.line(`(if (i32.gt_u ${get(local)} ${i32(most)}) (then (local.set ${local} ${i32(most)})))`);
    return local;
  }

  /** Packs `count` columns of A from column `first` on, of the unit's rows, to the start of the scratch. `a`: A's address. */
  packRows(a: string, item: string, { row, rowEnd }: Unit, first: string, count: string): void {
    const { depth, m, a: operand, loose } = this.#parts;
    const code = this.#code;
    const at = code.keep("i32", "m", get(row));
    const to = code.keep("i32", "pa", get("$scratch"));
    const from = code.local("i32", "from");
    const target = code.local("i32", "to");
    code.loop(at, TILE_ROWS, this.#roundedEnd(row, rowEnd), () => {
      code.set(from, elementAddress(operand, get(a), get(item), get(at), get(first)));
      code.set(target, get(to));
      const left = m % TILE_ROWS;
      if (left === 0 && !loose) packA(code, operand, TILE_ROWS, from, target, count);
      else {
        code.block(`(if (i32.gt_u ${add(get(at), i32(TILE_ROWS))} ${i32(m)})`, () => {
          code.block("(then", () => {
            if (loose) packTail(code, operand, `(i32.sub ${i32(m)} ${get(at)})`, from, target, count);
            else packA(code, operand, left, from, target, count);
          });
          code.block("(else", () => packA(code, operand, TILE_ROWS, from, target, count));
        });
      }
      code.set(to, add(get(to), i32(TILE_ROWS * depth * 4)));
    });
  }

  /** Where the last tile of rows ends: beyond the unit, maybe. */
  #roundedEnd(row: string, rowEnd: string): string {
    if (this.#parts.m % TILE_ROWS === 0 && !this.#parts.loose) return get(rowEnd);
    const tiles = `(i32.div_u (i32.add (i32.sub ${get(rowEnd)} ${get(row)}) ${i32(TILE_ROWS - 1)}) ${i32(TILE_ROWS)})`;
    return get(this.#code.keep("i32", "tileEnd", add(get(row), times(tiles, TILE_ROWS))));
  }

  /** Adds the packed block to the unit's sums; `firstBlock`: sums start at it. `b`: address of the unit's first packed panel. */
  tiles(firstBlock: boolean, b: string, sums: string, unit: Unit, count: string): void {
    const { depth, sumStride } = this.#parts;
    const { row, rowEnd, firstPanel, lastPanel } = unit;
    const code = this.#code;
    const tile = tileCode(sumStride, firstBlock);
    code.uses(tile);
    const end = this.#roundedEnd(row, rowEnd);
    const panel = code.keep("i32", "p", get(firstPanel));
    const pb = code.keep("i32", "pb", get(b));
    const top = code.keep("i32", "top", get(sums));
    const [at, pa, pc] = [code.local("i32", "m"), code.local("i32", "pa"), code.local("i32", "pc")];
    code.loop(panel, 1, get(lastPanel), () => {
      code.set(at, get(row));
      code.set(pa, get("$scratch"));
      code.set(pc, get(top));
      code.loop(at, TILE_ROWS, end, () => {
        code.line(`(call $${tile.name} ${get(pa)} ${get(pb)} ${get(pc)} ${get(count)})`);
        code.set(pa, add(get(pa), i32(TILE_ROWS * depth * 4)));
        code.set(pc, add(get(pc), i32(TILE_ROWS * sumStride * 4)));
      });
      code.set(pb, add(get(pb), i32(depth * TILE_COLUMNS * 4)));
      code.set(top, add(get(top), i32(TILE_COLUMNS * 4)));
    });
  }

  /** `post` and stores, over the unit's part of the product. `item`: its number along axis 0. */
  finish(sums: string, item: string, { row, rowEnd, firstPanel, lastPanel }: Unit): void {
    const { sumStride, n, m, stores } = this.#parts;
    const code = this.#code;
    const post = this.#parts.post.map(
      (instr): Instr =>
        instr.op === "acc"
          ? { op: "load", dtype: "f32", buffer: SUMS, view: { offset: 0, strides: [0, sumStride, 1] } }
          : instr,
    );
    const column = code.keep("i32", "n", times(get(firstPanel), TILE_COLUMNS));
    const columnEnd = this.least(times(get(lastPanel), TILE_COLUMNS), n);
    // element (row, column) of the product is element (0, 0) of the sums
    const before = times(add(times(get(row), sumStride), get(column)), 4);
    const origin = code.keep("i32", "origin", `(i32.sub ${get(sums)} ${before})`);
    const base: BufferBase = (buffer) => (buffer === SUMS ? get(origin) : this.#base(buffer));
    const body = Body.begin(code, post, stores, { base }).enter(0, item);
    const vector = 1 + cheapest([costOf(post, stores, 1, m), costOf(post, stores, 2, n)]);
    const copies = copiesFor(post, stores);
    const [outer, outerEnd, from, to] =
      vector === 2 ? [row, rowEnd, column, columnEnd] : [column, columnEnd, row, rowEnd];
    const index = code.keep("i32", "i", get(outer));
    code.loop(index, 1, get(outerEnd), () => {
      const inside = body.fork().enter(3 - vector, index);
      vectorLoop(code, { from, to, extent: vector === 2 ? n : m }, copies, (j, width) =>
        inside.fork().enterVector(vector, j, width).store(),
      );
    });
  }
}
