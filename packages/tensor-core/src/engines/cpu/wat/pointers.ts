/** Where the accesses of a body stand in the loops that are open: one address local for all accesses that differ by a constant. */
import { type Access, pointerKey } from "./access.ts";
import type { BodyPlan } from "./body-plan.ts";
import { add, get, i32, times } from "./code.ts";

interface Pointer {
  readonly text: string;
  /** The row's part is in it. */
  readonly rowAdded: boolean;
}

/** `index` counts elements, everything else bytes. */
const unitOf = (buffer: number | undefined): number => (buffer === undefined ? 1 : 4);

export class Pointers {
  readonly #plan: BodyPlan;
  readonly #current: Map<string, Pointer>;

  private constructor(plan: BodyPlan, current: Map<string, Pointer>) {
    this.#plan = plan;
    this.#current = current;
  }

  /** Before any loop: writes the base addresses. */
  static begin(plan: BodyPlan): Pointers {
    const current = new Map<string, Pointer>();
    for (const [key, { buffer, origin }] of plan.starts) {
      const start = i32(origin * unitOf(buffer));
      const text =
        buffer === undefined ? start : get(plan.code.keep("i32", "p", add(plan.options.base(buffer), start)));
      current.set(key, { text, rowAdded: false });
    }
    return new Pointers(plan, current);
  }

  fork(): Pointers {
    return new Pointers(this.#plan, new Map(this.#current));
  }

  /** A loop over `axis` is open: moves every pointer that the axis moves. */
  open(axis: number, index: string): void {
    for (const [key, start] of this.#plan.starts) {
      const stride = start.strides[axis]!;
      if (stride !== 0) this.#move(key, times(get(index), stride * unitOf(start.buffer)));
    }
  }

  /** Keys of accesses by row whose row is not in their pointer yet, with the instruction that knows it. */
  *rowsToAdd(): Generator<{ key: string; instr: number }> {
    for (const [key, { row }] of this.#plan.starts) {
      if (row && !this.#current.get(key)!.rowAdded) yield { key, instr: row.instr };
    }
  }

  /** The row number, the same in all lanes, becomes part of the pointer. */
  addRow(key: string, row: string): void {
    this.#move(key, times(row, this.#plan.starts.get(key)!.row!.stride * 4), true);
  }

  lacksRow(access: Access): boolean {
    return access.row !== undefined && !this.#current.get(pointerKey(access))!.rowAdded;
  }

  /** Pointer and constant offset of an access, without the row where `lacksRow`. */
  of(access: Access): { text: string; offset: number } {
    const key = pointerKey(access);
    const { origin } = this.#plan.starts.get(key)!;
    const offset = (access.view.offset - origin) * unitOf(access.buffer);
    return { text: this.#current.get(key)!.text, offset };
  }

  #move(key: string, by: string, addsRow = false): void {
    const { text, rowAdded } = this.#current.get(key)!;
    const moved = get(this.#plan.code.keep("i32", "p", add(text, by)));
    this.#current.set(key, { text: moved, rowAdded: rowAdded || addsRow });
  }
}
