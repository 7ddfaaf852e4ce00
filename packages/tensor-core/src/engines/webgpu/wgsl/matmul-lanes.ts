/**
 * Matmul for a processor that plays a GPU (llvmpipe): no workgroup memory, no barriers, one subgroup a workgroup.
 *
 * llvmpipe turns every load of a storage buffer into a scalar load *per lane*, each behind a test of the lane mask
 * and of the buffer's length: some 14 instructions, whether the lanes read one address, neighbours or far apart. The
 * arithmetic is 20 times faster than that, so all that counts is loads per multiplication. Hence:
 *
 *   lanes lie along p (n, or m where that wastes less); each lane holds `vectors` values of p for `rows` values of q
 *
 *             p: lane 0..S-1 | lane 0..S-1 | ...        one load of `vectors` x S numbers a step of k
 *      q  0      acc[0][0]     acc[0][1]
 *         1      acc[1][0]     acc[1][1]                lane l loads the number of row l: one load for S rows,
 *         :                                             handed to the other lanes by subgroupBroadcast
 *
 * Without subgroups every lane loads all rows itself (the "registers" kernel): the next best.
 *
 * What was tried (512^3, Mesa 25.0, LLVM 15, two cores with AVX-512, shared and noisy: best of 5 to 15 runs, GFLOP/s):
 *
 *   arithmetic alone, no loads                                   250
 *   lanes, 16 rows x 8 vectors                                    26 to 42
 *   lanes, 16 x 4                                                 24      16 x 2: 19, 8 x 4: 18, 8 x 1: 11
 *   lanes, 24 x 4 and 32 x 4                                      22      (accumulators spill) 32 x 6: 18
 *   lanes, 16 x 5, 24 x 5 and 16 x 7 on 4096 x 400 x 400          32, 29 and 30
 *   lanes, 16 x 4, k unrolled by 2 and by 4                       21, 20  (code outgrows the instruction cache)
 *   lanes, two and four subgroups a workgroup                     as one
 *   B kept in registers, 64 x 8 vectors of it, rows streamed      26      compiles for 0.5 to 2 s, fully unrolled minutes
 *   registers, 8 x 8 a thread, lanes along n                      17      lanes along m 12, 4 x 4 lanes 14
 *   registers, 8 x 4 a thread with vec4 loads of both sides       13 to 15, 8 x 8 so: 9, 16 x 4 so: 9 (unrolls k by 4)
 *   registers, one address for all lanes                          4 to 10 (no broadcast load: it is not found uniform)
 */
import type { MatmulKernel, MatmulOperand } from "../../../kernels/ir.ts";
import { accessesOf } from "./accesses.ts";
import { Bindings } from "./bindings.ts";
import { type Dispatch, grid, WORKGROUP_INDEX } from "./dispatch.ts";
import { functionTexts } from "./functions.ts";
import { emitPoint } from "./instructions.ts";
import { Params } from "./params.ts";

/** One tile of one workgroup. */
export interface LanesShape {
  /** The axis the lanes lie along. */
  readonly along: "m" | "n";
  /** Values of the other axis. */
  readonly rows: number;
  /** Values of the lanes' own axis a lane holds. */
  readonly vectors: number;
}

export interface LanesOptions {
  /** Lanes of a workgroup; with `broadcast` exactly the device's subgroup size. */
  readonly lanes: number;
  readonly broadcast: boolean;
}

/** Where subgroups cannot be used: the width of a 256-bit register. */
export const DEFAULT_LANES = 8;

// Instructions, counted in llvmpipe's output: a load of one lane, an update of an accumulator, a broadcast, a turn of the loop.
const LOAD = 14;
const UPDATE = 4.5;
const BROADCAST = 2.5;
const TURN = 20;
const MAX_ROWS = 16;
const MAX_VECTORS = 8;
/** Lanes along m store far apart: at equal counts 16 x 5 along n was 1 to 20% faster than 16 x 8 along m. */
const ALONG_M = 1.1;
/** Tiles that run at once, about: a shape with fewer tiles leaves cores idle. */
const WAVE = 8;

