/**
 * matmul: C = A x B, then `post` on each product. Packed and register-blocked (Goto and van de Geijn, 2008): B is packed once by all
 * threads; then threads take blocks of rows, pack their part of A, and run the register tile over it. Sums of a block stay in the
 * thread's scratch until all of k is in, then `post` runs over them.
 */
import type { Instr, MatmulKernel, ReduceKernel } from "../../../kernels/ir.ts";
import { cheapest, copiesFor, costOf } from "./axes.ts";
import { Body } from "./body.ts";
import { add, Code, get, i32, times } from "./code.ts";
import { chunkSize, chunks, PHASE_PARAMS, vectorLoop } from "./loops.ts";
import { elementAddress, packA, packB } from "./matmul-pack.ts";
import { type MatmulShape, matmulShape, TILE_COLUMNS, TILE_ROWS } from "./matmul-shape.ts";
import { tileCode } from "./matmul-tile.ts";
import type { BufferBase, KernelCode } from "./phase.ts";
import { reduceCode } from "./reduce.ts";

/** Stands for the unit's sums where `post` asks for `acc`. */
const SUMS = -1;
/** Products thinner than this gain nothing from packing. */
const THIN = 4;

export function matmulCode(kernel: MatmulKernel, base: () => BufferBase, threads: number): KernelCode {
  const [, m, n] = kernel.space as [number, number, number];
  if (kernel.k > 0 && (m < THIN || n < THIN || kernel.k < THIN)) {
    return { phases: [reduceCode(asReduce(kernel), "phase", base())], scratch: 0, work: 0 };
  }
  if (kernel.k === 0) {
    return { phases: [reduceCode(asEmptySum(kernel), "phase", base())], scratch: 0, work: 0 };
  }
  const shape = matmulShape(kernel, threads);
  const packed = (shape.sharedB ? 1 : shape.batch) * shape.depths * shape.panels * panelBytes(shape);
  const panelsA = shape.rows * shape.depth * 4;
  const sums = shape.rows * shape.sumStride * 4;
  return {
    phases: [packCode(kernel, shape, base()), productCode(kernel, shape, base())],
    scratch: panelsA + sums,
    work: packed,
  };
}

const panelBytes = ({ depth }: MatmulShape): number => depth * TILE_COLUMNS * 4;

/** The same product as a fold over k. */
function asReduce(kernel: MatmulKernel): ReduceKernel {
  const { a, b } = kernel;
  const instrs: Instr[] = [
    {
      op: "load",
      dtype: "f32",
      buffer: a.buffer,
      view: { offset: a.offset, strides: [a.strides[0], a.strides[1], 0, a.strides[2]] },
    },
    {
      op: "load",
      dtype: "f32",
      buffer: b.buffer,
      view: { offset: b.offset, strides: [b.strides[0], 0, b.strides[2], b.strides[1]] },
    },
    { op: "binary", dtype: "f32", name: "mul", a: 0, b: 1 },
  ];
  const { label, space, stores, post } = kernel;
  const folds = [{ name: "sum", dtype: "f32", value: 2 }] as const;
  return { kind: "reduce", label, space, inner: [kernel.k], instrs, folds, post, stores };
}

/** A product over no k is zero everywhere. */
function asEmptySum({ label, space, stores, post }: MatmulKernel): ReduceKernel {
  const instrs: Instr[] = [{ op: "const", dtype: "f32", value: 0 }];
  const folds = [{ name: "sum", dtype: "f32", value: 0 }] as const;
  return { kind: "reduce", label, space, inner: [1], instrs, folds, post, stores };
}

