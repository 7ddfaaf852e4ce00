/**
 * A chain of view ops from a kernel's iteration space (outermost link) down to a node. Chains are interned, so that
 * equal chains are the same object and expressions can be remembered by (node, chain).
 */
import type { Tensor } from "../graph/tensor.ts";
import { keyOfFields } from "./keys.ts";
import { applyView, type Layout, type ViewOp } from "./layout.ts";

export class Chain {
  readonly parent: Chain | undefined;
  readonly op: ViewOp | undefined;
  /** The node that the op looks at: what must become a buffer if the chain cannot be strides. */
  readonly source: Tensor | undefined;
  readonly #children = new Map<string, Chain>();

  private constructor(parent?: Chain, op?: ViewOp, source?: Tensor) {
    this.parent = parent;
    this.op = op;
    this.source = source;
  }

  static root(): Chain {
    return new Chain();
  }

  /** This chain with one more op at the end nearest to the node. */
  push(op: ViewOp, source?: Tensor): Chain {
    const key = `${source?.id ?? "-"} ${keyOfFields(op)}`;
    let child = this.#children.get(key);
    if (!child) {
      child = new Chain(this, op, source);
      this.#children.set(key, child);
    }
    return child;
  }

  /** The leaf's layout as the iteration space sees it; on failure the chain link that could not be followed. */
  apply(leaf: Layout): { layout: Layout } | { failed: Chain } {
    let layout = leaf;
    for (let link: Chain = this; link.op && link.parent; link = link.parent) {
      const next = applyView(layout, link.op);
      if (!next) return { failed: link };
      layout = next;
    }
    return { layout };
  }
}

/** The view op of a graph node that only re-addresses its input, if it is one. */
export function viewOpOf(node: Tensor): ViewOp | undefined {
  const op = node.op;
  if (op.kind === "reshape") return { kind: "reshape", shape: node.shape };
  if (op.kind === "permute") return { kind: "permute", order: op.order };
  if (op.kind === "broadcast") return { kind: "broadcast", shape: node.shape };
  if (op.kind === "slice") return { kind: "slice", start: op.start, shape: node.shape };
  return undefined;
}
