/**
 * Matmul for real GPUs: a workgroup makes a tile x tile block of C from panels in workgroup memory, 16 steps of k at a time.
 *
 *   tile64   64 x 64, 128 threads, 8 x 4 numbers a thread: the usual case
 *   tile32   32 x 32, 64 threads, 4 x 4 a thread: where 64 x 64 would leave the GPU's cores idle
 *
 * Either can split k (few tiles, long k: the gradients of weights): workgroups write partial sums to scratch, and a second
 * dispatch adds them in order and runs `post`. No atomics, so the same input gives the same bits.
 *
 * Each thread carries one 4 x 4 block of A or of B to workgroup memory in four vec4 loads along the operand's unit stride, so the four
 * combinations of transposed operands differ in load addresses only. The next panel is loaded to registers while this one is
 * multiplied. The vec4 of row group g and step s lies at s * groups + (g ^ (s / 4)): without the exclusive or, the four
 * writes of a transposed block would meet in the same memory banks.
 *
 * Written by public know-how and tested for its results on a software device; its speed on a GPU is not yet measured.
 */
import type { MatmulKernel, MatmulOperand } from "../../../kernels/ir.ts";
import { accessesOf } from "./accesses.ts";
import { type Access, Bindings } from "./bindings.ts";
import { type Dispatch, grid, SCRATCH, WORKGROUP_INDEX } from "./dispatch.ts";
import { emitPoint } from "./instructions.ts";
import { moduleText } from "./module-text.ts";

export interface TileShape {
  readonly tile: 32 | 64;
  /** Workgroups that share the k of one tile; 1: no second dispatch. */
  readonly splits: number;
}

/** Steps of k in workgroup memory. */
const DEPTH = 16;
/** Below this many workgroups a large GPU has idle cores. */
const ENOUGH_TILES = 256;
const LEAST_SPLIT = 128;
const MAX_SPLITS = 64;
const POST_THREADS = 64;

export function chooseTileShape(kernel: MatmulKernel): TileShape {
  const [batch, m, n] = extents(kernel);
  const tilesOf = (tile: number) => batch * Math.ceil(m / tile) * Math.ceil(n / tile);
  // A 64 tile half outside the matrix does the work of a 32 tile at twice the cost.
  const tile = tilesOf(64) >= ENOUGH_TILES && m > 32 && n > 32 ? 64 : 32;
  const wanted = Math.floor(ENOUGH_TILES / tilesOf(tile));
  return { tile, splits: Math.max(1, Math.min(wanted, Math.floor(kernel.k / LEAST_SPLIT), MAX_SPLITS)) };
}

export function tiledMatmul(kernel: MatmulKernel, shape: TileShape): Dispatch[] {
  // Splits are whole panels: fewer than asked for may be left.
  const chunk = Math.ceil(Math.ceil(kernel.k / shape.splits) / DEPTH) * DEPTH;
  const splits = kernel.k === 0 ? 1 : Math.ceil(kernel.k / chunk);
  const product = productDispatch(kernel, shape.tile, chunk, splits);
  return splits === 1 ? [product] : [product, postDispatch(kernel, splits)];
}

