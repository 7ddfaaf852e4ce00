/**
 * Turns graph expressions into kernel instructions over an iteration space. Inline nodes become instructions, nodes
 * that have a buffer become loads, nodes that the kernel itself computes are refered to directly.
 */
import type { Tensor } from "../graph/tensor.ts";
import type { BufferId, Instr, InstrId } from "../kernels/ir.ts";
import { sameShape } from "../shape.ts";
import { type Chain, viewOpOf } from "./chain.ts";
import { keyOfFields } from "./keys.ts";
import { denseLayout, isDense, type Layout } from "./layout.ts";
import { tableOf } from "./materialize.ts";

/** Where a node's elements lie. */
export interface Storage {
  readonly buffer: BufferId;
  readonly layout: Layout;
}

/** What an expression meets on its way down, as decided by the kernel that is being formed. */
export interface Scope {
  /** The node's buffer, if it is read from one in this kernel. */
  storage(node: Tensor): Storage | undefined;
  /** The accumulator number of a node that is this kernel's heavy part. */
  acc(node: Tensor): number | undefined;
  /** True for a node that this kernel stores: it may only be used at the very element that is being computed. */
  own(node: Tensor): boolean;
}

/** An expression that cannot be addressed by strides; `node` must become a buffer (undefined: the merge is impossible). */
export class NotAffine {
  readonly node: Tensor | undefined;
  constructor(node: Tensor | undefined) {
    this.node = node;
  }
}

export class Emitter {
  readonly instrs: Instr[] = [];
  readonly #scope: Scope;
  readonly #byKey = new Map<string, InstrId>();
  readonly #memo = new Map<Tensor, Map<Chain, InstrId>>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** The instruction that computes `node` as seen through `chain`. Throws NotAffine. */
  emit(node: Tensor, chain: Chain): InstrId {
    let known = this.#memo.get(node);
    if (!known) {
      known = new Map();
      this.#memo.set(node, known);
    }
    let id = known.get(chain);
    if (id === undefined) {
      id = this.#compute(node, chain);
      known.set(chain, id);
    }
    return id;
  }

  #compute(node: Tensor, chain: Chain): InstrId {
    const acc = this.#scope.acc(node);
    if (acc !== undefined || this.#scope.own(node)) {
      // the kernel that replaces rows of a table does not have the table at hand
      if (node.op.kind === "assignRows") throw new NotAffine(undefined);
      if (!isDense(this.#layout(chain, denseLayout(node.shape)))) throw new NotAffine(undefined);
    }
    if (acc !== undefined) return this.#add({ op: "acc", dtype: node.dtype, index: acc });
    const storage = this.#scope.storage(node);
    if (storage) return this.#load(node, storage, chain);
    const view = viewOpOf(node);
    if (view) {
      const source = node.inputs[0]!;
      return this.emit(source, chain.push(view, source));
    }
    return this.#operation(node, chain);
  }

  #operation(node: Tensor, chain: Chain): InstrId {
    const op = node.op;
    const arg = (i: number) => this.emit(node.inputs[i]!, chain);
    switch (op.kind) {
      case "const":
        return this.#add({ op: "const", dtype: node.dtype, value: op.value });
      case "iota": {
        const { offset, strides } = this.#layout(chain, denseLayout(node.shape));
        return this.#add({ op: "index", dtype: "u32", view: { offset, strides } });
      }
      case "unary":
        return this.#add({ op: "unary", dtype: node.dtype, name: op.name, a: arg(0) });
      case "binary":
        return this.#add({ op: "binary", dtype: node.dtype, name: op.name, a: arg(0), b: arg(1) });
      case "select":
        return this.#add({ op: "select", dtype: node.dtype, cond: arg(0), a: arg(1), b: arg(2) });
      case "cast":
        if (node.inputs[0]!.dtype === node.dtype) return arg(0);
        return this.#add({ op: "cast", dtype: node.dtype, a: arg(0) });
      case "threefry":
        return this.#add({ op: "threefry", dtype: "u32", k0: arg(0), k1: arg(1), c0: arg(2), c1: arg(3) });
      // an assigned value, read in the kernel that assigns it
      case "assign":
        return arg(1);
      case "touched":
        return arg(0);
      case "gather":
      case "rows":
        return this.#gather(node, chain);
      default:
        throw new Error(`internal: "${op.kind}" reached the emitter without a buffer`);
    }
  }

  /** A load whose row comes from ids: [..ids, d] = table[ids[..], d]. */
  #gather(node: Tensor, chain: Chain): InstrId {
    const [table, ids] = node.inputs as [Tensor, Tensor];
    const base = tableOf(table, (x) => this.#scope.storage(x) !== undefined);
    const stored = this.#scope.storage(base);
    if (!stored) throw new NotAffine(base);
    const d = table.shape[1] ?? 1;
    const column = node.shape.map((_, i) =>
      i === node.shape.length - 1 && table.shape.length > 1 && d > 1 ? 1 : 0,
    );
    const columns = this.#layout(chain, { shape: node.shape, strides: column, offset: stored.layout.offset });
    let idChain = chain;
    if (sameOrder(chain, ids.shape) && d === 1) {
      // A column read back in the shape of its ids: each element has the id at its own place. Longer chains that come to the
      // same would make ids that are gathered themselves (a bisection) new expressions at each step, twice as many each time.
      idChain = chain.parent!;
    } else if (table.shape.length > 1) {
      idChain = idChain.push({ kind: "broadcast", shape: node.shape });
      idChain = idChain.push({ kind: "reshape", shape: [...ids.shape, 1] });
    }
    const row = this.emit(ids, idChain);
    return this.#add({
      op: "load",
      dtype: node.dtype,
      buffer: stored.buffer,
      view: { offset: columns.offset, strides: columns.strides },
      row: { instr: row, stride: d },
    });
  }

  #load(node: Tensor, storage: Storage, chain: Chain): InstrId {
    const { offset, strides } = this.#layout(chain, storage.layout);
    return this.#add({ op: "load", dtype: node.dtype, buffer: storage.buffer, view: { offset, strides } });
  }

  #layout(chain: Chain, leaf: Layout): Layout {
    const seen = chain.apply(leaf);
    if ("layout" in seen) return seen.layout;
    throw new NotAffine(seen.failed.source);
  }

  #add(instr: Instr): InstrId {
    const key = keyOfFields(instr);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.instrs.push(instr);
    this.#byKey.set(key, this.instrs.length - 1);
    return this.instrs.length - 1;
  }
}

/** True if the end of the chain reads a node's elements in their order as `shape`. */
function sameOrder({ op, parent }: Chain, shape: readonly number[]): boolean {
  return parent !== undefined && op?.kind === "reshape" && sameShape(op.shape, shape);
}
