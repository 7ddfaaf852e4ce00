/**
 * Instructions inside loops. A kernel opens its loops one by one and says so (`enter`, `enterVector`); each
 * instruction is written in the outermost loop where all that it depends on is known, so a row number or a learning
 * rate is read once and not once a number. Values are vectors of four lanes throughout; what does not depend on the
 * vector axis has the same value in all four.
 */
import { KernelError } from "../../../errors.ts";
import type { Instr, InstrId, LoadInstr, Store } from "../../../kernels/ir.ts";
import { type Access, pointerKey } from "./access.ts";
import { type BodyOptions, BodyPlan, FOLDED } from "./body-plan.ts";
import { add, at, type Code, get, i32, splat, times } from "./code.ts";
import type { FunctionName } from "./functions.ts";
import {
  binaryText,
  castText,
  comparisonText,
  constText,
  maskToNumber,
  numberToMask,
  selectText,
  shiftText,
  unaryText,
} from "./operators.ts";
import { Pointers } from "./pointers.ts";

/** How many numbers a turn of the innermost loop works on: lanes (4, or 1 for what is left) times copies. */
export interface Width {
  readonly lanes: 1 | 4;
  readonly copies: number;
}

interface Value {
  /** One text a copy; one in all where copies do not differ. */
  readonly texts: readonly string[];
  /** All bits of a lane or none, not 1 or 0. */
  readonly mask: boolean;
}

interface State {
  readonly pointers: Pointers;
  readonly values: Map<InstrId, Value>;
  open: number;
  vector?: { readonly axis: number; readonly width: Width };
}

export class Body {
  readonly #plan: BodyPlan;
  readonly #code: Code;
  readonly #state: State;

  private constructor(plan: BodyPlan, state: State) {
    this.#plan = plan;
    this.#code = plan.code;
    this.#state = state;
  }

  /** Before any loop: writes base addresses and what depends on no loop. */
  static begin(code: Code, instrs: readonly Instr[], stores: readonly Store[], options: BodyOptions): Body {
    const plan = new BodyPlan(code, instrs, stores, options);
    const body = new Body(plan, { pointers: Pointers.begin(plan), values: new Map(), open: 0 });
    body.#settle();
    return body;
  }

  /** The same place in the same loops: to write the loops inside once more, in another width. */
  fork(): Body {
    const { pointers, values, open, vector } = this.#state;
    return new Body(this.#plan, { pointers: pointers.fork(), values: new Map(values), open, vector });
  }

  /** A loop over `axis` is open; `index` is a local with its number. */
  enter(axis: number, index: string): this {
    this.#openAxis(axis, index);
    this.#settle();
    return this;
  }

  /** The loop over lanes is open; `index` is a local with the number of lane 0 of copy 0. */
  enterVector(axis: number, index: string, width: Width): this {
    this.#state.vector = { axis, width };
    this.#openAxis(axis, index);
    this.#settle();
    return this;
  }

  /** The folds are complete: `acc` may be read from here on. */
  folded(): this {
    this.#state.open |= FOLDED;
    this.#settle();
    return this;
  }

  /** The value of an instruction in a copy, as numbers. */
  value(instr: InstrId, copy: number): string {
    const { texts, mask } = this.#valueOf(instr);
    const text = texts[copy] ?? texts[0]!;
    return mask ? maskToNumber(text) : text;
  }

  /** Writes the stores of every copy. All axes must be open. */
  store(): void {
    for (const store of this.#plan.stores) {
      for (let copy = 0; copy < this.#copies; copy++) this.#storeOne(store, copy);
    }
  }

  get #copies(): number {
    return this.#state.vector?.width.copies ?? 1;
  }

  #openAxis(axis: number, index: string): void {
    this.#state.open |= 1 << axis;
    this.#state.pointers.open(axis, index);
  }

