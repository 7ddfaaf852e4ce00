/** Forms the kernel of a group: its body, its stores, and the checks that make it legal. */
import type { Tensor } from "../graph/tensor.ts";
import { transpose } from "../graph/views.ts";
import type { BufferId, Instr, Kernel, LoadInstr, MatmulOperand, Store, View } from "../kernels/ir.ts";
import { sameShape } from "../shape.ts";
import { Chain } from "./chain.ts";
import { Emitter, NotAffine, type Scope, type Storage } from "./emit.ts";
import { type Group, produced, type Root } from "./group.ts";
import { labelOf } from "./label.ts";
import type { Layout } from "./layout.ts";
import { operandLayout } from "./materialize.ts";
import type { PlanLayout, Storages } from "./storages.ts";

/** A kernel that would read what it overwrites at another place; `group` must store to a buffer of its own first. */
export class Hazard {}

/** More buffers than the engine can bind to one kernel. */
export class TooManyBuffers {}

export function formKernel(group: Group, storages: Storages, plans: PlanLayout, maxBuffers: number): Kernel {
  const former = new Former(group, storages, plans);
  const kernel = former.form();
  check(kernel, group, maxBuffers);
  return kernel;
}

class Former {
  readonly #group: Group;
  readonly #storages: Storages;
  readonly #plans: PlanLayout;
  readonly #root = Chain.root();

  constructor(group: Group, storages: Storages, plans: PlanLayout) {
    this.#group = group;
    this.#storages = storages;
    this.#plans = plans;
  }

  form(): Kernel {
    const group = this.#group;
    const { space } = group;
    const label = labelOf(group);
    const body = new Emitter(this.#bodyScope());
    switch (group.kind) {
      case "map": {
        const { instrs, stores } = this.#post();
        return { kind: "map", label, space, instrs, stores };
      }
      case "reduce": {
        const folds = group.heavy.map((node) => this.#fold(node, body));
        const { instrs: post, stores } = this.#post();
        return { kind: "reduce", label, space, inner: group.inner, instrs: body.instrs, folds, post, stores };
      }
      case "matmul": {
        const [node] = group.heavy as [Tensor];
        const [a, b] = node.inputs.map((x) => this.#operand(x)) as [MatmulOperand, MatmulOperand];
        const { instrs: post, stores } = this.#post();
        return { kind: "matmul", label, space, k: node.inputs[0]!.shape.at(-1)!, a, b, post, stores };
      }
      case "grouped": {
        const [node] = group.heavy as [Tensor];
        const { op } = node;
        if (op.kind !== "groupedMatmul" && op.kind !== "groupedOuter")
          throw new Error("internal: not grouped");
        const form = op.kind === "groupedMatmul" ? "rows" : "groups";
        const [left, right] = node.inputs as [Tensor, Tensor];
        const a = this.#operand(form === "rows" ? left : transpose(left));
        const b = this.#operand(right);
        const k = form === "rows" ? left.shape[1]! : left.shape[0]!;
        const { instrs: post, stores } = this.#post();
        const { name, feeds, rows, count } = this.#plans(op.plan);
        const plan = { name, feeds, rows, count };
        return { kind: "grouped", form, label, space, plan, bounds: op.bounds, k, a, b, post, stores };
      }
      case "segment": {
        const folds = group.heavy.map((node) => {
          const value = body.emit(node.inputs[0]!, this.#root);
          return { name: "sum" as const, dtype: "f32" as const, value };
        });
        const { instrs: post, stores } = this.#post();
        const plan = this.#plans(group.plan!);
        return {
          kind: "segment",
          pass: "rows",
          label,
          space,
          plan,
          instrs: body.instrs,
          folds,
          post,
          stores,
        };
      }
    }
  }

  #fold(node: Tensor, body: Emitter) {
    if (node.op.kind !== "fold") throw new Error("internal: not a fold");
    const { axes, name } = node.op;
    const x = node.inputs[0]!;
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = [...kept, ...axes];
    const straight = order.every((o, i) => o === i);
    const chain = straight ? this.#root : this.#root.push({ kind: "permute", order });
    return { name, dtype: node.dtype, value: body.emit(x, chain) };
  }

  #operand(x: Tensor): MatmulOperand {
    // an operand or a view below it may have a buffer of its own: then that one is read, as expressionsOf says
    const found = operandLayout(x, (node) => this.#storageOf(node) !== undefined);
    const base = found && this.#storageOf(found.base);
    if (!found || !base) throw new NotAffine(found ? found.base : x);
    const { layout } = found;
    return {
      buffer: base.buffer,
      offset: layout.offset + base.layout.offset,
      strides: layout.strides as unknown as [number, number, number],
    };
  }

  #post(): { instrs: Instr[]; stores: Store[] } {
    const emitter = new Emitter(this.#postScope());
    const stores = this.#group.roots.map((root) => this.#store(root, emitter));
    return { instrs: emitter.instrs, stores };
  }

  #store(root: Root, emitter: Emitter): Store {
    const { space, plan } = this.#group;
    const { value, target } = root;
    const chain = sameShape(value.shape, space)
      ? this.#root
      : this.#root.push({ kind: "reshape", shape: space });
    const id = emitter.emit(value, chain);
    const storage = this.#storages.target(target, value);
    if (target.kind === "variable" && target.node.op.kind === "assignRows") {
      const columns = space[1]!;
      const rows = this.#root
        .push({ kind: "broadcast", shape: space })
        .push({ kind: "reshape", shape: [space[0]!, 1] });
      const row = emitter.emit(plan!.rows, rows);
      const view: View = { offset: storage.layout.offset, strides: [0, columns > 1 ? 1 : 0] };
      return {
        buffer: storage.buffer,
        dtype: value.dtype,
        view,
        row: { instr: row, stride: columns },
        value: id,
      };
    }
    const seen = chain.apply(storage.layout);
    if (!("layout" in seen)) throw new NotAffine(undefined);
    return { buffer: storage.buffer, dtype: value.dtype, view: viewOf(seen.layout), value: id };
  }

  #storageOf(node: Tensor): Storage | undefined {
    return this.#storages.of(node);
  }

  #bodyScope(): Scope {
    return {
      storage: (node) => this.#storageOf(node),
      acc: () => undefined,
      own: () => false,
    };
  }

