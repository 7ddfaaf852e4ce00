/**
 * Instruction arrays to WGSL statements, one value a thread or four neighbours along one axis (`width` 4).
 *
 * At width 4 a value that is the same for the four stays a scalar until something needs it as a vec4. Loads and stores
 * are `wide` where the four elements are one aligned vec4, `one` where all four are the same element, else `apart`.
 *
 * For other generators (matmul): collect the accesses of `post` and the stores with `accessesOf`, add your own, make
 * `Bindings`, call `emitPoint` once a point, and put `moduleText` around it all.
 */
import type { DType } from "../../../dtype.ts";
import type { Instr, RowTerm, Store, View } from "../../../kernels/ir.ts";
import { accessKind, type Width } from "./accesses.ts";
import type { Bindings } from "./bindings.ts";
import { functionName } from "./functions.ts";
import { binaryText, castText, constText, unaryText } from "./operators.ts";
import { Params } from "./params.ts";

/** A value in WGSL: a name or expression without side effects. `bool` is the same comparison as a bool. */
export interface Value {
  readonly text: string;
  readonly wide: boolean;
  readonly bool?: string;
}

/** Where statements are emitted: the iteration point and the names of the values so far. */
export class Emitter {
  readonly bindings: Bindings;
  readonly width: Width;
  /** The axis along which the four elements of width 4 lie. */
  readonly vectorAxis: number;
  /** u32 expressions of the iteration axes; axes[vectorAxis] is a multiple of 4 at width 4. */
  readonly axes: readonly string[];
  /** Results of the heavy part, for `acc`. */
  readonly acc: readonly Value[];
  /** Locals are named prefix + number. */
  readonly prefix: string;
  /** Shape numbers of the module. */
  readonly params: Params;
  /** Functions that the module must hold: pass to `functionTexts`, one set for a module. */
  readonly functions: Set<string>;
  readonly values: Value[] = [];

  constructor(options: {
    bindings: Bindings;
    width: Width;
    axes: readonly string[];
    vectorAxis?: number;
    acc?: readonly Value[];
    prefix?: string;
    functions: Set<string>;
    params?: Params;
  }) {
    this.bindings = options.bindings;
    this.width = options.width;
    this.axes = options.axes;
    this.vectorAxis = options.vectorAxis ?? options.axes.length - 1;
    this.acc = options.acc ?? [];
    this.prefix = options.prefix ?? "v";
    this.functions = options.functions;
    this.params = options.params ?? new Params({ software: false });
  }

  /** Statements for the instructions (all, or those `when` picks: operands must have been emitted before). */
  emit(instrs: readonly Instr[], when: (id: number) => boolean = () => true): string[] {
    const lines: string[] = [];
    for (let id = 0; id < instrs.length; id++) {
      if (when(id)) this.values[id] = this.#instr(instrs[id]!, `${this.prefix}${id}`, lines);
    }
    return lines;
  }

