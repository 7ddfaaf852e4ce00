/**
 * matmul: C = A x B, then `post` on each product. Packed and register-blocked (Goto and van de Geijn, 2008): B is packed once by all
 * threads; then threads take blocks of rows, pack their part of A, and run the register tile over it. Sums of a block stay in the
 * thread's scratch until all of k is in, then `post` runs over them.
 */
import type { Instr, MatmulKernel, ReduceKernel } from "../../../kernels/ir.ts";
import { add, Code, get, i32, times } from "./code.ts";
import { chunkSize, chunks, PHASE_PARAMS } from "./loops.ts";
import { packPanel } from "./matmul-pack.ts";
import { type MatmulShape, matmulShape, panelBytes } from "./matmul-shape.ts";
import { type Unit, UnitWriter } from "./matmul-unit.ts";
import type { BufferBase, KernelCode } from "./phase.ts";
import { reduceCode } from "./reduce.ts";

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

/** Packs all of B, a panel of a block of k a unit, into the shared scratch: [batch or 1, depths, panels]. */
export function packCode({ b }: Pick<MatmulKernel, "b">, shape: PackShape, base: BufferBase): Code {
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
      const matrix = { operand: b, address: start, item: batch, columns: n };
      const target = code.keep("i32", "to", add(get("$work"), times(get(unit), panelBytes(shape))));
      packPanel(code, matrix, panel, first, target, count);
    });
  });
  return code;
}

type BlockShape = Pick<MatmulShape, "depth" | "depths" | "k">;
type PackShape = BlockShape & Pick<MatmulShape, "panels" | "batch" | "sharedB" | "n">;

/** A local with the depth of the block that starts at `first`. */
export function blockDepth(code: Code, first: string, { depth, depths, k }: BlockShape): string {
  const count = code.keep("i32", "depth", i32(depth));
  if (depths * depth !== k) {
    const rest = `(i32.sub ${i32(k)} ${get(first)})`;
    code.line(`(if (i32.lt_u ${rest} ${get(count)}) (then (local.set ${count} ${rest})))`);
  }
  return count;
}

function productCode({ a, post, stores }: MatmulKernel, shape: MatmulShape, base: BufferBase): Code {
  const { batch, rowBlocks, rows, panelBlocks, m, n, depth, sumStride } = shape;
  const code = new Code("phase", PHASE_PARAMS);
  const start = code.keep("i32", "a", base(a.buffer));
  const sums = code.keep("i32", "sums", add(get("$scratch"), i32(rows * depth * 4)));
  const writer = new UnitWriter(code, { a, post, stores, m, n, depth, sumStride, loose: false }, base);
  chunks(code, i32(batch * rowBlocks * panelBlocks), 1, (number) => {
    const { item, unit } = unitOf(code, writer, shape, number);
    sumBlocks(code, writer, shape, { a: start, item, sums, unit });
    writer.finish(sums, item, unit);
  });
  return code;
}

type UnitShape = Pick<MatmulShape, "panelBlocks" | "unitPanels" | "panels" | "rowBlocks" | "rows" | "m">;

/** Which item of the batch, rows and panels unit number `number` (a local) has: panels first, then rows, then items. */
export function unitOf(
  code: Code,
  writer: UnitWriter,
  { panelBlocks, unitPanels, panels, rowBlocks, rows, m }: UnitShape,
  number: string,
): { readonly item: string; readonly unit: Unit } {
  const rest = code.keep("i32", "rest", `(i32.div_u ${get(number)} ${i32(panelBlocks)})`);
  const panel = times(`(i32.rem_u ${get(number)} ${i32(panelBlocks)})`, unitPanels);
  const firstPanel = code.keep("i32", "panel", panel);
  const lastPanel = writer.least(add(get(firstPanel), i32(unitPanels)), panels);
  const item = code.keep("i32", "item", `(i32.div_u ${get(rest)} ${i32(rowBlocks)})`);
  const row = code.keep("i32", "row", times(`(i32.rem_u ${get(rest)} ${i32(rowBlocks)})`, rows));
  const rowEnd = writer.least(add(get(row), i32(rows)), m);
  return { item, unit: { row, rowEnd, firstPanel, lastPanel } };
}

/** Sums a unit over all blocks of k, with B packed by `packCode`. `a`: A's address. */
export function sumBlocks(
  code: Code,
  writer: UnitWriter,
  shape: PackShape,
  {
    a,
    item,
    sums,
    unit,
  }: { readonly a: string; readonly item: string; readonly sums: string; readonly unit: Unit },
): void {
  const { depth, depths, sharedB, panels } = shape;
  const block = code.local("i32", "block");
  code.fixedLoop(block, 1, 0, depths, () => {
    const first = code.keep("i32", "first", times(get(block), depth));
    const count = blockDepth(code, first, shape);
    writer.packRows(a, item, unit, first, count);
    const matrix = sharedB ? get(block) : add(times(get(item), depths), get(block));
    const panel = add(times(matrix, panels), get(unit.firstPanel));
    const b = code.keep("i32", "pb", add(get("$work"), times(panel, panelBytes(shape))));
    if (depths === 1) writer.tiles(true, b, sums, unit, count);
    else {
      code.block(`(if (i32.eqz ${get(block)})`, () => {
        code.block("(then", () => writer.tiles(true, b, sums, unit, count));
        code.block("(else", () => writer.tiles(false, b, sums, unit, count));
      });
    }
  });
}
