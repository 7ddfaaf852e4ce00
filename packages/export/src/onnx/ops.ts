/** Operators of ONNX as functions on a graph, so that formulas read as such. Whole numbers are int64 throughout. */
import type { Graph, Value } from "./graph.ts";

export class Ops {
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  #int(x: Value | number): Value {
    return typeof x === "number" ? this.graph.ints(x) : x;
  }

  add(a: Value, b: Value | number): Value {
    return this.graph.op("Add", [a, this.#int(b)]);
  }

  sub(a: Value | number, b: Value | number): Value {
    return this.graph.op("Sub", [this.#int(a), this.#int(b)]);
  }

  mul(a: Value, b: Value | number): Value {
    return this.graph.op("Mul", [a, this.#int(b)]);
  }

  /** Of numbers from 0 up: rounds down. */
  div(a: Value, b: Value | number): Value {
    return this.graph.op("Div", [a, this.#int(b)]);
  }

  mod(a: Value, b: Value | number): Value {
    return this.graph.op("Mod", [a, this.#int(b)]);
  }

  /** Not Min and Max: of int64, onnxruntime 1.30 takes Max(x, 0) for 0 where x is 2^31 or more. */
  min(a: Value, b: Value | number): Value {
    return this.where(this.less(a, b), a, b);
  }

  max(a: Value, b: Value | number): Value {
    return this.where(this.less(a, b), b, a);
  }

  bits(a: Value, b: Value | number): Value {
    return this.graph.op("BitwiseAnd", [a, this.#int(b)]);
  }

  xor(a: Value, b: Value): Value {
    return this.graph.op("BitwiseXor", [a, b]);
  }

  less(a: Value, b: Value | number): Value {
    return this.graph.op("Less", [a, this.#int(b)]);
  }

  equal(a: Value, b: Value | number): Value {
    return this.graph.op("Equal", [a, this.#int(b)]);
  }

  and(a: Value, b: Value): Value {
    return this.graph.op("And", [a, b]);
  }

  where(condition: Value, a: Value | number, b: Value | number): Value {
    return this.graph.op("Where", [condition, this.#int(a), this.#int(b)]);
  }

  /** Entries of `data` along its axis. */
  gather(data: Value, indices: Value, axis = 0): Value {
    return this.graph.op("Gather", [data, indices], { axis: BigInt(axis) });
  }

  /** Words of an index, which are kept as u32. */
  words(data: Value, indices: Value): Value {
    return this.graph.cast(this.gather(data, indices), "i64");
  }

  unsqueeze(x: Value, axis: number): Value {
    return this.graph.op("Unsqueeze", [x, this.graph.ints([axis])]);
  }

  squeeze(x: Value, axis: number): Value {
    return this.graph.op("Squeeze", [x, this.graph.ints([axis])]);
  }

  /** 0 keeps a dim as it is. */
  reshape(x: Value, shape: readonly number[]): Value {
    return this.graph.op("Reshape", [x, this.graph.ints(shape)]);
  }

  concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.graph.op("Concat", parts, { axis: BigInt(axis) });
  }

  slice(x: Value, axis: number, from: number, to: number): Value {
    const { graph } = this;
    return graph.op("Slice", [x, graph.ints([from]), graph.ints([to]), graph.ints([axis])]);
  }

  sum(x: Value, axis: number, keep = false): Value {
    return this.graph.op("ReduceSum", [x, this.graph.ints([axis])], { keepdims: keep ? 1n : 0n });
  }

  matmul(a: Value, b: Value): Value {
    return this.graph.op("MatMul", [a, b]);
  }

  relu(x: Value): Value {
    return this.graph.op("Relu", [x]);
  }

  /** 0 .. n-1 */
  iota(n: number): Value {
    return this.graph.ints(Array.from({ length: n }, (_, i) => i));
  }
}
