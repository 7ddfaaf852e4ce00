/** Products of any shape, strides, batch layout and epilogue, and what they must come to: shared by the engines' matmul tests. */
import fc from "fast-check";
import type { Instr, KernelList, MatmulKernel, MatmulOperand, Store } from "../../src/kernels/ir.ts";

const A = 0;
const B = 1;
const BIAS = 2;
const OUT = 3;
const MASK = 4;

/** How one operand lies: unit stride along rows or columns, padding of the other, where batches go. */
export interface Layout {
  readonly transposed: boolean;
  readonly pad: number;
  readonly offset: number;
  /** interleaved: the batch stride lies inside a row, as for per-field projections. shared: stride 0. */
  readonly batches: "outer" | "interleaved" | "shared";
}

export type Epilogue = "none" | "bias, relu and mask" | "add to output, transposed";

export interface MatmulCase {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Layout;
  readonly b: Layout;
  readonly epilogue: Epilogue;
  readonly seed: number;
}

function operand(
  buffer: number,
  layout: Layout,
  batch: number,
  rows: number,
  cols: number,
): [MatmulOperand, number] {
  const [long, short] = layout.transposed ? [cols, rows] : [rows, cols];
  const interleaved = layout.batches === "interleaved";
  const leading = short * (interleaved ? batch : 1) + layout.pad;
  const batchStride = { interleaved: short, outer: leading * long, shared: 0 }[layout.batches];
  const strides: [number, number, number] = layout.transposed
    ? [batchStride, 1, leading]
    : [batchStride, leading, 1];
  const length = layout.offset + leading * long * (layout.batches === "outer" ? batch : 1);
  return [{ buffer, offset: layout.offset, strides }, length];
}

function epilogue(kind: Epilogue, batch: number, m: number, n: number): { post: Instr[]; stores: Store[] } {
  const acc: Instr = { op: "acc", dtype: "f32", index: 0 };
  const plain = { offset: 0, strides: [m * n, n, 1] };
  switch (kind) {
    case "none":
      return { post: [acc], stores: [{ buffer: OUT, dtype: "f32", view: plain, value: 0 }] };
    case "bias, relu and mask":
      return {
        post: [
          acc,
          { op: "load", dtype: "f32", buffer: BIAS, view: { offset: 0, strides: [0, 0, 1] } },
          { op: "binary", dtype: "f32", name: "add", a: 0, b: 1 },
          { op: "const", dtype: "f32", value: 0 },
          { op: "binary", dtype: "u32", name: "gt", a: 2, b: 3 },
          { op: "select", dtype: "f32", cond: 4, a: 2, b: 3 },
          { op: "cast", dtype: "f32", a: 4 },
        ],
        stores: [
          { buffer: OUT, dtype: "f32", view: plain, value: 5 },
          { buffer: MASK, dtype: "f32", view: plain, value: 6 },
        ],
      };
    case "add to output, transposed": {
      const view = { offset: 0, strides: [1, batch, batch * m] };
      return {
        post: [
          acc,
          { op: "load", dtype: "f32", buffer: OUT, view },
          { op: "binary", dtype: "f32", name: "add", a: 0, b: 1 },
        ],
        stores: [{ buffer: OUT, dtype: "f32", view, value: 2 }],
      };
    }
  }
}

/** Numbers in [-1, 1) from a seed. */
function numbers(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export function build(of: MatmulCase): { kernel: MatmulKernel; buffers: Map<number, Float32Array> } {
  const { batch, m, n, k } = of;
  const [a, aLength] = operand(A, of.a, batch, m, k);
  const [b, bLength] = operand(B, of.b, batch, k, n);
  const kernel: MatmulKernel = {
    kind: "matmul",
    label: "test",
    space: [batch, m, n],
    k,
    a,
    b,
    ...epilogue(of.epilogue, batch, m, n),
  };
  const buffers = new Map([
    [A, numbers(aLength, of.seed)],
    [B, numbers(bLength, of.seed + 1)],
    [OUT, numbers(batch * m * n, of.seed + 2)],
  ]);
  if (of.epilogue === "bias, relu and mask") {
    buffers.set(BIAS, numbers(n, of.seed + 3));
    buffers.set(MASK, numbers(batch * m * n, of.seed + 4));
  }
  return { kernel, buffers };
}

/** The product with its epilogue in Float64, straight from the meaning of the words. */
export function check(
  of: MatmulCase,
  before: Map<number, Float32Array>,
  after: Map<number, Float32Array>,
): void {
  const { batch, m, n, k } = of;
  const { kernel } = build(of);
  const [dataA, dataB] = [before.get(A)!, before.get(B)!];
  const at = ({ offset, strides }: MatmulOperand, x: number, r: number, c: number) =>
    offset + x * strides[0] + r * strides[1] + c * strides[2];
  for (let x = 0; x < batch; x++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let s = 0; s < k; s++) sum += dataA[at(kernel.a, x, i, s)]! * dataB[at(kernel.b, x, s, j)]!;
        // Rounding of k products and sums of numbers up to 1, generously.
        const tolerance = 1e-6 * (1 + Math.sqrt(k) * 4);
        const point = (x * m + i) * n + j;
        const near = (got: number, want: number) => {
          if (!(Math.abs(got - want) <= tolerance)) {
            throw new Error(`at (${x}, ${i}, ${j}): got ${got}, expected ${want} within ${tolerance}`);
          }
        };
        if (of.epilogue === "none") near(after.get(OUT)![point]!, sum);
        else if (of.epilogue === "bias, relu and mask") {
          const z = sum + before.get(BIAS)![j]!;
          near(after.get(OUT)![point]!, Math.max(z, 0));
          // At the kink either side is right.
          if (Math.abs(z) > tolerance) near(after.get(MASK)![point]!, z > 0 ? 1 : 0);
        } else {
          const transposed = (j * m + i) * batch + x;
          near(after.get(OUT)![transposed]!, before.get(OUT)![transposed]! + sum);
        }
      }
    }
  }
}

const extent = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 65) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }) },
);
export const layouts: fc.Arbitrary<Layout> = fc.record({
  transposed: fc.boolean(),
  pad: fc.constantFrom(0, 0, 1, 4),
  offset: fc.constantFrom(0, 0, 3, 8),
  batches: fc.constantFrom("outer" as const, "interleaved" as const, "shared" as const),
});
export const epilogues = fc.constantFrom<Epilogue>(
  "none",
  "bias, relu and mask",
  "add to output, transposed",
);
export const matmulCases: fc.Arbitrary<MatmulCase> = fc.record({
  batch: fc.constantFrom(1, 1, 2, 3),
  m: extent,
  n: extent,
  k: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 12, arbitrary: extent }),
  a: layouts,
  b: layouts,
  epilogue: epilogues,
  seed: fc.nat(),
});

/** An operand in rows, without anything between them. */
export const STRAIGHT: Layout = { transposed: false, pad: 0, offset: 0, batches: "outer" };

/** The case as a whole program: its buffers are variables in the order of `contents`. */
export function matmulList(of: MatmulCase): { list: KernelList; contents: Float32Array[] } {
  const { kernel, buffers } = build(of);
  const ids = [A, B, BIAS, OUT, MASK];
  const contents = ids.map((id) => buffers.get(id) ?? new Float32Array(0));
  const specs = contents.map(
    ({ length }, id) => ({ role: "variable", label: `buffer ${id}`, length, variable: id }) as const,
  );
  return { list: { buffers: specs, feeds: [], outputs: [], kernels: [kernel] }, contents };
}