function productDispatch(kernel: MatmulKernel, tile: 32 | 64, chunk: number, splits: number): Dispatch {
  const [batch, m, n] = extents(kernel);
  const { k } = kernel;
  const groups = tile / 4;
  const half = groups * (DEPTH / 4);
  const threads = half * 2;
  /** Threads along n hold one group of four columns each; along m a thread holds `rowGroups` groups of four rows. */
  const rowGroups = tile === 64 ? 2 : 1;
  const threadRows = groups / rowGroups;
  const [mTiles, nTiles] = [Math.ceil(m / tile), Math.ceil(n / tile)];
  const count = mTiles * nTiles * batch * splits;
  const partial = splits > 1;

  const a = panelSide(kernel.a, 1, 2, m, k);
  const b = panelSide(kernel.b, 2, 1, n, k);
  const width = n % 4 === 0 ? 4 : 1;
  const bindings = new Bindings([
    ...(k === 0 ? [] : [a, b]).map(
      ({ buffer, wide }): Access => ({ buffer, dtype: "f32", write: false, wide }),
    ),
    ...(partial
      ? [{ buffer: SCRATCH, dtype: "f32" as const, write: true, wide: width === 4 }]
      : accessesOf(kernel.post, kernel.stores, width, 2)),
  ]);
  const functions = new Set<string>();
  const lines = [
    `let index = ${WORKGROUP_INDEX};`,
    `if (index >= ${count}u) { return; }`,
    `let n0 = index % ${nTiles}u * ${tile}u;`,
    `let m0 = index / ${nTiles}u % ${mTiles}u * ${tile}u;`,
    `let batch = index / ${nTiles * mTiles}u % ${batch}u;`,
    `let split = index / ${nTiles * mTiles * batch}u;`,
    `let tx = li % ${groups}u;`,
    `let ty = li / ${groups}u;`,
  ];
  const accumulators = Array.from({ length: rowGroups * 4 }, (_, i) => i);
  lines.push(...accumulators.map((i) => `var c${i} = vec4<f32>();`));
  if (k > 0) {
    lines.push(
      `let begin = split * ${chunk}u;`,
      `let end = min(begin + ${chunk}u, ${k}u);`,
      `let isA = li < ${half}u;`,
      `let id = li % ${half}u;`,
      // Which block this thread carries: neighbours in id are neighbours along the unit stride.
      `let blockA = ${blockOf(a, groups)};`,
      `let blockB = ${blockOf(b, groups)};`,
      "let block = select(blockB, blockA, isA);",
      `let slot = select(${DEPTH * groups}u, 0u, isA) + block.y * ${4 * groups}u + (block.x ^ block.y);`,
      "var v0 = vec4<f32>();",
      "var v1 = vec4<f32>();",
      "var v2 = vec4<f32>();",
      "var v3 = vec4<f32>();",
      // One turn more than panels: each loads its panel to registers while the panel before is multiplied.
      `for (var k0 = begin; k0 < end + ${DEPTH}u; k0 += ${DEPTH}u) {`,
      "if (k0 < end) {",
      ...loadBlock(bindings, a, b),
      "}",
      "if (k0 > begin) {",
      `for (var s = 0u; s < ${DEPTH}u; s++) {`,
      "let swap = s >> 2u;",
      `let w = panels[${DEPTH * groups}u + s * ${groups}u + (tx ^ swap)];`,
    );
    for (let g = 0; g < rowGroups; g++) {
      lines.push(`let r${g} = panels[s * ${groups}u + ((ty + ${g * threadRows}u) ^ swap)];`);
      for (let i = 0; i < 4; i++) {
        const c = `c${g * 4 + i}`;
        lines.push(`${c} = fma(vec4<f32>(r${g}[${i}]), w, ${c});`);
      }
    }
    lines.push(
      "}",
      "}",
      "workgroupBarrier();",
      ...[0, 1, 2, 3].map((i) => `panels[slot + ${i * groups}u] = v${i};`),
      "workgroupBarrier();",
      "}",
    );
  }
  lines.push("let col = n0 + tx * 4u;");
  for (const i of accumulators) {
    const row = `row${i}`;
    lines.push(
      `let ${row} = m0 + (ty + ${Math.floor(i / 4) * threadRows}u) * 4u + ${i % 4}u;`,
      `if (${row} < ${m}u) {`,
    );
    for (const lane of width === 4 ? [0] : [0, 1, 2, 3]) {
      const column = width === 4 ? "col" : `(col + ${lane}u)`;
      const value = width === 4 ? `c${i}` : `c${i}[${lane}]`;
      lines.push(`if (${column} < ${n}u) {`);
      if (partial) {
        const address = `((split * ${batch}u + batch) * ${m}u + ${row}) * ${n}u + ${column}`;
        lines.push(
          width === 4
            ? bindings.storeWide(SCRATCH, "f32", address, value)
            : bindings.store(SCRATCH, "f32", address, value),
        );
      } else {
        lines.push(
          ...emitPoint(kernel, {
            bindings,
            width,
            axes: ["batch", row, column],
            acc: [{ text: value, wide: width === 4 }],
            functions,
          }),
        );
      }
      lines.push("}");
    }
    lines.push("}");
  }
  const panels = `var<workgroup> panels: array<vec4<f32>, ${2 * DEPTH * groups}>;\n`;
  return {
    wgsl: (k > 0 ? panels : "") + moduleText(bindings, functions, [threads, 1, 1], lines),
    bindings: bindings.list,
    workgroups: grid(count),
    ...(partial ? { scratchElements: splits * batch * m * n } : {}),
  };
}

