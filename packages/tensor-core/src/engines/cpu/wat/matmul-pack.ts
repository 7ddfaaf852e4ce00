/** Copies blocks of A and B into the order in which the register tile reads them. Transposed operands differ here only. */
import type { MatmulOperand } from "../../../kernels/ir.ts";
import { add, at, type Code, get, i32, times } from "./code.ts";
import { TILE_COLUMNS, TILE_ROWS } from "./matmul-shape.ts";

/** A vector of up to four of the `wanted` numbers `stride` apart, zeros behind them. */
function loadLanes(address: string, offset: number, stride: number, wanted: number): string {
  const count = Math.min(wanted, 4);
  if (count <= 0) return "(v128.const i32x4 0 0 0 0)";
  if (count === 4 && stride === 1) return `(v128.load${at(offset)} ${address})`;
  if (count === 2 && stride === 1) return `(v128.load64_zero${at(offset)} ${address})`;
  let text = `(v128.load32_zero${at(offset)} ${address})`;
  for (let lane = 1; lane < count; lane++)
    text = `(v128.load32_lane${at(offset + lane * stride * 4)} ${lane} ${address} ${text})`;
  return text;
}

/**
 * One panel of B: for each of `depth` (a local) rows of k, TILE_COLUMNS numbers side by side; columns beyond `columns` are zero.
 * `from` and `to` are locals with byte addresses; both are moved.
 */
function packB(code: Code, b: MatmulOperand, columns: number, from: string, to: string, depth: string): void {
  const [, down, across] = b.strides;
  const k = code.keep("i32", "k", get(depth));
  code.block(`(loop ${k}l`, () => {
    for (let half = 0; half < TILE_COLUMNS / 4; half++) {
      const lanes = loadLanes(get(from), half * 4 * across * 4, across, columns - half * 4);
      code.line(`(v128.store${at(half * 16)} ${get(to)} ${lanes})`);
    }
    code.set(from, add(get(from), i32(down * 4)));
    code.set(to, add(get(to), i32(TILE_COLUMNS * 4)));
    code.line(`(br_if ${k}l (local.tee ${k} (i32.sub ${get(k)} ${i32(1)})))`);
  });
}

/** A matrix that is packed: its operand, locals with its address and its number along the batch, and its columns. */
export interface PackedMatrix {
  readonly operand: MatmulOperand;
  readonly address: string;
  readonly item: string;
  readonly columns: number;
}

/** Panel number `panel` (a local) of B, `count` rows of it from row `first` on; the last panel may have fewer columns. Moves `to`. */
export function packPanel(
  code: Code,
  { operand, address, item, columns }: PackedMatrix,
  panel: string,
  first: string,
  to: string,
  count: string,
): void {
  const column = times(get(panel), TILE_COLUMNS);
  const from = code.keep("i32", "from", elementAddress(operand, get(address), get(item), get(first), column));
  const left = columns % TILE_COLUMNS;
  if (left === 0) {
    packB(code, operand, TILE_COLUMNS, from, to, count);
    return;
  }
  code.block(`(if (i32.eq ${get(panel)} ${i32(Math.ceil(columns / TILE_COLUMNS) - 1)})`, () => {
    code.block("(then", () => packB(code, operand, left, from, to, count));
    code.block("(else", () => packB(code, operand, TILE_COLUMNS, from, to, count));
  });
}

/** One panel of A of which only `rows` (an expression, below TILE_ROWS) lie in the buffer: number by number, zeros behind. Moves `from` and `to`. */
export function packTail(
  code: Code,
  a: MatmulOperand,
  rows: string,
  from: string,
  to: string,
  depth: string,
): void {
  const [, down, across] = a.strides;
  const have = code.keep("i32", "have", rows);
  const left = code.keep("i32", "k", get(depth));
  code.block(`(loop ${left}t`, () => {
    for (let i = 0; i < TILE_ROWS; i++) {
      const value = `(i32.load${at(i * down * 4)} ${get(from)})`;
      const there = `(i32.gt_u ${get(have)} ${i32(i)})`;
      code.line(
        `(i32.store${at(i * 4)} ${get(to)} (if (result i32) ${there} (then ${value}) (else ${i32(0)})))`,
      );
    }
    code.set(from, add(get(from), i32(across * 4)));
    code.set(to, add(get(to), i32(TILE_ROWS * 4)));
    code.line(`(br_if ${left}t (local.tee ${left} (i32.sub ${get(left)} ${i32(1)})))`);
  });
}