  /** Statements that write the stores' values. */
  emitStores(stores: readonly Store[]): string[] {
    return stores.flatMap((store) => {
      const kind = this.#kindOf(store.view, store.row);
      const value = this.value(store.value);
      if (this.width === 1) {
        return [
          this.bindings.store(store.buffer, store.dtype, this.#address(store.view, store.row), value.text),
        ];
      }
      if (kind === "wide") {
        const text = splat(value, store.dtype);
        return [
          this.bindings.storeWide(store.buffer, store.dtype, this.#address(store.view, store.row), text),
        ];
      }
      return [0, 1, 2, 3].map((lane) => {
        const address = this.#address(store.view, store.row, lane);
        return this.bindings.store(
          store.buffer,
          store.dtype,
          address,
          value.wide ? `${value.text}[${lane}]` : value.text,
        );
      });
    });
  }

  value(id: number): Value {
    const value = this.values[id];
    if (value === undefined) throw new Error(`instruction ${id} is used before it is emitted`);
    return value;
  }

  /** A value as text of the emitter's width. */
  full(id: number, dtype: DType): string {
    return this.width === 4 ? splat(this.value(id), dtype) : this.value(id).text;
  }

  #instr(instr: Instr, name: string, lines: string[]): Value {
    const define = (text: string, wide: boolean): Value => {
      lines.push(`let ${name} = ${text};`);
      return { text: name, wide };
    };
    switch (instr.op) {
      case "const":
        return define(constText(instr.dtype, instr.value, this.functions), false);
      case "acc":
        return this.acc[instr.index]!;
      case "index": {
        const address = this.#address(instr.view, undefined);
        const stride = this.#lastStride(instr.view);
        if (this.width === 1 || stride === 0) return define(address, false);
        return define(
          `vec4<u32>(${address}) + vec4<u32>(0u, ${[1, 2, 3].map((i) => this.params.u32(i * stride)).join(", ")})`,
          true,
        );
      }
      case "load": {
        const kind = this.#kindOf(instr.view, instr.row);
        if (this.width === 1 || kind === "one") {
          return define(
            this.bindings.load(instr.buffer, instr.dtype, this.#address(instr.view, instr.row)),
            false,
          );
        }
        if (kind === "wide") {
          return define(
            this.bindings.loadWide(instr.buffer, instr.dtype, this.#address(instr.view, instr.row)),
            true,
          );
        }
        const lanes = [0, 1, 2, 3].map((lane) =>
          this.bindings.load(instr.buffer, instr.dtype, this.#address(instr.view, instr.row, lane)),
        );
        return define(`vec4<${instr.dtype}>(${lanes.join(", ")})`, true);
      }
      case "unary": {
        const a = this.value(instr.a);
        return define(unaryText(instr.name, instr.dtype, a.text, a.wide, this.functions), a.wide);
      }
      case "binary": {
        const [a, b] = [this.value(instr.a), this.value(instr.b)];
        const wide = a.wide || b.wide;
        // The dtype of a comparison is u32, that of its operands is not told: splat by copying the text.
        const at = wide ? lanes4(a) : a.text;
        const bt = wide ? lanes4(b) : b.text;
        const comparison = COMPARISONS[instr.name];
        if (comparison === undefined) {
          return define(binaryText(instr.name, instr.dtype, at, bt, wide, this.functions), wide);
        }
        lines.push(`let ${name}q = ${at} ${comparison} ${bt};`);
        lines.push(
          `let ${name} = ${wide ? `select(vec4<u32>(0u), vec4<u32>(1u), ${name}q)` : `select(0u, 1u, ${name}q)`};`,
        );
        return { text: name, wide, bool: `${name}q` };
      }
      case "select": {
        const [cond, a, b] = [this.value(instr.cond), this.value(instr.a), this.value(instr.b)];
        const wide = cond.wide || a.wide || b.wide;
        const zero = cond.wide ? "vec4<u32>(0u)" : "0u";
        const test = cond.bool ?? `(${cond.text} != ${zero})`;
        // A scalar condition may choose between two vec4s as it is.
        return define(`select(${wide ? lanes4(b) : b.text}, ${wide ? lanes4(a) : a.text}, ${test})`, wide);
      }
      case "cast": {
        const a = this.value(instr.a);
        return define(castText(instr.dtype, a.text, a.wide), a.wide);
      }
      case "threefry": {
        const operands = [instr.k0, instr.k1, instr.c0, instr.c1].map((operand) => this.value(operand));
        const wide = operands.some((operand) => operand.wide);
        const fn = functionName("threefry", wide);
        this.functions.add(fn);
        return define(`${fn}(${operands.map((o) => (wide ? splat(o, "u32") : o.text)).join(", ")})`, wide);
      }
    }
  }

  #lastStride(view: View): number {
    return view.strides[this.vectorAxis] ?? 0;
  }

  #kindOf(view: View, row: RowTerm | undefined): "one" | "wide" | "apart" {
    if (this.width === 1) return "one";
    return accessKind(view, row, this.vectorAxis, row !== undefined && this.value(row.instr).wide);
  }

  /** Element address; `lane` picks one of the four at width 4. */
  #address(view: View, row: RowTerm | undefined, lane = 0): string {
    const offset = view.offset + (lane === 0 ? 0 : lane * this.#lastStride(view));
    let text = "";
    const add = (stride: number, of: string): void => {
      if (stride === 0 || of === "0u") return;
      const factor = Math.abs(stride) === 1 ? of : `${of} * ${this.params.u32(Math.abs(stride))}`;
      if (text === "") text = stride > 0 ? factor : `0u - ${factor}`;
      else text += stride > 0 ? ` + ${factor}` : ` - ${factor}`;
    };
    for (const [axis, stride] of view.strides.entries()) add(stride, this.axes[axis]!);
    if (row !== undefined) {
      const value = this.value(row.instr);
      add(row.stride, value.wide ? `${value.text}[${lane}]` : value.text);
    }
    if (text === "") return this.params.u32(offset);
    if (offset === 0) return text;
    return offset > 0 ? `${text} + ${this.params.u32(offset)}` : `${text} - ${this.params.u32(-offset)}`;
  }
}

/** Statements for `post` and the stores at one point (b, m, n): at width 4, n is a multiple of 4 and acc values are vec4s. */
export function emitPoint(
  kernel: { readonly post: readonly Instr[]; readonly stores: readonly Store[] },
  options: ConstructorParameters<typeof Emitter>[0],
): string[] {
  const emitter = new Emitter(options);
  return [...emitter.emit(kernel.post), ...emitter.emitStores(kernel.stores)];
}

const COMPARISONS: Partial<Record<string, string>> = {
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  eq: "==",
  ne: "!=",
};

function splat(value: Value, dtype: DType): string {
  return value.wide ? value.text : `vec4<${dtype}>(${value.text})`;
}

function lanes4(value: Value): string {
  return value.wide ? value.text : `vec4(${value.text})`;
}