  #postScope(): Scope {
    const { heavy } = this.#group;
    const own = new Set(produced(this.#group));
    return {
      acc: (node) => {
        const i = heavy.indexOf(node);
        return i < 0 ? undefined : i;
      },
      own: (node) => own.has(node),
      storage: (node) => (own.has(node) ? undefined : this.#storageOf(node)),
    };
  }
}

function viewOf(layout: Layout): View {
  return { offset: layout.offset, strides: layout.strides };
}

function loadsOf(instrs: readonly Instr[]): LoadInstr[] {
  return instrs.filter((i): i is LoadInstr => i.op === "load");
}

function check(kernel: Kernel, group: Group, maxBuffers: number): void {
  const post = kernel.kind === "map" ? kernel.instrs : kernel.post;
  const body = kernel.kind === "reduce" || kernel.kind === "segment" ? loadsOf(kernel.instrs) : [];
  const buffers = new Set<BufferId>(kernel.stores.map((s) => s.buffer));
  const stored = new Set(buffers);
  for (const load of loadsOf(post)) {
    buffers.add(load.buffer);
    if (!stored.has(load.buffer)) continue;
    kernel.stores.forEach((store, i) => {
      if (store.buffer !== load.buffer) return;
      // what is loaded from a variable is its former content; what is loaded from a concat is not there yet
      if (group.roots[i]!.target.kind !== "variable" || !sameAddress(load, store)) throw new Hazard();
    });
  }
  for (const load of body) {
    buffers.add(load.buffer);
    if (stored.has(load.buffer)) throw new Hazard();
  }
  if (kernel.kind === "matmul" || kernel.kind === "grouped") {
    for (const operand of [kernel.a, kernel.b]) {
      buffers.add(operand.buffer);
      if (stored.has(operand.buffer)) throw new Hazard();
    }
  }
  if (kernel.kind === "segment" || kernel.kind === "grouped") buffers.add(kernel.plan.feeds);
  const partial = kernel.kind === "segment" && kernel.folds.length > 0 ? 1 : 0;
  if (buffers.size + partial > maxBuffers) throw new TooManyBuffers();
}

function sameAddress(load: LoadInstr, store: Store): boolean {
  const sameView =
    load.view.offset === store.view.offset && load.view.strides.every((s, i) => s === store.view.strides[i]);
  const sameRow = load.row?.instr === store.row?.instr && load.row?.stride === store.row?.stride;
  return sameView && sameRow;
}