/** One panel of A: for each of `depth` columns of k, TILE_ROWS numbers; rows beyond `rows` are zero. Moves `from` and `to`. */
export function packA(
  code: Code,
  a: MatmulOperand,
  rows: number,
  from: string,
  to: string,
  depth: string,
): void {
  const [, down, across] = a.strides;
  const left = code.keep("i32", "k", get(depth));
  if (across === 1 && down !== 1) packRows(code, down, rows, from, to, left);
  // what packRows leaves, or all
  code.block(`(block ${left}x (loop ${left}l`, () => {
    code.line(`(br_if ${left}x (i32.eqz ${get(left)}))`);
    code.line(`(v128.store ${get(to)} ${loadLanes(get(from), 0, down, rows)})`);
    const rest = loadLanes(get(from), 4 * down * 4, down, Math.min(rows - 4, 2));
    code.line(`(v128.store64_lane${at(16)} 0 ${get(to)} ${rest})`);
    code.set(from, add(get(from), i32(across * 4)));
    code.set(to, add(get(to), i32(TILE_ROWS * 4)));
    code.set(left, add(get(left), i32(-1)));
    code.line(`(br ${left}l)`);
  });
}

/** Rows of A lie side by side: four columns of k at a time, transposed in registers. */
function packRows(code: Code, stride: number, rows: number, from: string, to: string, left: string): void {
  const zero = "(v128.const i32x4 0 0 0 0)";
  code.block(`(block ${left}rx (loop ${left}r`, () => {
    code.line(`(br_if ${left}rx (i32.lt_u ${get(left)} ${i32(4)}))`);
    const loaded: string[] = [];
    for (let i = 0; i < TILE_ROWS; i++) {
      const value = i < rows ? `(v128.load${at(i * stride * 4)} ${get(from)})` : zero;
      loaded.push(get(code.keep("v128", "r", value)));
    }
    const [r0, r1, r2, r3, r4, r5] = loaded as [string, string, string, string, string, string];
    const low = "0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23";
    const high = "8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31";
    const pair = (order: string, a: string, b: string) =>
      get(code.keep("v128", "t", `(i8x16.shuffle ${order} ${a} ${b})`));
    const [a, b] = [pair(low, r0, r1), pair(high, r0, r1)];
    const [c, d] = [pair(low, r2, r3), pair(high, r2, r3)];
    const [e, f] = [pair(low, r4, r5), pair(high, r4, r5)];
    const firsts = "0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23";
    const seconds = "8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31";
    [
      [firsts, a, c, 0, e],
      [seconds, a, c, 1, e],
      [firsts, b, d, 0, f],
      [seconds, b, d, 1, f],
    ].forEach(([order, x, y, lane, rest], k) => {
      const bytes = k * TILE_ROWS * 4;
      code.line(`(v128.store${at(bytes)} ${get(to)} (i8x16.shuffle ${order} ${x} ${y}))`);
      code.line(`(v128.store64_lane${at(bytes + 16)} ${lane} ${get(to)} ${rest})`);
    });
    code.set(from, add(get(from), i32(16)));
    code.set(to, add(get(to), i32(4 * TILE_ROWS * 4)));
    code.set(left, add(get(left), i32(-4)));
    code.line(`(br ${left}r)`);
  });
}

/** Byte address of element (batch, row, column) of an operand. */
export function elementAddress(
  operand: MatmulOperand,
  base: string,
  batch: string,
  row: string,
  column: string,
): string {
  const [b, r, c] = operand.strides;
  const term = (index: string, stride: number) => (stride === 0 ? i32(0) : times(index, stride * 4));
  const within = add(add(term(batch, b), term(row, r)), term(column, c));
  return add(add(base, i32(operand.offset * 4)), within);
}
