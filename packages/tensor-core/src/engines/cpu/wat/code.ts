/** One WebAssembly function being written: its lines, its locals, and loops. Text form, encoded later. */
import type { FunctionName } from "./functions.ts";

export type WasmType = "i32" | "v128";

export class Code {
  readonly name: string;
  /** Library functions that the text calls. */
  readonly calls = new Set<FunctionName>();
  /** Functions of its own that the text calls; their names say all about them. */
  readonly helpers = new Map<string, Code>();
  readonly #params: readonly string[];
  readonly #locals: string[] = [];
  readonly #lines: string[] = [];
  #names = 0;
  #depth = 1;

  constructor(name: string, params: readonly string[]) {
    this.name = name;
    this.#params = params;
  }

  uses(helper: Code): void {
    this.helpers.set(helper.name, helper);
  }

  line(text: string): void {
    this.#lines.push("  ".repeat(this.#depth) + text);
  }

  /** Declares a local; `hint` keeps the text readable. Returns how to read it. */
  local(type: WasmType, hint: string): string {
    const name = `$${hint}${this.#names++}`;
    this.#locals.push(`(local ${name} ${type})`);
    return name;
  }

  /** A new local that holds the value; gives its name. */
  keep(type: WasmType, hint: string, value: string): string {
    const name = this.local(type, hint);
    this.line(`(local.set ${name} ${value})`);
    return name;
  }

  set(name: string, value: string): void {
    this.line(`(local.set ${name} ${value})`);
  }

  /** Runs `body` while `index + step <= end`; `index` moves by `step`. Both are i32 locals or constants' texts. */
  loop(index: string, step: number, end: string, body: () => void): void {
    const label = `$l${this.#names++}`;
    this.block(`(block ${label}x (loop ${label}`, () => {
      const last = step === 1 ? get(index) : add(get(index), i32(step - 1));
      this.line(`(br_if ${label}x (i32.ge_u ${last} ${end}))`);
      body();
      this.set(index, add(get(index), i32(step)));
      this.line(`(br ${label})`);
    });
  }

  /** Like `loop` with an end known now: the test stands at the bottom, and no loop is made for one turn or none. */
  fixedLoop(index: string, step: number, from: number, end: number, body: () => void): void {
    const turns = Math.floor((end - from) / step);
    if (turns <= 0) return;
    this.set(index, i32(from));
    if (turns === 1) {
      body();
      return;
    }
    const label = `$l${this.#names++}`;
    this.block(`(loop ${label}`, () => {
      body();
      const next = `(local.tee ${index} ${add(get(index), i32(step))})`;
      this.line(`(br_if ${label} (i32.lt_u ${next} ${i32(from + turns * step)}))`);
    });
  }

  /** Opens a construct, indents what `body` writes, and closes every parenthesis that `open` left open. */
  block(open: string, body: () => void): void {
    this.line(open);
    this.#depth++;
    body();
    this.#depth--;
    let left = 0;
    for (const c of open) left += c === "(" ? 1 : c === ")" ? -1 : 0;
    this.line(")".repeat(left));
  }

  /** The function as text; `exported` names it for the host, and is no part of what it does. */
  text(exported?: string): string {
    const head = exported ? `(export "${exported}") ` : `$${this.name} `;
    const params = this.#params.map((p) => `(param $${p} i32)`).join(" ");
    return `(func ${head}${params}\n  ${this.#locals.join(" ")}\n${this.#lines.join("\n")}\n)\n`;
  }
}

export const i32 = (value: number): string => `(i32.const ${value | 0})`;
export const get = (name: string): string => `(local.get ${name})`;
export const add = (a: string, b: string): string => `(i32.add ${a} ${b})`;
export const load32 = (address: string, offset = 0): string => `(i32.load${at(offset)} ${address})`;
export const splat = (value: string): string => `(i32x4.splat ${value})`;

/** a * factor for a constant factor, without the multiplication where none is needed. */
export function times(a: string, factor: number): string {
  if (factor === 1) return a;
  const shift = Math.log2(factor);
  if (factor > 0 && Number.isInteger(shift)) return `(i32.shl ${a} ${i32(shift)})`;
  return `(i32.mul ${a} ${i32(factor)})`;
}

/** A memory argument's offset, left out where zero. */
export const at = (offset: number): string => (offset === 0 ? "" : ` offset=${offset}`);
