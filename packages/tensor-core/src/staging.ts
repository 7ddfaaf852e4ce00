/** Where a program's feeds are put together: an image of its feed buffer, and which parts of it are new. */
import type { DType, HostArray } from "./dtype.ts";
import { FeedError } from "./errors.ts";
import type { FeedSlot } from "./kernels/ir.ts";
import { showShape } from "./shape.ts";

/** Values of a step by input name; scalars may be bare numbers. */
export type Feeds = Readonly<Record<string, HostArray | number>>;

/** Parts that are no further apart are handed over as one: so many elements cost no more than another copy. */
const GAP = 256;

export class Staging {
  /** The whole feed buffer. */
  readonly image: Uint32Array;
  readonly #views: { readonly [T in DType]: HostArray };
  readonly #slots: readonly FeedSlot[];
  readonly #numbers: ReadonlyMap<string, number>;
  /** For each slot, how many elements from its start are new. */
  readonly #fed: Uint32Array;
  readonly #written: Uint32Array;

  /** `slots` lie in the order of their offsets. */
  constructor(length: number, slots: readonly FeedSlot[]) {
    const bytes = new ArrayBuffer(length * 4);
    this.image = new Uint32Array(bytes);
    this.#views = { f32: new Float32Array(bytes), i32: new Int32Array(bytes), u32: this.image };
    this.#slots = slots;
    this.#numbers = new Map(slots.map(({ name }, i) => [name, i]));
    this.#fed = new Uint32Array(slots.length);
    this.#written = new Uint32Array(2 * slots.length);
  }

  /** Copies feeds in. Throws FeedError for a missing, unknown or misshapen feed. */
  put(feeds: Feeds): void {
    let used = 0;
    for (const name in feeds) {
      const number = this.#numbers.get(name);
      if (number === undefined) {
        throw new FeedError(
          `run: the program has no input "${name}"; its inputs are ${[...this.#numbers.keys()].join(", ") || "none"}.`,
        );
      }
      used++;
      this.#put(number, feeds[name]!);
    }
    if (used < this.#slots.length) {
      const missing = this.#slots.filter(({ name }) => !(name in feeds));
      throw new FeedError(`run: missing ${missing.map(({ name }) => `"${name}"`).join(", ")}.`);
    }
  }

  /**
   * What is new in the image since this was last asked: pairs of the first element and the one behind the last, ascending. The array is used
   * again by the next call.
   */
  written(): Uint32Array {
    const out = this.#written;
    let n = 0;
    this.#slots.forEach(({ offset }, i) => {
      const end = offset + this.#fed[i]!;
      if (end === offset) return;
      if (n > 0 && offset - out[n - 1]! <= GAP) out[n - 1] = end;
      else {
        out[n++] = offset;
        out[n++] = end;
      }
    });
    this.#fed.fill(0);
    return out.subarray(0, n);
  }

  #put(number: number, value: HostArray | number): void {
    const slot = this.#slots[number]!;
    const target = this.#views[slot.dtype];
    let length = 1;
    if (typeof value === "number") {
      if (slot.length !== 1)
        throw new FeedError(`run: "${slot.name}" is ${showShape(slot.shape)}, got one number.`);
      target[slot.offset] = value;
    } else {
      ({ length } = value);
      const fits = slot.upTo ? length <= slot.length : length === slot.length;
      if (!fits || value.constructor !== target.constructor) {
        throw new FeedError(
          `run: "${slot.name}" must be ${slot.upTo ? "at most " : ""}${slot.length} ${slot.dtype} ${showShape(slot.shape)}, ` +
            `got ${length} elements of ${value.constructor.name}.`,
        );
      }
      target.set(value, slot.offset);
    }
    this.#fed[number] = Math.max(this.#fed[number]!, length);
  }
}