/** The tile with the fewest instructions for the whole product. */
export function chooseLanesShape(kernel: MatmulKernel, options: LanesOptions): LanesShape {
  const [batch, m, n] = extents(kernel);
  const { lanes, broadcast } = options;
  const maxRows = broadcast ? MAX_ROWS : 8;
  let best: LanesShape = { along: "n", rows: 1, vectors: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (const along of ["n", "m"] as const) {
    const [p, q] = along === "n" ? [n, m] : [m, n];
    for (let rows = Math.min(maxRows, q); rows >= 1; rows--) {
      for (let vectors = Math.min(MAX_VECTORS, Math.ceil(p / lanes)); vectors >= 1; vectors--) {
        const loads = vectors + (broadcast ? Math.ceil(rows / lanes) : rows);
        const tile =
          TURN + loads * LOAD * lanes + rows * vectors * UPDATE + (broadcast ? rows * BROADCAST : 0);
        const tiles = batch * Math.ceil(p / (lanes * vectors)) * Math.ceil(q / rows);
        const cost = Math.ceil(tiles / WAVE) * tile * (along === "m" ? ALONG_M : 1);
        if (cost < least) {
          least = cost;
          best = { along, rows, vectors };
        }
      }
    }
  }
  return best;
}

/** The dispatch for one tile shape. */
export function lanesMatmul(kernel: MatmulKernel, shape: LanesShape, options: LanesOptions): Dispatch[] {
  const [batch, m, n] = extents(kernel);
  const { k } = kernel;
  const { rows, vectors } = shape;
  const { lanes, broadcast } = options;
  const alongN = shape.along === "n";
  const [pExtent, qExtent] = alongN ? [n, m] : [m, n];
  const own = alongN ? side(kernel.b, 2, 1) : side(kernel.a, 1, 2);
  const other = alongN ? side(kernel.a, 1, 2) : side(kernel.b, 2, 1);
  const pTiles = Math.ceil(pExtent / (lanes * vectors));
  const qTiles = Math.ceil(qExtent / rows);
  const count = pTiles * qTiles * batch;

  const bindings = new Bindings([
    // With k = 0 the operands may be empty buffers: they are not bound at all.
    ...(k === 0 ? [] : [kernel.a, kernel.b]).map(({ buffer }) => ({
      buffer,
      dtype: "f32" as const,
      write: false,
      wide: false,
    })),
    ...accessesOf(kernel.post, kernel.stores, 1, 2),
  ]);
  const functions = new Set<string>();
  const params = new Params({ software: true });
  const u32 = (value: number) => params.u32(value);
  const load = (of: Side, address: string) => bindings.load(of.buffer, "f32", address);
  // a stride of 1 is structure: the distance then depends on the tile's shape alone
  const away = (steps: number, stride: number) => (stride === 1 ? `${steps}u` : u32(steps * stride));
  const range = (length: number) => Array.from({ length }, (_, i) => i);

  const lines = [
    `let tile = ${WORKGROUP_INDEX};`,
    `if (tile >= ${u32(count)}) { return; }`,
    `let batch = tile / ${u32(pTiles * qTiles)};`,
    `let p0 = (tile % ${u32(pTiles)}) * ${lanes * vectors}u + lane;`,
    `let q0 = (tile / ${u32(pTiles)}) % ${u32(qTiles)} * ${rows}u;`,
    ...range(rows).map((i) =>
      range(vectors)
        .map((j) => `var c${i}_${j} = 0.0;`)
        .join(" "),
    ),
  ];
  if (k > 0) {
    // Rows and columns beyond the edge read what they like (loads are clamped to the buffer) and are not stored.
    lines.push(
      `let own = ${u32(own.offset)} + batch * ${u32(own.batch)} + p0 * ${u32(own.step)};`,
      `let other = ${u32(other.offset)} + batch * ${u32(other.batch)} + (q0${broadcast ? " + lane" : ""}) * ${u32(other.step)};`,
      `for (var x = 0u; x < ${u32(k)}; x++) {`,
      ...range(vectors).map(
        (j) => `  let w${j} = ${load(own, `own + x * ${u32(own.inner)} + ${away(j * lanes, own.step)}`)};`,
      ),
    );
    for (const i of range(rows)) {
      const at = (row: number) => load(other, `other + x * ${u32(other.inner)} + ${away(row, other.step)}`);
      if (broadcast) {
        const group = Math.floor(i / lanes);
        if (i % lanes === 0) lines.push(`  let r${group} = ${at(i)};`);
        lines.push(`  let s${i} = subgroupBroadcast(r${group}, ${i % lanes}u);`);
      } else {
        lines.push(`  let s${i} = ${at(i)};`);
      }
      lines.push(
        `  ${range(vectors)
          .map((j) => `c${i}_${j} = fma(s${i}, w${j}, c${i}_${j});`)
          .join(" ")}`,
      );
    }
    lines.push("}");
  }
  // `post` in a loop over an array: unrolled, its loads and stores would take seconds to compile.
  const [qAxis, pAxis] = ["q", "p"];
  lines.push(
    `var sums = array<f32, ${rows * vectors}>(${range(rows)
      .flatMap((i) => range(vectors).map((j) => `c${i}_${j}`))
      .join(", ")});`,
    `for (var e = 0u; e < ${rows * vectors}u; e++) {`,
    `  let q = q0 + e / ${vectors}u;`,
    `  let p = p0 + (e % ${vectors}u) * ${lanes}u;`,
    `  if (q < ${u32(qExtent)} && p < ${u32(pExtent)}) {`,
    "    let sum = sums[e];",
    ...emitPoint(kernel, {
      bindings,
      width: 1,
      axes: ["batch", ...(alongN ? [qAxis, pAxis] : [pAxis, qAxis])],
      acc: [{ text: "sum", wide: false }],
      functions,
      params,
    }).map((line) => `    ${line}`),
    "  }",
    "}",
  );

  const lane = broadcast ? "subgroup_invocation_id" : "local_invocation_index";
  const wgsl = `${broadcast ? "enable subgroups;\n" : ""}${functionTexts(functions)}${bindings.declarations()}${params.declaration(bindings.list.length)}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(${lane}) lane: u32) {
${[...params.lines(), ...lines].map((line) => `  ${line}`).join("\n")}
}
`;
  return [{ wgsl, bindings: bindings.list, workgroups: grid(count), params: params.values }];
}

interface Side {
  readonly buffer: number;
  readonly offset: number;
  readonly batch: number;
  /** Stride along this side's own axis (m of A, n of B). */
  readonly step: number;
  /** Stride along k. */
  readonly inner: number;
}

function side(operand: MatmulOperand, step: 1 | 2, inner: 1 | 2): Side {
  return {
    buffer: operand.buffer,
    offset: operand.offset,
    batch: operand.strides[0],
    step: operand.strides[step],
    inner: operand.strides[inner],
  };
}

function extents(kernel: MatmulKernel): [number, number, number] {
  return [kernel.space[0]!, kernel.space[1]!, kernel.space[2]!];
}