function packCode({ b }: MatmulKernel, shape: MatmulShape, base: BufferBase): Code {
  const { depth, depths, panels, n } = shape;
  const code = new Code("phase", PHASE_PARAMS);
  const start = code.keep("i32", "b", base(b.buffer));
  const units = (shape.sharedB ? 1 : shape.batch) * depths * panels;
  const size = chunkSize(units, depth * 3);
  chunks(code, i32(units), size, (unit, to) => {
    code.loop(unit, 1, get(to), () => {
      const panel = code.keep("i32", "panel", `(i32.rem_u ${get(unit)} ${i32(panels)})`);
      const rest = code.keep("i32", "rest", `(i32.div_u ${get(unit)} ${i32(panels)})`);
      const block = code.keep("i32", "block", `(i32.rem_u ${get(rest)} ${i32(depths)})`);
      const batch = code.keep("i32", "batch", `(i32.div_u ${get(rest)} ${i32(depths)})`);
      const first = code.keep("i32", "first", times(get(block), depth));
      const count = blockDepth(code, first, shape);
      const column = times(get(panel), TILE_COLUMNS);
      const address = elementAddress(b, get(start), get(batch), get(first), column);
      const from = code.keep("i32", "from", address);
      const target = code.keep("i32", "to", add(get("$work"), times(get(unit), panelBytes(shape))));
      const columns = n % TILE_COLUMNS;
      if (columns === 0) packB(code, b, TILE_COLUMNS, from, target, count);
      else {
        code.block(`(if (i32.eq ${get(panel)} ${i32(panels - 1)})`, () => {
          code.block("(then", () => packB(code, b, columns, from, target, count));
          code.block("(else", () => packB(code, b, TILE_COLUMNS, from, target, count));
        });
      }
    });
  });
  return code;
}

/** A local with the depth of the block that starts at `first`. */
function blockDepth(code: Code, first: string, { depth, depths, k }: MatmulShape): string {
  const count = code.keep("i32", "depth", i32(depth));
  if (depths * depth !== k) {
    const rest = `(i32.sub ${i32(k)} ${get(first)})`;
    code.line(`(if (i32.lt_u ${rest} ${get(count)}) (then (local.set ${count} ${rest})))`);
  }
  return count;
}

function productCode(kernel: MatmulKernel, shape: MatmulShape, base: BufferBase): Code {
  return new ProductWriter(kernel, shape, base).write();
}

class ProductWriter {
  readonly #kernel: MatmulKernel;
  readonly #shape: MatmulShape;
  readonly #base: BufferBase;
  readonly #code = new Code("phase", PHASE_PARAMS);

  constructor(kernel: MatmulKernel, shape: MatmulShape, base: BufferBase) {
    this.#kernel = kernel;
    this.#shape = shape;
    this.#base = base;
  }

  write(): Code {
    const { batch, rowBlocks, rows, panelBlocks, unitPanels, m, panels, depth } = this.#shape;
    const code = this.#code;
    const a = code.keep("i32", "a", this.#base(this.#kernel.a.buffer));
    const sums = code.keep("i32", "sums", add(get("$scratch"), i32(rows * depth * 4)));
    const units = batch * rowBlocks * panelBlocks;
    chunks(code, i32(units), 1, (unit) => {
      const rest = code.keep("i32", "rest", `(i32.div_u ${get(unit)} ${i32(panelBlocks)})`);
      const firstPanel = code.keep(
        "i32",
        "panel",
        times(`(i32.rem_u ${get(unit)} ${i32(panelBlocks)})`, unitPanels),
      );
      const lastPanel = this.#least(add(get(firstPanel), i32(unitPanels)), panels);
      const item = code.keep("i32", "item", `(i32.div_u ${get(rest)} ${i32(rowBlocks)})`);
      const row = code.keep("i32", "row", times(`(i32.rem_u ${get(rest)} ${i32(rowBlocks)})`, rows));
      const rowEnd = this.#least(add(get(row), i32(rows)), m);
      this.#sum(a, sums, item, row, rowEnd, firstPanel, lastPanel);
      this.#finish(sums, item, row, rowEnd, firstPanel, lastPanel);
    });
    return code;
  }

  /** A local with the less of an expression and a constant. */
  #least(text: string, most: number): string {
    const local = this.#code.keep("i32", "end", text);
    this.#code.line(`(if (i32.gt_u ${get(local)} ${i32(most)}) (then (local.set ${local} ${i32(most)})))`);
    return local;
  }