/** Adds the partial sums of the splits in order, then `post`: one thread a point. */
function postDispatch(kernel: MatmulKernel, splits: number): Dispatch {
  const [batch, m, n] = extents(kernel);
  const points = batch * m * n;
  const count = Math.ceil(points / POST_THREADS);
  const bindings = new Bindings([
    { buffer: SCRATCH, dtype: "f32", write: false, wide: false },
    ...accessesOf(kernel.post, kernel.stores, 1, 2),
  ]);
  const functions = new Set<string>();
  const lines = [
    `let point = ${WORKGROUP_INDEX} * ${POST_THREADS}u + li;`,
    `if (point >= ${points}u) { return; }`,
    "var sum = 0.0;",
    `for (var split = 0u; split < ${splits}u; split++) {`,
    `sum += ${bindings.load(SCRATCH, "f32", `split * ${points}u + point`)};`,
    "}",
    `let col = point % ${n}u;`,
    `let row = point / ${n}u % ${m}u;`,
    `let batch = point / ${m * n}u;`,
    ...emitPoint(kernel, {
      bindings,
      width: 1,
      axes: ["batch", "row", "col"],
      acc: [{ text: "sum", wide: false }],
      functions,
    }),
  ];
  return {
    wgsl: moduleText(bindings, functions, [POST_THREADS, 1, 1], lines),
    bindings: bindings.list,
    workgroups: grid(count),
    scratchElements: splits * points,
  };
}

/** An operand as its panel sees it: `side` is m of A, n of B. */
interface PanelSide {
  readonly buffer: number;
  readonly offset: number;
  readonly batch: number;
  readonly sideStride: number;
  readonly innerStride: number;
  readonly extent: number;
  readonly alongK: boolean;
  /** Four neighbours along the unit stride are one aligned vec4, and no vec4 hangs over the edge. */
  readonly wide: boolean;
}

function panelSide(operand: MatmulOperand, side: 1 | 2, inner: 1 | 2, extent: number, k: number): PanelSide {
  const [sideStride, innerStride] = [operand.strides[side], operand.strides[inner]];
  const alongK = innerStride === 1 && !(sideStride === 1 && extent % 4 === 0 && k % 4 !== 0);
  const [unit, across, length] = alongK ? [innerStride, sideStride, k] : [sideStride, innerStride, extent];
  const wide =
    unit === 1 && [across, length, operand.offset, operand.strides[0]].every((value) => value % 4 === 0);
  return {
    buffer: operand.buffer,
    offset: operand.offset,
    batch: operand.strides[0],
    sideStride,
    innerStride,
    extent,
    alongK,
    wide,
  };
}

/** vec2(group of four along the side, group of four along k) of block `id`. */
function blockOf(of: PanelSide, groups: number): string {
  const depth = DEPTH / 4;
  return of.alongK
    ? `vec2<u32>(id / ${depth}u, id % ${depth}u)`
    : `vec2<u32>(id % ${groups}u, id / ${groups}u)`;
}

/** Fills v0..v3: vI holds four neighbours along the side at step I of the block. Beyond the edges zeros: k must not add garbage. */
function loadBlock(bindings: Bindings, a: PanelSide, b: PanelSide): string[] {
  return ["if (isA) {", ...loadSide(bindings, a, "m0"), "} else {", ...loadSide(bindings, b, "n0"), "}"];
}

function loadSide(bindings: Bindings, of: PanelSide, origin: string): string[] {
  const at = (i: string, s: string) =>
    `base + ${i} * ${of.sideStride >>> 0}u + ${s} * ${of.innerStride >>> 0}u`;
  const lines = [
    `let base = ${of.offset}u + batch * ${of.batch >>> 0}u;`,
    `let i0 = ${origin} + block.x * 4u;`,
    "let s0 = k0 + block.y * 4u;",
  ];
  const steps = [0, 1, 2, 3];
  if (of.wide && of.alongK) {
    for (const i of steps) {
      const inside = `i0 + ${i}u < ${of.extent}u && s0 < end`;
      const load = bindings.loadWide(of.buffer, "f32", at(`(i0 + ${i}u)`, "s0"));
      lines.push(`let u${i} = select(vec4<f32>(), ${load}, ${inside});`);
    }
    for (const s of steps) lines.push(`v${s} = vec4<f32>(u0[${s}], u1[${s}], u2[${s}], u3[${s}]);`);
    return lines;
  }
  for (const s of steps) {
    if (of.wide) {
      const inside = `i0 < ${of.extent}u && s0 + ${s}u < end`;
      const load = bindings.loadWide(of.buffer, "f32", at("i0", `(s0 + ${s}u)`));
      lines.push(`v${s} = select(vec4<f32>(), ${load}, ${inside});`);
    } else {
      const parts = steps.map((i) => {
        const inside = `i0 + ${i}u < ${of.extent}u && s0 + ${s}u < end`;
        return `select(0.0, ${bindings.load(of.buffer, "f32", at(`(i0 + ${i}u)`, `(s0 + ${s}u)`))}, ${inside})`;
      });
      lines.push(`v${s} = vec4<f32>(${parts.join(", ")});`);
    }
  }
  return lines;
}

function extents(kernel: MatmulKernel): [number, number, number] {
  return [kernel.space[0]!, kernel.space[1]!, kernel.space[2]!];
}
