/**
 * grouped: products of touched rows with a matrix for each group of them, by the same register tile as matmul. Where groups begin is known
 * at run time alone: every thread looks the bounds up in the plan's rows first, into its own scratch.
 *
 *   rows     phase 1 packs all of B; then a unit is a block of rows of one group
 *   groups   a unit is a block of one group's product, over all of its touched rows; it packs its part of B itself
 */
import type { GroupedKernel } from "../../../kernels/ir.ts";
import { add, at, Code, get, i32, load32, times } from "./code.ts";
import { chunks, PHASE_PARAMS } from "./loops.ts";
import { packCode, sumBlocks, unitOf } from "./matmul.ts";
import { packPanel } from "./matmul-pack.ts";
import { blocksOf, MOST_ROWS, panelBytes, TILE_COLUMNS, TILE_ROWS } from "./matmul-shape.ts";
import { UnitWriter } from "./matmul-unit.ts";
import type { BufferBase, KernelCode } from "./phase.ts";

export function groupedCode(kernel: GroupedKernel, base: () => BufferBase, threads: number): KernelCode {
  return kernel.form === "rows" ? rowsCode(kernel, base) : groupsCode(kernel, base, threads);
}

/** Bytes of the table of groups: bounds as places in the plan, then the units before each group. */
const tableBytes = ({ bounds }: GroupedKernel): number => 2 * bounds.length * 4;

function rowsCode(kernel: GroupedKernel, base: () => BufferBase): KernelCode {
  const { k, a, b, bounds, post, stores } = kernel;
  const [, m, n] = kernel.space as [number, number, number];
  const panels = Math.ceil(n / TILE_COLUMNS);
  const rows = MOST_ROWS;
  const sumStride = panels * TILE_COLUMNS;
  const shape = { batch: bounds.length - 1, n, k, panels, sharedB: b.strides[0] === 0, ...blocksOf(k) };
  const { depth, depths } = shape;
  const ofBase = base();
  const pack = packCode({ b }, shape, ofBase);

  const code = new Code("phase", PHASE_PARAMS);
  const own = base();
  const start = code.keep("i32", "a", own(a.buffer));
  const sums = code.keep("i32", "sums", add(get("$scratch"), i32(rows * depth * 4)));
  const table = code.keep("i32", "table", add(get(sums), i32(rows * sumStride * 4)));
  // every group reads the one A, and the product is one matrix
  const operand = { ...a, strides: [0, a.strides[1], a.strides[2]] as const };
  const writer = new UnitWriter(code, { a: operand, post, stores, m, n, depth, sumStride, loose: true }, own);
  const zero = code.keep("i32", "zero", i32(0));
  const total = writeTable(code, kernel, own, table, rows);
  const group = code.local("i32", "group");
  const firstPanel = code.keep("i32", "panel", i32(0));
  const lastPanel = code.keep("i32", "panelEnd", i32(panels));
  chunks(code, get(total), 1, (number) => {
    code.set(group, i32(0));
    const entry = add(get(table), times(get(group), 4));
    const before = (next: number) => load32(entry, (bounds.length + next) * 4);
    code.block("(block $found (loop $next", () => {
      code.line(`(br_if $found (i32.gt_u ${before(1)} ${get(number)}))`);
      code.set(group, add(get(group), i32(1)));
      code.line("(br $next)");
    });
    const blocks = times(`(i32.sub ${get(number)} ${before(0)})`, rows);
    const row = code.keep("i32", "row", add(load32(entry), blocks));
    const rowEnd = code.keep("i32", "end", add(get(row), i32(rows)));
    const groupEnd = load32(entry, 4);
    code.line(`(if (i32.gt_u ${get(rowEnd)} ${groupEnd}) (then (local.set ${rowEnd} ${groupEnd})))`);
    const unit = { row, rowEnd, firstPanel, lastPanel };
    sumBlocks(code, writer, shape, { a: start, item: group, sums, unit });
    writer.finish(sums, zero, unit);
  });
  return {
    phases: [pack, code],
    scratch: rows * depth * 4 + rows * sumStride * 4 + tableBytes(kernel),
    work: (shape.sharedB ? 1 : shape.batch) * depths * panels * panelBytes(shape),
  };
}

/** Fills the table of groups. Gives a local with the number of all blocks of `rows` rows. */
function writeTable(
  code: Code,
  { plan, bounds }: GroupedKernel,
  base: BufferBase,
  table: string,
  rows: number,
): string {
  const feeds = code.keep("i32", "feeds", base(plan.feeds));
  const count = code.keep("i32", "count", load32(get(feeds), plan.count * 4));
  const list = code.keep("i32", "list", add(get(feeds), i32(plan.rows * 4)));
  const search = lowerBound();
  code.uses(search);
  const total = code.keep("i32", "total", i32(0));
  bounds.forEach((bound, g) => {
    const to = add(get(table), i32(g * 4));
    code.line(`(call $${search.name} ${get(list)} ${get(count)} ${i32(bound)} ${to})`);
    if (g > 0) {
      const length = `(i32.sub ${load32(get(table), g * 4)} ${load32(get(table), (g - 1) * 4)})`;
      const blocks = `(i32.div_u ${add(length, i32(rows - 1))} ${i32(rows)})`;
      code.set(total, add(get(total), blocks));
    }
    code.line(`(i32.store${at((bounds.length + g) * 4)} ${get(table)} ${get(total)})`);
  });
  return total;
}

