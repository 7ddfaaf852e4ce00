/**
 * Runs a kernel list by plain loops: f32 as Float64, u32 and i32 exactly. The second opinion for engines, so it shares no
 * code with them and knows no fast path. Buffers hold values, not bits; only feeds are raw.
 */
import type { DType } from "../../src/dtype.ts";
import type {
  BinaryName,
  BufferId,
  FoldName,
  GroupedKernel,
  Instr,
  Kernel,
  KernelList,
  MatmulKernel,
  MatmulOperand,
  ReduceKernel,
  RowTerm,
  SegmentKernel,
  Store,
  View,
} from "../../src/kernels/ir.ts";
import { binary, convert, groupOf, unary } from "./evaluate.ts";
import { threefry2x32 } from "./threefry.ts";

/** Contents of every buffer after one run. `variables[i]` backs variable i and is changed in place. */
export function interpret(
  list: KernelList,
  feeds: Uint32Array,
  variables: readonly Float64Array[],
): Float64Array[] {
  const memory = new Memory(list, feeds, variables);
  for (const kernel of list.kernels) runKernel(kernel, memory);
  return memory.values;
}

class Memory {
  readonly values: Float64Array[];
  readonly #feeds: BufferId;
  readonly #raw: { f32: Float32Array; i32: Int32Array; u32: Uint32Array };

  constructor(list: KernelList, feeds: Uint32Array, variables: readonly Float64Array[]) {
    this.values = list.buffers.map((spec) =>
      spec.role === "variable" ? variables[spec.variable!]! : new Float64Array(spec.length),
    );
    this.#feeds = list.buffers.findIndex((spec) => spec.role === "feeds");
    const copy = feeds.slice();
    this.#raw = { f32: new Float32Array(copy.buffer), i32: new Int32Array(copy.buffer), u32: copy };
  }

  load(buffer: BufferId, dtype: DType, address: number): number {
    const from = buffer === this.#feeds ? this.#raw[dtype] : this.values[buffer]!;
    const value = from[address];
    if (value === undefined) throw new Error(`load outside buffer ${buffer}: ${address} of ${from.length}`);
    return value;
  }