  #sum(
    a: string,
    sums: string,
    item: string,
    row: string,
    rowEnd: string,
    firstPanel: string,
    lastPanel: string,
  ): void {
    const { depth, depths } = this.#shape;
    const code = this.#code;
    const block = code.local("i32", "block");
    code.fixedLoop(block, 1, 0, depths, () => {
      const first = code.keep("i32", "first", times(get(block), depth));
      const count = blockDepth(code, first, this.#shape);
      this.#packRows(a, item, row, rowEnd, first, count);
      const start = this.#shape.sharedB ? get(block) : add(times(get(item), depths), get(block));
      const panelsStart = times(start, this.#shape.panels * panelBytes(this.#shape));
      const b = code.keep("i32", "pb", add(get("$work"), panelsStart));
      if (depths === 1) this.#tiles(true, b, sums, row, rowEnd, firstPanel, lastPanel, count);
      else {
        code.block(`(if (i32.eqz ${get(block)})`, () => {
          code.block("(then", () => this.#tiles(true, b, sums, row, rowEnd, firstPanel, lastPanel, count));
          code.block("(else", () => this.#tiles(false, b, sums, row, rowEnd, firstPanel, lastPanel, count));
        });
      }
    });
  }

  #packRows(a: string, item: string, row: string, rowEnd: string, first: string, count: string): void {
    const { depth, m } = this.#shape;
    const code = this.#code;
    const operand = this.#kernel.a;
    const at = code.keep("i32", "m", get(row));
    const to = code.keep("i32", "pa", get("$scratch"));
    const from = code.local("i32", "from");
    const target = code.local("i32", "to");
    code.loop(at, TILE_ROWS, this.#roundedEnd(row, rowEnd), () => {
      code.set(from, elementAddress(operand, get(a), get(item), get(at), get(first)));
      code.set(target, get(to));
      const left = m % TILE_ROWS;
      if (left === 0) packA(code, operand, TILE_ROWS, from, target, count);
      else {
        code.block(`(if (i32.gt_u ${add(get(at), i32(TILE_ROWS))} ${i32(m)})`, () => {
          code.block("(then", () => packA(code, operand, left, from, target, count));
          code.block("(else", () => packA(code, operand, TILE_ROWS, from, target, count));
        });
      }
      code.set(to, add(get(to), i32(TILE_ROWS * depth * 4)));
    });
  }

  /** Where the last tile of rows ends: beyond the matrix, maybe. */
  #roundedEnd(row: string, rowEnd: string): string {
    if (this.#shape.m % TILE_ROWS === 0) return get(rowEnd);
    const tiles = `(i32.div_u (i32.add (i32.sub ${get(rowEnd)} ${get(row)}) ${i32(TILE_ROWS - 1)}) ${i32(TILE_ROWS)})`;
    return get(this.#code.keep("i32", "tileEnd", add(get(row), times(tiles, TILE_ROWS))));
  }

  #tiles(
    firstBlock: boolean,
    b: string,
    sums: string,
    row: string,
    rowEnd: string,
    firstPanel: string,
    lastPanel: string,
    count: string,
  ): void {
    const { depth, sumStride } = this.#shape;
    const code = this.#code;
    const tile = tileCode(sumStride, firstBlock);
    code.uses(tile);
    const end = this.#roundedEnd(row, rowEnd);
    const panel = code.keep("i32", "p", get(firstPanel));
    const pb = code.keep("i32", "pb", add(get(b), times(get(panel), panelBytes(this.#shape))));
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
      code.set(pb, add(get(pb), i32(panelBytes(this.#shape))));
      code.set(top, add(get(top), i32(TILE_COLUMNS * 4)));
    });
  }

  /** `post` and stores, over the unit's part of the product. */
  #finish(
    sums: string,
    item: string,
    row: string,
    rowEnd: string,
    firstPanel: string,
    lastPanel: string,
  ): void {
    const { sumStride, n, m } = this.#shape;
    const { stores } = this.#kernel;
    const code = this.#code;
    const post = this.#kernel.post.map(
      (instr): Instr =>
        instr.op === "acc"
          ? { op: "load", dtype: "f32", buffer: SUMS, view: { offset: 0, strides: [0, sumStride, 1] } }
          : instr,
    );
    const column = code.keep("i32", "n", times(get(firstPanel), TILE_COLUMNS));
    const columnEnd = this.#least(times(get(lastPanel), TILE_COLUMNS), n);
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
