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

/** The plan of a list with nothing beside its places: up to `most` of them, fed as `<name>.rows` (may be shorter) and `<name>.count`. */
export function placesAlone(name: string, most: number): PlanInputs {
  const rows = upTo(`${name}.rows`, most);
  return planOf(name, most, { rows, other: rows });
}

/** A list of up to `most` places; fed as `<name>.rows`, `<name>.source` (both may be shorter) and `<name>.count`. */
export function list(name: string, most: number): List {
  const source = upTo(`${name}.source`, most + 1);
  const plan = planOf(name, most, { rows: upTo(`${name}.rows`, most), other: source });
  return { plan, source: slice(source, [0], [most]) };
}

/** A plan that is never asked for sums: `other` stands for the arrays of these. */
function planOf(
  name: string,
  most: number,
  { rows, other }: { readonly rows: Tensor; readonly other: Tensor },
): PlanInputs {
  const count = input(`${name}.count`, [], "u32");
  return {
    name,
    positions: most,
    capacity: most,
    rows,
    count,
    sorted: other,
    offsets: other,
    pieceOffsets: other,
    pieceFrom: other,
    pieceTo: other,
    places: other,
    pieceCount: count,
  };
}

/** A u32 input [most] that may be fed fewer elements. */
export function upTo(name: string, most: number): Tensor {
  return new Tensor({ kind: "input", name, upTo: true }, [], [most], "u32");
}
