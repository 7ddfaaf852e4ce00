/** Between the fields of a table and their slots: a multi-valued field has several ids a row. */
import type { FieldSpec, TableLayout } from "@trimtab/embeddings";
import { broadcastTo, concat, sliceAxis, sum, type Tensor } from "@trimtab/tensor-core";

/** Slots of each field of a layout, in its order. */
export function slotCounts({ fields }: TableLayout, specs: readonly FieldSpec[]): number[] {
  return fields.map(({ field }) => specs[field]!.slots);
}

/** x with fields along `axis` -> the same with slots along it: each field's part once for each of its slots. */
export function toSlots(x: Tensor, axis: number, counts: readonly number[]): Tensor {
  if (counts.every((n) => n === 1)) return x;
  const parts = counts.map((n, i) => {
    const part = sliceAxis(x, axis, i, i + 1);
    return broadcastTo(
      part,
      part.shape.map((d, a) => (a === axis ? n : d)),
    );
  });
  return concat(parts, axis);
}

/** x [S, ...] -> [F, ...]: the sum over each field's slots. */
export function sumSlots(x: Tensor, counts: readonly number[]): Tensor {
  if (counts.every((n) => n === 1)) return x;
  let at = 0;
  const parts = counts.map((n) => {
    at += n;
    return sum(sliceAxis(x, 0, at - n, at), [0], { keep: true });
  });
  return concat(parts, 0);
}
