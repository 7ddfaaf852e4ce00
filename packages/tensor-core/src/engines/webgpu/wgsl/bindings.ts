/**
 * Which buffers a WGSL module binds and how its text reads and writes them.
 *
 * A buffer is bound once, whatever the number of loads and stores. Its element type is the dtype all accesses agree
 * on (bits are bits: a feed read as f32 is bound as f32), else u32 with bitcasts. It is an array of vec4 as soon as one access is
 * four wide; single elements of such an array are `b[i / 4][i % 4]`. Every GPU buffer is padded to 16 bytes, so
 * the last vec4 always exists.
 */
import type { DType } from "../../../dtype.ts";
import type { BufferId } from "../../../kernels/ir.ts";
import type { DispatchBinding } from "./dispatch.ts";

export interface Access {
  readonly buffer: BufferId;
  readonly dtype: DType;
  readonly write: boolean;
  readonly wide: boolean;
}

interface Bound {
  readonly name: string;
  readonly buffer: BufferId;
  dtype: DType;
  write: boolean;
  wide: boolean;
}

export class Bindings {
  readonly #bound = new Map<BufferId, Bound>();

  constructor(accesses: readonly Access[]) {
    for (const access of accesses) {
      const bound = this.#bound.get(access.buffer);
      if (bound === undefined) {
        this.#bound.set(access.buffer, { ...access, name: `b${this.#bound.size}` });
        continue;
      }
      if (bound.dtype !== access.dtype) bound.dtype = "u32";
      bound.write ||= access.write;
      bound.wide ||= access.wide;
    }
  }

  /** For `Dispatch.bindings`. */
  get list(): DispatchBinding[] {
    return [...this.#bound.values()].map(({ buffer, write }) => ({
      buffer,
      access: write ? "read_write" : "read",
    }));
  }

  /** The `var<storage>` lines. */
  declarations(): string {
    return [...this.#bound.values()]
      .map((bound, index) => {
        const element = bound.wide ? `vec4<${bound.dtype}>` : bound.dtype;
        const access = bound.write ? "read_write" : "read";
        return `@group(0) @binding(${index}) var<storage, ${access}> ${bound.name}: array<${element}>;\n`;
      })
      .join("");
  }

  /** The value of one element; `address` is a u32 expression in elements. */
  load(buffer: BufferId, dtype: DType, address: string): string {
    const bound = this.#of(buffer);
    return cast(this.#element(bound, address), bound.dtype, dtype, false);
  }

  /** Four neighbours as a vec4; `address` is in elements and a multiple of 4 when the buffer was declared wide. */
  loadWide(buffer: BufferId, dtype: DType, address: string): string {
    const bound = this.#of(buffer);
    if (!bound.wide) {
      const parts = [0, 1, 2, 3].map((i) => `${bound.name}[${address} + ${i}u]`).join(", ");
      return cast(`vec4<${bound.dtype}>(${parts})`, bound.dtype, dtype, true);
    }
    return cast(`${bound.name}[(${address}) >> 2u]`, bound.dtype, dtype, true);
  }

  /** A statement. */
  store(buffer: BufferId, dtype: DType, address: string, value: string): string {
    const bound = this.#of(buffer);
    return `${this.#element(bound, address)} = ${cast(value, dtype, bound.dtype, false)};`;
  }

  /** A statement that stores a vec4; `address` as in `loadWide`. The buffer must have been declared wide. */
  storeWide(buffer: BufferId, dtype: DType, address: string, value: string): string {
    const bound = this.#of(buffer);
    return `${bound.name}[(${address}) >> 2u] = ${cast(value, dtype, bound.dtype, true)};`;
  }

  #element(bound: Bound, address: string): string {
    return bound.wide ? `${bound.name}[(${address}) >> 2u][(${address}) & 3u]` : `${bound.name}[${address}]`;
  }

  #of(buffer: BufferId): Bound {
    const bound = this.#bound.get(buffer);
    if (bound === undefined) throw new Error(`buffer ${buffer} was not among the accesses of its Bindings`);
    return bound;
  }
}

function cast(text: string, from: DType, to: DType, wide: boolean): string {
  if (from === to) return text;
  return wide ? `bitcast<vec4<${to}>>(${text})` : `bitcast<${to}>(${text})`;
}
