/**
 * Lists of places as the graph sees them: kernels that visit exactly the places of a list, whose length is fed each step. They
 * are plans in which every row has one position and nothing is summed, so the arrays of sums are never looked at: all of them
 * stand for `source`, which has an element more for that reason. So a list costs two arrays a step and not seven.
 */
import { input, type PlanInputs, slice, Tensor } from "@trimtab/tensor-core";

export interface List {
  /** For `rows` and `assignRows`. */
  readonly plan: PlanInputs;
  /** u32 [most]: a number beside each place. */
  readonly source: Tensor;
}

/** A list of up to `most` places; fed as `<name>.rows`, `<name>.source` (both may be shorter) and `<name>.count`. */
export function list(name: string, most: number): List {
  const source = upTo(`${name}.source`, most + 1);
  const count = input(`${name}.count`, [], "u32");
  const plan: PlanInputs = {
    name,
    positions: most,
    capacity: most,
    rows: upTo(`${name}.rows`, most),
    count,
    sorted: source,
    offsets: source,
    pieceOffsets: source,
    pieceFrom: source,
    pieceTo: source,
    places: source,
    pieceCount: count,
  };
  return { plan, source: slice(source, [0], [most]) };
}

/** A u32 input [most] that may be fed fewer elements. */
export function upTo(name: string, most: number): Tensor {
  return new Tensor({ kind: "input", name, upTo: true }, [], [most], "u32");
}
