/** The fixed validation rows that paths are judged on. */
import { type Columns, type FieldInfo, permutation, sharedUint32 } from "@trimtab/data";

/** At most `most` rows, drawn by seed, in the order of the data. All where there are no more. */
export function sampleOf(
  columns: Columns,
  fields: readonly FieldInfo[],
  most: number,
  seed: number,
): Columns {
  if (columns.rows <= most) return columns;
  const rows = permutation(columns.rows, seed, 0).slice(0, most).sort();
  const labels = new Float32Array(sharedUint32(most).buffer);
  rows.forEach((row, i) => {
    labels[i] = columns.labels[row]!;
  });
  const ids = columns.ids.map((all, f) => {
    const { slots } = fields[f]!;
    const own = sharedUint32(most * slots);
    rows.forEach((row, i) => {
      own.set(all.subarray(row * slots, (row + 1) * slots), i * slots);
    });
    return own;
  });
  return { rows: most, labels, ids };
}