/** Stores at `to` how many of the `count` rising numbers of `list` are below `bound`. */
function lowerBound(): Code {
  const code = new Code("lower_bound", ["list", "count", "bound", "to"]);
  const low = code.keep("i32", "low", i32(0));
  const high = code.keep("i32", "high", get("$count"));
  const middle = code.local("i32", "middle");
  code.block("(block $done (loop $halve", () => {
    code.line(`(br_if $done (i32.ge_u ${get(low)} ${get(high)}))`);
    code.set(middle, `(i32.shr_u ${add(get(low), get(high))} ${i32(1)})`);
    const value = load32(add(get("$list"), times(get(middle), 4)));
    code.block(`(if (i32.lt_u ${value} ${get("$bound")})`, () => {
      code.line(`(then (local.set ${low} ${add(get(middle), i32(1))}))`);
      code.line(`(else (local.set ${high} ${get(middle)}))`);
    });
    code.line("(br $halve)");
  });
  code.line(`(i32.store ${get("$to")} ${get(low)})`);
  return code;
}

function groupsCode(kernel: GroupedKernel, base: () => BufferBase, threads: number): KernelCode {
  const { a, b, post, stores } = kernel;
  const [groups, m, n] = kernel.space as [number, number, number];
  const panels = Math.ceil(n / TILE_COLUMNS);
  const rows = Math.min(MOST_ROWS, TILE_ROWS * Math.ceil(m / TILE_ROWS));
  const rowBlocks = Math.ceil(m / rows);
  // one group may have most of the rows: several units each, so that threads can share it
  const wanted = threads === 1 ? 1 : Math.min(panels, 2 * threads);
  const unitPanels = Math.ceil(panels / wanted);
  const panelBlocks = Math.ceil(panels / unitPanels);
  const sumStride = unitPanels * TILE_COLUMNS;
  const { depth } = blocksOf(Math.max(1, kernel.k));
  const shape = { panelBlocks, unitPanels, panels, rowBlocks, rows, m };
  const bytesA = rows * depth * 4;
  const bytesSums = rows * sumStride * 4;

  const code = new Code("phase", PHASE_PARAMS);
  const own = base();
  const startA = code.keep("i32", "a", own(a.buffer));
  const startB = code.keep("i32", "b", own(b.buffer));
  const sums = code.keep("i32", "sums", add(get("$scratch"), i32(bytesA)));
  const table = code.keep("i32", "table", add(get(sums), i32(bytesSums)));
  const packed = code.keep("i32", "packed", add(get(table), i32(tableBytes(kernel))));
  const operand = { ...a, strides: [0, a.strides[1], a.strides[2]] as const };
  const writer = new UnitWriter(
    code,
    { a: operand, post, stores, m, n, depth, sumStride, loose: false },
    own,
  );
  writeTable(code, kernel, own, table, MOST_ROWS);
  const zero = code.keep("i32", "zero", i32(0));
  chunks(code, i32(groups * rowBlocks * panelBlocks), 1, (number) => {
    const { item: group, unit } = unitOf(code, writer, shape, number);
    const { firstPanel, lastPanel } = unit;
    // a group without touched rows has a product all the same
    code.line(`(memory.fill ${get(sums)} ${i32(0)} ${i32(bytesSums)})`);
    const entry = add(get(table), times(get(group), 4));
    const first = code.keep("i32", "first", load32(entry));
    const end = code.keep("i32", "last", load32(entry, 4));
    const count = code.local("i32", "depth");
    const to = code.local("i32", "to");
    const at = code.local("i32", "p");
    code.block("(block $summed (loop $block", () => {
      code.line(`(br_if $summed (i32.ge_u ${get(first)} ${get(end)}))`);
      code.set(count, `(i32.sub ${get(end)} ${get(first)})`);
      code.line(`(if (i32.gt_u ${get(count)} ${i32(depth)}) (then (local.set ${count} ${i32(depth)})))`);
      writer.packRows(startA, zero, unit, first, count);
      const next = code.keep("i32", "next", get(packed));
      code.set(at, get(firstPanel));
      code.loop(at, 1, get(lastPanel), () => {
        code.set(to, get(next));
        const matrix = { operand: b, address: startB, item: zero, columns: n };
        packPanel(code, matrix, at, first, to, count);
        code.set(next, add(get(next), i32(panelBytes({ depth }))));
      });
      writer.tiles(false, packed, sums, unit, count);
      code.set(first, add(get(first), i32(depth)));
      code.line("(br $block)");
    });
    writer.finish(sums, group, unit);
  });
  const bytesB = unitPanels * panelBytes({ depth });
  return { phases: [code], scratch: bytesA + bytesSums + tableBytes(kernel) + bytesB, work: 0 };
}