  store(buffer: BufferId, address: number, value: number): void {
    if (buffer === this.#feeds) throw new Error("feeds are read only");
    const to = this.values[buffer]!;
    if (!(address >= 0 && address < to.length)) throw new Error(`store outside buffer ${buffer}: ${address}`);
    to[address] = value;
  }
}

function runKernel(kernel: Kernel, memory: Memory): void {
  if (kernel.kind === "reduce") runReduce(kernel, memory);
  else if (kernel.kind === "matmul") runMatmul(kernel, memory);
  else if (kernel.kind === "grouped") runGrouped(kernel, memory);
  else if (kernel.kind === "segment") runSegment(kernel, memory);
  else {
    points(kernel.space, (at) => {
      store(kernel.stores, at, evaluate(kernel.instrs, at, [], memory), memory);
    });
  }
}

function runReduce(kernel: ReduceKernel, memory: Memory): void {
  points(kernel.space, (at) => {
    const acc = kernel.folds.map((fold) => start(fold.name, fold.dtype));
    points(kernel.inner, (inner) => {
      const values = evaluate(kernel.instrs, [...at, ...inner], [], memory);
      kernel.folds.forEach((fold, i) => {
        acc[i] = step(fold.name, fold.dtype, acc[i]!, values[fold.value]!);
      });
    });
    store(kernel.stores, at, evaluate(kernel.post, at, acc, memory), memory);
  });
}

function runMatmul(kernel: MatmulKernel, memory: Memory): void {
  points(kernel.space, (at) => {
    const [batch, m, n] = at as [number, number, number];
    let sum = 0;
    for (let k = 0; k < kernel.k; k++) {
      const a =
        kernel.a.offset + batch * kernel.a.strides[0] + m * kernel.a.strides[1] + k * kernel.a.strides[2];
      const b =
        kernel.b.offset + batch * kernel.b.strides[0] + k * kernel.b.strides[1] + n * kernel.b.strides[2];
      sum += memory.load(kernel.a.buffer, "f32", a) * memory.load(kernel.b.buffer, "f32", b);
    }
    store(kernel.stores, at, evaluate(kernel.post, at, [sum], memory), memory);
  });
}

function runGrouped(
  { form, plan, bounds, k, a, b, space, post, stores }: GroupedKernel,
  memory: Memory,
): void {
  const slot = (at: number): number => memory.load(plan.feeds, "u32", at);
  const groups = Array.from({ length: slot(plan.count) }, (_, u) => groupOf(slot(plan.rows + u), bounds));
  const element = ({ buffer, offset, strides }: MatmulOperand, z: number, row: number, column: number) =>
    memory.load(buffer, "f32", offset + z * strides[0] + row * strides[1] + column * strides[2]);
  points(space, (at) => {
    const [z, i, j] = at as [number, number, number];
    let sum = 0;
    if (form === "rows") {
      const g = groups[i];
      if (g === undefined) return;
      for (let p = 0; p < k; p++) sum += element(a, 0, i, p) * element(b, g, p, j);
    } else {
      groups.forEach((g, u) => {
        if (g === z) sum += element(a, 0, i, u) * element(b, 0, u, j);
      });
    }
    store(stores, at, evaluate(post, at, [sum], memory), memory);
  });
}

function runSegment(kernel: SegmentKernel, memory: Memory): void {
  const { plan, folds } = kernel;
  const columns = kernel.space[1]!;
  const slot = (at: number): number => memory.load(plan.feeds, "u32", at);
  const sum = (acc: number[], from: number, to: number, j: number): void => {
    for (let k = from; k < to; k++) {
      const values = evaluate(kernel.instrs, [slot(plan.sorted + k), j], [], memory);
      folds.forEach((fold, i) => {
        acc[i] = acc[i]! + values[fold.value]!;
      });
    }
  };
  const count = slot(kernel.pass === "pieces" ? plan.pieceCount : plan.count);
  for (let u = 0; u < count; u++) {
    for (let j = 0; j < columns; j++) {
      const acc = folds.map(() => 0);
      if (kernel.pass === "pieces") sum(acc, slot(plan.pieceFrom + u), slot(plan.pieceTo + u), j);
      else {
        const first = slot(plan.pieceOffsets + u);
        const last = slot(plan.pieceOffsets + u + 1);
        if (first === last) sum(acc, slot(plan.offsets + u), slot(plan.offsets + u + 1), j);
        for (let piece = first; piece < last; piece++) {
          folds.forEach((_, i) => {
            const at = piece * columns * folds.length + i * columns + j;
            acc[i] = acc[i]! + memory.load(kernel.partial!, "f32", at);
          });
        }
      }
      store(kernel.stores, [u, j], evaluate(kernel.post, [u, j], acc, memory), memory);
    }
  }
}

function points(space: readonly number[], visit: (at: number[]) => void): void {
  const at = space.map(() => 0);
  const walk = (axis: number): void => {
    if (axis === space.length) {
      visit([...at]);
      return;
    }
    for (let i = 0; i < space[axis]!; i++) {
      at[axis] = i;
      walk(axis + 1);
    }
  };
  walk(0);
}

function address(
  view: View,
  row: RowTerm | undefined,
  at: readonly number[],
  values: readonly number[],
): number {
  let sum = view.offset;
  view.strides.forEach((stride, axis) => {
    sum += stride * at[axis]!;
  });
  return row === undefined ? sum : sum + row.stride * values[row.instr]!;
}

function store(
  stores: readonly Store[],
  at: readonly number[],
  values: readonly number[],
  memory: Memory,
): void {
  for (const { buffer, view, row, value } of stores) {
    memory.store(buffer, address(view, row, at, values), values[value]!);
  }
}

function evaluate(
  instrs: readonly Instr[],
  at: readonly number[],
  acc: readonly number[],
  memory: Memory,
): number[] {
  const values: number[] = [];
  for (const instr of instrs) values.push(evaluateOne(instr, at, acc, values, instrs, memory));
  return values;
}

function evaluateOne(
  instr: Instr,
  at: readonly number[],
  acc: readonly number[],
  values: readonly number[],
  instrs: readonly Instr[],
  memory: Memory,
): number {
  switch (instr.op) {
    case "const":
      return wrap(instr.dtype, instr.dtype === "f32" ? Math.fround(instr.value) : instr.value);
    case "index":
      return address(instr.view, undefined, at, values) >>> 0;
    case "acc":
      return acc[instr.index]!;
    case "load":
      return memory.load(instr.buffer, instr.dtype, address(instr.view, instr.row, at, values));
    case "unary":
      return wrap(instr.dtype, unary(instr.name, values[instr.a]!));
    case "binary":
      return arithmetic(instr.name, instrs[instr.a]!.dtype, instr.dtype, values[instr.a]!, values[instr.b]!);
    case "select":
      return values[instr.cond] !== 0 ? values[instr.a]! : values[instr.b]!;
    case "cast":
      return wrap(instr.dtype, convert(instrs[instr.a]!.dtype, instr.dtype, values[instr.a]!));
    case "threefry":
      return threefry2x32(values[instr.k0]!, values[instr.k1]!, values[instr.c0]!, values[instr.c1]!);
  }
}

function wrap(dtype: DType, value: number): number {
  if (dtype === "f32") return value;
  return dtype === "u32" ? value >>> 0 : value | 0;
}

function arithmetic(name: BinaryName, dtype: DType, result: DType, a: number, b: number): number {
  // WGSL: a whole number divided by zero is itself.
  if (name === "div" && dtype !== "f32" && b === 0) return a;
  return wrap(result, binary(name, dtype, a, b));
}

function start(name: FoldName, dtype: DType): number {
  if (name === "sum") return 0;
  const [low, high] = {
    f32: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    i32: [-0x80000000, 0x7fffffff],
    u32: [0, 0xffffffff],
  }[dtype] as [number, number];
  return name === "max" ? low : high;
}

function step(name: FoldName, dtype: DType, acc: number, value: number): number {
  if (name === "sum") return wrap(dtype, acc + value);
  return name === "max" ? Math.max(acc, value) : Math.min(acc, value);
}
