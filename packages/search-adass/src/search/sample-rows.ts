/**
 * The different rows that a sample looks up. A sample looks most rows up many times: what depends on a row and a size alone is kept once a
 * row, and a path is a list of places among what is kept.
 */
import { type Columns, type FieldInfo, PAD, sharedUint32 } from "@trimtab/data";
import { slotsOf, type TableLayout } from "@trimtab/embeddings";
import type { Path } from "../path.ts";

export class SampleRows {
  /** Different rows of all fields together, U. */
  readonly count: number;
  /** [F]: different ids of each field, in the order in which the sample has them. */
  readonly ids: readonly Uint32Array[];
  /** Number of each field's first row among all. */
  readonly starts: readonly number[];
  /** [F][rows x slots]: the number of each id, PAD for an unused slot. */
  readonly #numbers: readonly Uint32Array[];
  readonly #fields: readonly FieldInfo[];

  constructor(sample: Columns, fields: readonly FieldInfo[]) {
    this.#fields = fields;
    const found: Uint32Array[] = [];
    const starts: number[] = [];
    let count = 0;
    this.#numbers = sample.ids.map((column) => {
      const numbers = new Map<number, number>();
      const start = count;
      const own = column.map((id) => {
        if (id === PAD) return PAD;
        const known = numbers.get(id);
        if (known !== undefined) return known;
        const next = start + numbers.size;
        numbers.set(id, next);
        return next;
      });
      starts.push(start);
      found.push(Uint32Array.from(numbers.keys()));
      count += numbers.size;
      return own;
    });
    this.count = count;
    this.ids = found;
    this.starts = starts;
  }

  /** The rows as columns of data: row i looks up the i-th row of every field, in its first slot; fields that have fewer repeat row 0. */
  columns(): Columns {
    const rows = Math.max(1, ...this.ids.map(({ length }) => length));
    const ids = this.ids.map((own, f) => {
      const { slots } = this.#fields[f]!;
      const column = sharedUint32(rows * slots).fill(PAD);
      for (let i = 0; i < rows; i++) column[i * slots] = own[i] ?? 0;
      return column;
    });
    return { rows, labels: new Float32Array(sharedUint32(rows).buffer), ids };
  }

  /**
   * u32 [batch, S], the slots of a layout: where rows `from` and on of the sample find what is kept of their rows under a path. Kept are
   * [sizes, U] and behind them zeros, for size 0, unused slots and rows behind the sample. `first`: the first candidate above 0.
   */
  places(
    path: Path,
    layout: TableLayout,
    { from, batch, first, sizes }: Readonly<Record<"from" | "batch" | "first" | "sizes", number>>,
  ): Uint32Array {
    const zero = sizes * this.count;
    const width = slotsOf(layout, this.#fields);
    const out = new Uint32Array(batch * width).fill(zero);
    let column = 0;
    for (const { field } of layout.fields) {
      const { slots } = this.#fields[field]!;
      const size = path[field]! - first;
      if (size >= 0) {
        const numbers = this.#numbers[field]!;
        const rows = Math.min(batch, numbers.length / slots - from);
        for (let s = 0; s < slots; s++) {
          let at = column + s;
          for (let i = from * slots + s, end = (from + rows) * slots; i < end; i += slots, at += width) {
            const number = numbers[i]!;
            if (number !== PAD) out[at] = size * this.count + number;
          }
        }
      }
      column += slots;
    }
    return out;
  }
}
