/** Leaves of the graph: inputs, constants, counters. */
import type { DType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { type Operand, type PlanInputs, Tensor } from "./tensor.ts";

/** A value fed to every step under `name`. */
export function input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return new Tensor({ kind: "input", name, upTo: false }, [], shape, dtype);
}

/** A scalar constant; with a shape, that scalar broadcast. */
export function constant(value: number, dtype: DType = "f32", shape: Shape = []): Tensor {
  if (dtype !== "f32" && !Number.isInteger(value)) {
    throw new DTypeError(`constant: ${value} is not a whole number, as ${dtype} needs.`);
  }
  const scalar = new Tensor({ kind: "const", value }, [], [], dtype);
  return shape.length === 0 ? scalar : new Tensor({ kind: "broadcast" }, [scalar], shape, dtype);
}

/** Zeros of a shape; they take no memory. */
export function zeros(shape: Shape, dtype: DType = "f32"): Tensor {
  return constant(0, dtype, shape);
}

/** Row-major element numbers 0, 1, 2, ... as u32. */
export function iota(shape: Shape): Tensor {
  return new Tensor({ kind: "iota" }, [], shape, "u32");
}

/** Runs longer than this are summed in pieces of at most this length (design section 4). */
export const PIECE = 128;

/** No plan of `positions` ids has more pieces: the worst run of more than PIECE positions is PIECE + 1 long and gives two. */
export function maxPieces(positions: number): number {
  return Math.floor((2 * positions) / (PIECE + 1));
}

/**
 * The inputs of a batch plan for `positions` ids a step; fed as `<name>.sorted`, `<name>.rows`, ... `capacity`: the most rows that
 * they touch, where that is known to be fewer.
 */
export function planInputs(name: string, positions: number, capacity = positions): PlanInputs {
  const array = (part: string, length: number) =>
    new Tensor({ kind: "input", name: `${name}.${part}`, upTo: true }, [], [length], "u32");
  const scalar = (part: string) => input(`${name}.${part}`, [], "u32");
  return {
    name,
    positions,
    capacity,
    sorted: array("sorted", positions),
    rows: array("rows", capacity),
    offsets: array("offsets", capacity + 1),
    pieceOffsets: array("pieceOffsets", capacity + 1),
    pieceFrom: array("pieceFrom", maxPieces(positions)),
    pieceTo: array("pieceTo", maxPieces(positions)),
    places: array("places", positions),
    count: scalar("count"),
    pieceCount: scalar("pieceCount"),
  };
}

/** Makes a tensor of an operand; a bare number takes the dtype of its partner. */
export function lift(operand: Operand, dtype: DType): Tensor {
  return operand instanceof Tensor ? operand : constant(operand, dtype);
}
