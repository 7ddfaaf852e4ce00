/**
 * Numbers of a kernel that depend on shapes alone (extents, strides, offsets).
 *
 * On a software device compiling a kernel takes a tenth of a second or more, and every scheme has shapes of its own. So there
 * the numbers are not written into the text but read from a small uniform buffer: kernels of one structure share one text,
 * and so one pipeline. On a GPU they are literals, which its compiler can fold.
 *
 * 0 and 1 always stay in the text: a stride of 0 or 1 is structure (no term, no factor).
 */
import type { DeviceTraits } from "./dispatch.ts";

const PARTS = ["x", "y", "z", "w"] as const;

export class Params {
  /** Values in the order of use; empty on a GPU. */
  readonly values: number[] = [];
  readonly #shared: boolean;

  constructor(traits: Pick<DeviceTraits, "software">) {
    this.#shared = traits.software;
  }

  /** A u32 expression of the value; negative numbers wrap. */
  u32(value: number): string {
    if (!this.#shared || value === 0 || value === 1) return `${value >>> 0}u`;
    // never one slot for two uses: equal numbers in one shape may differ in another
    this.values.push(value >>> 0);
    return `P${this.values.length - 1}`;
  }

  /** The uniform's declaration, after `bindings` storage buffers. */
  declaration(bindings: number): string {
    if (this.values.length === 0) return "";
    const length = Math.ceil(this.values.length / 4);
    return `@group(0) @binding(${bindings}) var<uniform> params: array<vec4<u32>, ${length}>;\n`;
  }

  /** Statements for the start of main. */
  lines(): string[] {
    return this.values.map((_, i) => `let P${i} = params[${i >> 2}].${PARTS[i & 3]};`);
  }

  /**
   * Statements that define `quotient` and `remainder` of `dividend` (an expression below 2^31) by `divisor`. A processor has no
   * vector division of integers: with a divisor known only at run time this multiplies by a reciprocal a little too
   * small, twice, and corrects by one.
   */
  divide(dividend: string, divisor: number, quotient: string, remainder: string): string[] {
    if (!this.#shared || divisor === 1) {
      return [
        `let ${quotient} = ${dividend} / ${divisor}u;`,
        `let ${remainder} = ${dividend} % ${divisor}u;`,
      ];
    }
    const d = this.u32(divisor);
    const inverse = new Float32Array([(1 / divisor) * (1 - 2 ** -21)]);
    const bits = this.u32(new Uint32Array(inverse.buffer)[0]!);
    const [q, r] = [`${quotient}q`, `${quotient}r`];
    return [
      `let ${q}a = u32(i32(f32(i32(${dividend})) * bitcast<f32>(${bits})));`,
      `let ${r}a = ${dividend} - ${q}a * ${d};`,
      `let ${q}b = u32(i32(f32(i32(${r}a)) * bitcast<f32>(${bits})));`,
      `let ${r}b = ${r}a - ${q}b * ${d};`,
      `let ${q}c = select(0u, 1u, ${r}b >= ${d});`,
      `let ${quotient} = ${q}a + ${q}b + ${q}c;`,
      `let ${remainder} = ${r}b - ${q}c * ${d};`,
    ];
  }
}