  /** Writes every instruction that can be written by now. */
  #settle(): void {
    const { instrs, axes, needed } = this.#plan;
    for (let id = 0; id < instrs.length; id++) {
      if ((axes[id]! & ~this.#state.open) !== 0) continue;
      if (needed[id] && !this.#state.values.has(id)) this.#write(id);
    }
    this.#addRows();
  }

  /** Rows that all lanes share become part of their pointers as soon as they are known. */
  #addRows(): void {
    const { pointers, open } = this.#state;
    for (const { key, instr } of [...pointers.rowsToAdd()]) {
      if ((this.#plan.axes[instr]! & ~open) === 0 && !this.#varies(instr))
        pointers.addRow(key, this.#sameRow(instr));
    }
  }

  /** A row number that is the same in all lanes, as i32 text. */
  #sameRow(id: InstrId): string {
    const instr = this.#plan.instrs[id]!;
    if (instr.op === "load" && !this.#state.values.has(id)) {
      const { text, offset } = this.#address(instr);
      return `(i32.load${at(offset)} ${text})`;
    }
    return `(i32x4.extract_lane 0 ${this.value(id, 0)})`;
  }

  /** True where lanes or copies differ. */
  #varies(id: InstrId): boolean {
    const { vector } = this.#state;
    return vector !== undefined && (this.#plan.axes[id]! & (1 << vector.axis)) !== 0;
  }

  #valueOf(id: InstrId): Value {
    const known = this.#state.values.get(id);
    if (known) return known;
    this.#write(id);
    return this.#state.values.get(id)!;
  }

  #write(id: InstrId): void {
    const instr = this.#plan.instrs[id]!;
    const { values } = this.#state;
    if (instr.op === "const") {
      values.set(id, { texts: [constText(instr.dtype, instr.value)], mask: false });
      return;
    }
    const copies = this.#varies(id) ? this.#copies : 1;
    const texts: string[] = [];
    let mask = false;
    for (let copy = 0; copy < copies; copy++) {
      const made = this.#expression(instr, copy);
      mask = made.mask;
      texts.push(get(this.#code.keep("v128", "v", made.text)));
    }
    values.set(id, { texts, mask });
  }

  #expression(instr: Instr, copy: number): { text: string; mask: boolean } {
    const number = (text: string) => ({ text, mask: false });
    const value = (id: InstrId) => this.value(id, copy);
    const dtypeOf = (id: InstrId) => this.#plan.instrs[id]!.dtype;
    const call = (name: FunctionName, ...args: string[]): string => {
      this.#code.calls.add(name);
      return `(call $${name} ${args.join(" ")})`;
    };
    switch (instr.op) {
      case "const":
        return number(constText(instr.dtype, instr.value));
      case "acc":
        return number(this.#plan.options.acc!.text(instr.index, copy));
      case "index":
        return number(this.#indexText(instr, copy));
      case "load":
        return number(this.#loadText(instr, copy));
      case "unary":
        return number(unaryText(instr.name, instr.dtype, value(instr.a), call));
      case "cast":
        return number(castText(dtypeOf(instr.a), instr.dtype, value(instr.a)));
      case "threefry":
        return number(call("threefry", value(instr.k0), value(instr.k1), value(instr.c0), value(instr.c1)));
      case "select":
        return number(selectText(this.#maskOf(instr.cond, copy), value(instr.a), value(instr.b)));
      case "binary":
        return this.#binary(instr, copy, call);
    }
  }

  #binary(
    { name, a, b }: Extract<Instr, { op: "binary" }>,
    copy: number,
    call: (name: FunctionName, ...args: string[]) => string,
  ): { text: string; mask: boolean } {
    const { instrs } = this.#plan;
    const dtype = instrs[a]!.dtype;
    if ((name === "and" || name === "or" || name === "xor") && this.#isMask(a) && this.#isMask(b)) {
      return {
        text: `(v128.${name} ${this.#maskOf(a, copy)} ${this.#maskOf(b, copy)})`,
        mask: true,
      };
    }
    const [left, right] = [this.value(a, copy), this.value(b, copy)];
    const compared = comparisonText(name, dtype, left, right);
    if (compared !== undefined) return { text: compared, mask: true };
    const amount = instrs[b]!;
    if ((name === "shl" || name === "shr") && amount.op === "const") {
      return { text: shiftText(name, dtype, left, amount.value), mask: false };
    }
    return { text: binaryText(name, dtype, left, right, call), mask: false };
  }

  #isMask(id: InstrId): boolean {
    return this.#valueOf(id).mask;
  }

  #maskOf(id: InstrId, copy: number): string {
    const { texts, mask } = this.#valueOf(id);
    const text = texts[copy] ?? texts[0]!;
    return mask ? text : numberToMask(text);
  }

  /** Pointer and constant bytes of an access; its row is in it where all lanes share the row. */
  #address(access: Access): { text: string; offset: number } {
    const { pointers } = this.#state;
    if (pointers.lacksRow(access) && !this.#varies(access.row!.instr))
      pointers.addRow(pointerKey(access), this.#sameRow(access.row!.instr));
    return pointers.of(access);
  }

  /** How lanes lie: stride of the vector axis in elements, and whether each lane has a row of its own. */
  #lanes(access: Access): { stride: number; rows: boolean; width: Width } {
    const { vector } = this.#state;
    if (!vector) return { stride: 0, rows: false, width: { lanes: 1, copies: 1 } };
    const rows = access.row !== undefined && this.#varies(access.row.instr);
    return { stride: access.view.strides[vector.axis]!, rows, width: vector.width };
  }

  #indexText(instr: Extract<Instr, { op: "index" }>, copy: number): string {
    const { text, offset } = this.#address({ view: instr.view });
    const { stride, width } = this.#lanes({ view: instr.view });
    const first = add(text, i32(offset + copy * width.lanes * stride));
    if (stride === 0 || width.lanes === 1) return splat(first);
    return `(i32x4.add ${splat(first)} (v128.const i32x4 ${[0, 1, 2, 3].map((l) => (l * stride) | 0).join(" ")}))`;
  }

  #loadText(instr: LoadInstr, copy: number): string {
    const { text, offset } = this.#address(instr);
    const { stride, rows, width } = this.#lanes(instr);
    if (rows) return this.#lanesOf(instr, copy, width);
    const first = offset + copy * width.lanes * stride * 4;
    if (width.lanes === 1 || stride === 0) return `(v128.load32_splat${at(first)} ${text})`;
    if (stride === 1) return `(v128.load${at(first)} ${text})`;
    let loaded = `(v128.load32_zero${at(first)} ${text})`;
    for (let lane = 1; lane < 4; lane++)
      loaded = `(v128.load32_lane${at(first + lane * stride * 4)} ${lane} ${text} ${loaded})`;
    return loaded;
  }

  /** Each lane from a row of its own. */
  #lanesOf(instr: LoadInstr, copy: number, width: Width): string {
    if (width.lanes === 1) {
      const { text, offset } = this.#laneAddress(instr, copy, 0);
      return `(v128.load32_splat${at(offset)} ${text})`;
    }
    let loaded = "";
    for (let lane = 0; lane < 4; lane++) {
      const { text, offset } = this.#laneAddress(instr, copy, lane);
      loaded =
        lane === 0
          ? `(v128.load32_zero${at(offset)} ${text})`
          : `(v128.load32_lane${at(offset)} ${lane} ${text} ${loaded})`;
    }
    return loaded;
  }

  #laneAddress(access: Access, copy: number, lane: number): { text: string; offset: number } {
    const { text, offset } = this.#address(access);
    const { stride, width } = this.#lanes(access);
    const row = access.row!;
    const number = `(i32x4.extract_lane ${lane} ${this.value(row.instr, copy)})`;
    return {
      text: add(text, times(number, row.stride * 4)),
      offset: offset + (copy * width.lanes + lane) * stride * 4,
    };
  }

  #storeOne(store: Store, copy: number): void {
    const value = this.value(store.value, copy);
    const { text, offset } = this.#address(store);
    const { stride, rows, width } = this.#lanes(store);
    const first = offset + copy * width.lanes * stride * 4;
    if (rows) {
      for (let lane = 0; lane < width.lanes; lane++) {
        const to = this.#laneAddress(store, copy, lane);
        this.#code.line(`(v128.store32_lane${at(to.offset)} ${lane} ${to.text} ${value})`);
      }
    } else if (width.lanes === 1) {
      this.#code.line(`(v128.store32_lane${at(first)} 0 ${text} ${value})`);
    } else if (stride === 1) {
      this.#code.line(`(v128.store${at(first)} ${text} ${value})`);
    } else if (stride === 0) {
      throw new KernelError("a store has one address for several points of its kernel's space");
    } else {
      for (let lane = 0; lane < 4; lane++)
        this.#code.line(`(v128.store32_lane${at(first + lane * stride * 4)} ${lane} ${text} ${value})`);
    }
  }
}
