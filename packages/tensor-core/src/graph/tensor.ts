/**
 * The graph: immutable nodes, nothing runs while it is built. A node is an op, its inputs, a shape and a dtype.
 * Not an array: it has no buffer and nothing to dispose. `compile` turns a graph into a program.
 */
import type { DType } from "../dtype.ts";
import type { BinaryName, FoldName, UnaryName } from "../kernels/ir.ts";
import { checkShape, type Shape } from "../shape.ts";
import type { Variable } from "./variable.ts";

/** Where the arrays of a batch plan come from: u32 inputs of a step (design section 4, "Sparse tables"). */
export interface PlanInputs {
  readonly name: string;
  /** Positions: how many ids a batch looks up; the length of `sorted`. */
  readonly positions: number;
  /** The most rows that a batch may touch; the length of `rows`. */
  readonly capacity: number;
  readonly sorted: Tensor;
  readonly rows: Tensor;
  readonly offsets: Tensor;
  readonly pieceOffsets: Tensor;
  readonly pieceFrom: Tensor;
  readonly pieceTo: Tensor;
  /** [positions]: for each position its row's number in `rows`; asked for where something made of touched rows is taken to positions. */
  readonly places: Tensor;
  readonly count: Tensor;
  readonly pieceCount: Tensor;
}

/** What a node computes. The compiler and the gradient rules read it; applications build nodes with the functions of `graph/`. */
export type Op =
  /** A value fed to every step. */
  | { readonly kind: "input"; readonly name: string; readonly upTo: boolean }
  /** A variable's content when the step starts. */
  | { readonly kind: "variable"; readonly variable: Variable }
  | { readonly kind: "const"; readonly value: number }
  /** Its own row-major element number. */
  | { readonly kind: "iota" }
  | { readonly kind: "unary"; readonly name: UnaryName }
  | { readonly kind: "binary"; readonly name: BinaryName }
  | { readonly kind: "select" }
  | { readonly kind: "cast" }
  | { readonly kind: "threefry" }
  /** inputs: a value, then the tensors that `backward` has gradients for. Its value is the first. */
  | { readonly kind: "customGradient"; readonly backward: (g: Tensor) => readonly Tensor[] }
  | { readonly kind: "reshape" }
  | { readonly kind: "permute"; readonly order: readonly number[] }
  | { readonly kind: "broadcast" }
  | { readonly kind: "slice"; readonly start: readonly number[] }
  | { readonly kind: "concat"; readonly axis: number }
  /** Folds `axes`; they stay with extent 1. */
  | { readonly kind: "fold"; readonly name: FoldName; readonly axes: readonly number[] }
  /** [.., m, k] x [.., k, n], f32; transposed operands are permuted views. */
  | { readonly kind: "matmul" }
  /** inputs: table [n, d], ids u32 [...]; output [..., d]. */
  | { readonly kind: "gather"; readonly plan?: PlanInputs }
  /** The touched rows of a table: inputs table [n, d], plan.rows; output [capacity, d], of which `count` rows mean something. */
  | { readonly kind: "rows"; readonly plan: PlanInputs }
  /** Sums positions by row: input [positions, d]; output as `rows`. */
  | { readonly kind: "segmentSum"; readonly plan: PlanInputs }
  /** Its input [capacity, d], computed once and for the touched rows only; output as `rows`. */
  | { readonly kind: "touched"; readonly plan: PlanInputs }
  /** inputs: a [capacity, k], b [groups, k, n]; output [capacity, n]: each touched row of a times the matrix of its group. */
  | { readonly kind: "groupedMatmul"; readonly plan: PlanInputs; readonly bounds: readonly number[] }
  /** inputs: a [capacity, m], b [capacity, n]; output [groups, m, n]: the sum over a group's touched rows of their outer products. */
  | { readonly kind: "groupedOuter"; readonly plan: PlanInputs; readonly bounds: readonly number[] }
  /** Replaces a variable's content; its value is the new content. inputs: previous version, value. */
  | { readonly kind: "assign"; readonly variable: Variable }
  /** Replaces the touched rows. inputs: previous version [n, d], value [capacity, d]. */
  | { readonly kind: "assignRows"; readonly variable: Variable; readonly plan: PlanInputs };

let nextId = 0;

/** A node of the graph: immutable, without numbers of its own. Made by ops, `input` and `Variable.value`. */
export class Tensor {
  /** Ids rise along every path, so sorting by id is a topological order. */
  readonly id: number = nextId++;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(op: Op, inputs: readonly Tensor[], shape: Shape, dtype: DType) {
    checkShape(op.kind, shape);
    this.op = op;
    this.inputs = inputs;
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** What ops accept: a tensor, or a number that becomes a scalar constant of the other operand's dtype. */
export type Operand = Tensor | number;
