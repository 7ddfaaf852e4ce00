/** Which buffer every node lives in: the first, unshared numbering, before memory is planned. */
import type { PlanInputs, Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";
import type { BufferId, BufferSpec, FeedSlot, OutputSlot, PlanSlots } from "../kernels/ir.ts";
import { sizeOf } from "../shape.ts";
import type { Storage } from "./emit.ts";
import type { Target } from "./group.ts";
import { denseLayout } from "./layout.ts";
import { isWrite } from "./materialize.ts";

export type PlanLayout = (plan: PlanInputs) => PlanSlots;

export interface OutputRequest {
  readonly name: string;
  readonly value: Tensor;
}

/** Feeds start at multiples of this many elements, so that four-wide loads stay aligned. */
const FEED_ALIGN = 4;

export class Storages {
  readonly buffers: BufferSpec[] = [];
  readonly feeds: FeedSlot[] = [];
  readonly outputs: OutputSlot[] = [];
  readonly variables: Variable[] = [];
  readonly #nodes = new Map<Tensor, Storage>();
  readonly #variables = new Map<Variable, Storage>();
  readonly #feedOffsets = new Map<string, number>();
  readonly #copies: BufferId[] = [];

  constructor(nodes: readonly Tensor[], chosen: ReadonlySet<Tensor>, outputs: readonly OutputRequest[]) {
    this.#addFeeds(nodes);
    for (const node of nodes) {
      if (node.op.kind === "variable" || isWrite(node)) this.#addVariable(node);
    }
    const claimed = new Map<Tensor, BufferId>();
    for (const { name, value } of outputs) {
      const own = chosen.has(value) && !isWrite(value) && !claimed.has(value);
      const buffer = this.#buffer("output", name, sizeOf(value.shape));
      if (own) claimed.set(value, buffer);
      this.#copies.push(buffer);
      this.outputs.push({ name, dtype: value.dtype, shape: value.shape, buffer });
    }
    for (const node of nodes) {
      if (!chosen.has(node) || isWrite(node)) continue;
      const buffer = claimed.get(node) ?? this.#buffer("temporary", node.op.kind, sizeOf(node.shape));
      this.#nodes.set(node, { buffer, layout: denseLayout(node.shape) });
    }
    this.claimed = claimed;
  }

  /** Outputs whose node is computed straight into the output's buffer. */
  readonly claimed: ReadonlyMap<Tensor, BufferId>;

  of(node: Tensor): Storage | undefined {
    return this.#nodes.get(node);
  }

  target(target: Target, value: Tensor): Storage {
    switch (target.kind) {
      case "output":
        return { buffer: this.#copies[target.index]!, layout: denseLayout(value.shape) };
      case "part": {
        const whole = this.#nodes.get(target.node)!;
        const axis = target.node.op.kind === "concat" ? target.node.op.axis : 0;
        const strides = denseLayout(target.node.shape).strides;
        const kept = strides.map((s, i) => (value.shape[i] === 1 ? 0 : s));
        return {
          buffer: whole.buffer,
          layout: { shape: value.shape, strides: kept, offset: target.start * strides[axis]! },
        };
      }
      default:
        return this.#nodes.get(target.node)!;
    }
  }

  plan: PlanLayout = (plan) => {
    const at = (t: Tensor) => this.#feedOffsets.get(t.op.kind === "input" ? t.op.name : "")!;
    return {
      name: plan.name,
      feeds: 0,
      sorted: at(plan.sorted),
      rows: at(plan.rows),
      offsets: at(plan.offsets),
      pieceOffsets: at(plan.pieceOffsets),
      pieceFrom: at(plan.pieceFrom),
      pieceTo: at(plan.pieceTo),
      count: at(plan.count),
      pieceCount: at(plan.pieceCount),
    };
  };

  #buffer(role: BufferSpec["role"], label: string, length: number, variable?: number): BufferId {
    this.buffers.push({ role, label, length, variable });
    return this.buffers.length - 1;
  }

  #addFeeds(nodes: readonly Tensor[]): void {
    const leaves = new Set<Tensor>();
    for (const node of nodes) {
      if (node.op.kind === "input") leaves.add(node);
      const { op } = node;
      const byRow = op.kind === "assignRows" || op.kind === "segmentSum" || op.kind === "touched";
      const plan = byRow ? op.plan : undefined;
      if (plan) for (const part of planParts(plan)) leaves.add(part);
      if (op.kind === "groupedMatmul" || op.kind === "groupedOuter")
        leaves.add(op.plan.rows).add(op.plan.count);
    }
    let offset = 0;
    const buffer = this.#buffer("feeds", "feeds", 0);
    // scalars first: they share one cache line
    const ordered = [...leaves].sort((a, b) => a.shape.length - b.shape.length || a.id - b.id);
    for (const leaf of ordered) {
      if (leaf.op.kind !== "input") continue;
      const length = sizeOf(leaf.shape);
      if (leaf.shape.length > 0) offset = Math.ceil(offset / FEED_ALIGN) * FEED_ALIGN;
      const known = this.#feedOffsets.get(leaf.op.name);
      if (known === undefined) {
        this.feeds.push({
          name: leaf.op.name,
          dtype: leaf.dtype,
          shape: leaf.shape,
          offset,
          length,
          upTo: leaf.op.upTo,
        });
        this.#feedOffsets.set(leaf.op.name, offset);
        this.#nodes.set(leaf, { buffer, layout: denseLayout(leaf.shape, offset) });
        offset += length;
      } else {
        this.#nodes.set(leaf, { buffer, layout: denseLayout(leaf.shape, known) });
      }
    }
    this.buffers[buffer] = {
      role: "feeds",
      label: "feeds",
      length: Math.ceil(offset / FEED_ALIGN) * FEED_ALIGN,
    };
  }

  #addVariable(node: Tensor): void {
    const { op } = node;
    if (op.kind !== "variable" && op.kind !== "assign" && op.kind !== "assignRows") return;
    const { variable } = op;
    let storage = this.#variables.get(variable);
    if (!storage) {
      this.variables.push(variable);
      const index = this.variables.length - 1;
      storage = {
        buffer: this.#buffer("variable", variable.name, variable.size, index),
        layout: denseLayout(variable.shape),
      };
      this.#variables.set(variable, storage);
    }
    this.#nodes.set(node, storage);
  }
}

function planParts(plan: PlanInputs): Tensor[] {
  return [
    plan.sorted,
    plan.rows,
    plan.offsets,
    plan.pieceOffsets,
    plan.pieceFrom,
    plan.pieceTo,
    plan.count,
    plan.pieceCount,
  ];
}
