/**
 * A Variable is state on the device that outlives a step: a parameter, an optimizer moment, a running mean.
 * It owns one buffer until `dispose()`. Made by `Device.variable`.
 */
import type { DType, HostArray } from "../dtype.ts";
import { DisposedError } from "../errors.ts";
import { type Shape, sizeOf } from "../shape.ts";
import { Tensor } from "./tensor.ts";

/** What a variable needs of its owner; Device implements it. */
export interface VariableStore {
  write(variable: Variable, data: HostArray, offset: number): void;
  read(variable: Variable, offset: number, length: number): Promise<HostArray>;
  release(variable: Variable): void;
}

/** State on the device, of a fixed shape and dtype. Writes and reads keep their order with program runs. */
export class Variable {
  /** The content at the start of a step, as a graph leaf. */
  readonly value: Tensor;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  #store: VariableStore | undefined;

  constructor(name: string, shape: Shape, dtype: DType, store: VariableStore) {
    this.name = name;
    this.shape = shape;
    this.dtype = dtype;
    this.#store = store;
    this.value = new Tensor({ kind: "variable", variable: this }, [], shape, dtype);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#store === undefined;
  }

  /** Overwrites `data.length` elements from element `offset`, in order with program runs. Throws FeedError on a wrong dtype or length. */
  write(data: HostArray, offset = 0): void {
    this.#live().write(this, data, offset);
  }

  /** A copy of `length` elements from element `offset`, after everything queued so far. */
  read(offset = 0, length = this.size - offset): Promise<HostArray> {
    return this.#live().read(this, offset, length);
  }

  /** Frees the device buffer. Programs that use the variable must not run afterwards. Twice is harmless. */
  dispose(): void {
    this.#store?.release(this);
    this.#store = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): VariableStore {
    if (this.#store) return this.#store;
    throw new DisposedError(`Variable "${this.name}" was disposed; make a new one or dispose it later.`);
  }
}
