/**
 * The kernel list: what the compiler hands to an engine. It is plain data (JSON can print it), and the only seam
 * between the two: an engine knows nothing of tensors, gradients or optimizers, and nothing outside
 * `engines/<name>/` knows how a kernel runs.
 *
 * There are five kinds. A gather is a `map` whose load has a `row` (see `Load`); random numbers are instructions.
 *
 *   map      for every point of `space`: run `instrs`, store
 *   reduce   for every point of `space`: loop over `inner`, fold, run `post`, store
 *   matmul   C[batch,m,n] = A x B, run `post` on each product, store
 *   segment  for every touched row u of a batch plan and every column j: sum the positions of u, run `post`, store
 *   grouped  products of touched rows, each with the matrix of the group that its row number falls into
 */
import type { DType } from "../dtype.ts";

/** Index into `KernelList.buffers`. */
export type BufferId = number;
/** Index into an instruction array: operands always refer to earlier instructions. */
export type InstrId = number;

/** Where an element lies: offset + sum of strides[k] * i[k] over the kernel's iteration axes, in elements. */
export interface View {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** An indirect axis: adds `stride * value(instr)` to the address, where instr is a u32 instruction (a row number). */
export interface RowTerm {
  readonly instr: InstrId;
  readonly stride: number;
}

export type UnaryName =
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "log"
  | "log1p"
  | "sqrt"
  | "rsqrt"
  | "recip"
  | "sigmoid"
  | "tanh"
  | "floor";

/** Arithmetic keeps the dtype of its operands; comparisons give u32 0 or 1; bit operations are for u32. */
export type BinaryName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "min"
  | "max"
  | "pow"
  | "mod"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "eq"
  | "ne"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr";

export interface LoadInstr {
  readonly op: "load";
  readonly dtype: DType;
  readonly buffer: BufferId;
  /** Strides over space, then (inside a reduce or segment body) over inner. */
  readonly view: View;
  readonly row?: RowTerm;
}

export type Instr =
  | { readonly op: "const"; readonly dtype: DType; readonly value: number }
  | LoadInstr
  /** The u32 number offset + sum strides * i: an iota, or a counter for random numbers. */
  | { readonly op: "index"; readonly dtype: "u32"; readonly view: View }
  /** Result number `index` of the kernel's heavy part; only inside `post`. */
  | { readonly op: "acc"; readonly dtype: DType; readonly index: number }
  | { readonly op: "unary"; readonly dtype: DType; readonly name: UnaryName; readonly a: InstrId }
  | {
      readonly op: "binary";
      readonly dtype: DType;
      readonly name: BinaryName;
      readonly a: InstrId;
      readonly b: InstrId;
    }
  /** cond (u32) != 0 ? a : b */
  | {
      readonly op: "select";
      readonly dtype: DType;
      readonly cond: InstrId;
      readonly a: InstrId;
      readonly b: InstrId;
    }
  /** Value conversion, as WGSL's constructors: f32 to integer truncates toward zero. */
  | { readonly op: "cast"; readonly dtype: DType; readonly a: InstrId }
  /** First word of Threefry-2x32-20 (Salmon et al., SC'11) with key (k0,k1) and counter (c0,c1); all u32. */
  | {
      readonly op: "threefry";
      readonly dtype: "u32";
      readonly k0: InstrId;
      readonly k1: InstrId;
      readonly c0: InstrId;
      readonly c1: InstrId;
    };

/** Writes instruction `value` to the buffer; strides over `space` only. */
export interface Store {
  readonly buffer: BufferId;
  readonly dtype: DType;
  readonly view: View;
  readonly row?: RowTerm;
  readonly value: InstrId;
}

interface KernelBase {
  /** For people: what this kernel computes, made from the graph's ops. */
  readonly label: string;
  /** Extents of the iteration axes, outermost first; 1 to 6 axes; no extent is zero (the compiler drops such kernels). */
  readonly space: readonly number[];
  readonly stores: readonly Store[];
}

/** `instrs` may load from a buffer that `stores` writes, at the same address only. */
export interface MapKernel extends KernelBase {
  readonly kind: "map";
  readonly instrs: readonly Instr[];
}

export type FoldName = "sum" | "max" | "min";

export interface ReduceKernel extends KernelBase {
  readonly kind: "reduce";
  /** Extents of the folded axes, 1 to 6. Views in `instrs` have space.length + inner.length strides. */
  readonly inner: readonly number[];
  readonly instrs: readonly Instr[];
  /** Folds over the inner axes in row-major order; `acc` number i is folds[i]. */
  readonly folds: readonly { readonly name: FoldName; readonly dtype: DType; readonly value: InstrId }[];
  readonly post: readonly Instr[];
}

/** A matrix operand: element (b, r, c) is at offset + b*strides[0] + r*strides[1] + c*strides[2]. One of the last two is 1 or the extent is 1. */
export interface MatmulOperand {
  readonly buffer: BufferId;
  readonly offset: number;
  readonly strides: readonly [number, number, number];
}

/** f32 only. space is [batch, m, n]; acc 0 in `post` is the product. k may be 0 (the product is then 0). */
export interface MatmulKernel extends KernelBase {
  readonly kind: "matmul";
  readonly k: number;
  readonly a: MatmulOperand;
  readonly b: MatmulOperand;
  readonly post: readonly Instr[];
}

/**
 * Sums rows by a batch plan (design section 4). The plan's arrays are u32 feeds, given as an element offset into the
 * feed buffer; counts are known only at run time. Two passes, so that no run is summed by one thread alone:
 *
 *   pass "pieces"  space [maxPieces, columns]: for p < pieceCount: acc = sum over k in [pieceFrom[p], pieceTo[p]) of
 *                  body(position = sorted[k], j); stores the sum at space point (p, j)
 *   pass "rows"    space [maxRows, columns]: for u < count: if pieceOffsets[u] == pieceOffsets[u+1], acc = sum over
 *                  k in [offsets[u], offsets[u+1]) of body(sorted[k], j), else acc = sum over the pieces of u of
 *                  partial[piece * columns * folds + fold * columns + j]; then post and stores
 *
 * Views in `instrs` have 2 strides, over (position, j); `post` and stores see (u, j), and the row number itself is a
 * load from the feed buffer at rows + u. Points beyond the count are not stored.
 */
export interface SegmentKernel extends KernelBase {
  readonly kind: "segment";
  readonly pass: "pieces" | "rows";
  readonly plan: PlanSlots;
  readonly instrs: readonly Instr[];
  readonly folds: readonly { readonly name: "sum"; readonly dtype: "f32"; readonly value: InstrId }[];
  readonly post: readonly Instr[];
  /** rows pass: the buffer that the pieces pass wrote. */
  readonly partial?: BufferId;
}

/** Element offsets of a plan's arrays in the feed buffer; `count` and `pieceCount` are single u32 elements there. */
export interface PlanSlots {
  readonly name: string;
  readonly feeds: BufferId;
  readonly sorted: number;
  readonly rows: number;
  readonly offsets: number;
  readonly pieceOffsets: number;
  readonly pieceFrom: number;
  readonly pieceTo: number;
  readonly count: number;
  readonly pieceCount: number;
}

/**
 * Products of the touched rows of a batch plan in groups (the fields of a table): a row u of the plan is in group g where bounds[g] <=
 * rows[u] < bounds[g + 1]. The plan's rows rise, so those of a group lie side by side, and only the counted ones take part. f32.
 *
 *   form "rows"    space [1, capacity, n]: for u < count: acc 0 = sum over k of a[0, u, k] x b[g(u), k, n]
 *   form "groups"  space [groups, m, n]: acc 0 = sum over the u of group g of a[0, m, u] x b[0, u, n]; 0 where it has none
 *
 * Operands are read as a matmul's are, with batch stride 0 where one matrix serves all groups. Row numbers beyond the last bound are in
 * no group, and their products are not stored.
 */
export interface GroupedKernel extends KernelBase {
  readonly kind: "grouped";
  readonly form: "rows" | "groups";
  readonly plan: Pick<PlanSlots, "name" | "feeds" | "rows" | "count">;
  /** groups + 1 row numbers, rising. */
  readonly bounds: readonly number[];
  /** form "rows": columns of a. form "groups": the most rows that a plan may touch. */
  readonly k: number;
  readonly a: MatmulOperand;
  readonly b: MatmulOperand;
  readonly post: readonly Instr[];
}

export type Kernel = MapKernel | ReduceKernel | MatmulKernel | SegmentKernel | GroupedKernel;

/**
 * feeds       all inputs of a step in one buffer, uploaded once a step, read only
 * variable    owned by a Variable; `variable` indexes the caller's list
 * temporary   owned by the program; several values may share one over time
 * output      owned by the program; kept until the next run, can be read back
 */
export interface BufferSpec {
  readonly role: "feeds" | "variable" | "temporary" | "output";
  readonly label: string;
  /** Number of four-byte elements. */
  readonly length: number;
  readonly variable?: number;
}

/** One input of a step: `length` elements at `offset` of the feed buffer. */
export interface FeedSlot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
  /** Plan arrays may be shorter than their slot; everything else must match exactly. */
  readonly upTo: boolean;
}

export interface OutputSlot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly buffer: BufferId;
}

/** A whole program: its buffers, where feeds go and outputs lie, and the kernels in the order they run. */
export interface KernelList {
  readonly buffers: readonly BufferSpec[];
  readonly feeds: readonly FeedSlot[];
  readonly outputs: readonly OutputSlot[];
  readonly kernels: readonly Kernel[];
}
