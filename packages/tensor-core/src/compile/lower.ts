/**
 * From a graph to a kernel list:
 *   simplify -> choose which nodes get buffers -> one group each -> merge groups -> order -> form kernels -> plan memory
 * The first three repeat while a kernel turns out not to be addressable by strides.
 */
import { CompileError, FeedError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";
import { topological } from "../graph/walk.ts";
import type { BufferId, Kernel, KernelList, SegmentKernel } from "../kernels/ir.ts";
import { sameShape, showShape } from "../shape.ts";
import { Dependencies } from "./dependencies.ts";
import { NotAffine } from "./emit.ts";
import { collapse } from "./finish.ts";
import { formKernel, Hazard, TooManyBuffers } from "./form.ts";
import { type Group, initialGroups } from "./group.ts";
import { isLeaf, isWrite, materialized } from "./materialize.ts";
import { planMemory, renumber } from "./memory-plan.ts";
import { mergeGroups } from "./merge.ts";
import { joinRowUpdates } from "./row-updates.ts";
import { simplify } from "./simplify.ts";
import { type OutputRequest, Storages } from "./storages.ts";
import { Uses } from "./uses.ts";
import { breakCircles, type Remedy, withCopy } from "./versions.ts";

export interface LowerLimits {
  readonly maxBuffersPerKernel: number;
}

export interface Lowered {
  readonly list: KernelList;
  /** variables[i] backs the buffer whose spec says variable === i. */
  readonly variables: readonly Variable[];
}

/** Compiles outputs and updates (assign nodes) into one kernel list. */
export function lower(
  outputs: readonly OutputRequest[],
  updates: readonly Tensor[],
  limits: LowerLimits,
): Lowered {
  checkUpdates(updates);
  const requested = [...outputs.map((o) => o.value), ...updates];
  // twice: stages of split folds may be equal to nodes that exist
  const once = simplify(requested);
  const twice = simplify(requested.map((r) => once.get(r)!));
  const resolve = (node: Tensor) => twice.get(once.get(node)!)!;
  let roots = requested.map(resolve);
  checkFeeds(topological(roots));
  checkWrites(topological(roots));

  let forced = new Set<Tensor>();
  for (let round = 0; round < 1000; round++) {
    const wanted = outputs.map(({ name }, i) => ({ name, value: roots[i]! }));
    const attempt = new Attempt(roots, wanted, forced, limits);
    const remedy = attempt.trouble();
    if (!remedy) return attempt.finish();
    if ("copy" in remedy) {
      const { copy, map } = withCopy(roots, remedy.copy);
      roots = roots.map((r) => map.get(r)!);
      forced = new Set([...forced].map((f) => map.get(f) ?? f).concat(copy));
    } else for (const node of remedy.force) forced.add(node);
  }
  throw new CompileError("compile: the graph did not settle into kernels; please report it with the graph.");
}

class Attempt {
  readonly #chosen: Set<Tensor>;
  readonly #uses: Uses;
  readonly #formed = new WeakMap<Group, Kernel>();
  readonly #storages: Storages;
  readonly #limits: LowerLimits;
  #groups: Group[];

  constructor(
    roots: readonly Tensor[],
    outputs: readonly OutputRequest[],
    forced: ReadonlySet<Tensor>,
    limits: LowerLimits,
  ) {
    this.#limits = limits;
    this.#chosen = materialized(roots, forced);
    this.#uses = new Uses(this.#chosen);
    this.#storages = new Storages(topological(roots), this.#chosen, outputs);
    const { claimed } = this.#storages;
    const taken = new Set<Tensor>();
    const copies = outputs.flatMap(({ value }, index) => {
      if (claimed.has(value) && !taken.has(value)) {
        taken.add(value);
        return [];
      }
      return [{ value, index }];
    });
    this.#groups = joinRowUpdates(initialGroups(this.#chosen, copies), this.#uses, (g) => this.#form(g));
  }

  /** What must get a buffer before this can work, or undefined. */
  trouble(): Remedy | undefined {
    const force = new Set<Tensor>();
    for (const group of this.#groups) {
      const node = this.#inTheWay(group);
      // a group that computes one of the others may be well once that one has a buffer
      if (node && !this.#meets(group, force)) force.add(node);
    }
    if (force.size > 0) return { force: [...force] };
    const deps = new Dependencies(this.#groups, this.#uses);
    return "sorted" in deps.order() ? undefined : breakCircles(this.#groups, this.#chosen, deps);
  }

  #meets(group: Group, nodes: ReadonlySet<Tensor>): boolean {
    const { computed, reads } = this.#uses.of(group);
    for (const node of nodes) if (computed.has(node) || reads.has(node)) return true;
    return false;
  }

  /** The node that must get a buffer before the group can be a kernel. */
  #inTheWay(group: Group): Tensor | undefined {
    try {
      this.#form(group);
      return undefined;
    } catch (reason) {
      if (reason instanceof NotAffine && reason.node) return reason.node;
      if (reason instanceof Hazard) return firstValue(group);
      if (reason instanceof TooManyBuffers) return this.#widest(group);
      throw reason;
    }
  }

  finish(): Lowered {
    const keep = new Set(this.#storages.claimed.keys());
    const merging = { uses: this.#uses, keep, form: (g: Group) => this.#form(g) };
    this.#groups = mergeGroups(this.#groups, merging);
    const order = new Dependencies(this.#groups, this.#uses).order();
    if (!("sorted" in order))
      throw new CompileError("compile: internal: merged kernels wait for each other.");
    const kernels = order.sorted.flatMap((g) => this.#withPieces(fewAxes(collapse(this.#form(g)))));
    const { buffers, map } = planMemory(this.#storages.buffers, kernels);
    const to = (id: number) => map.get(id)!;
    const { feeds, outputs, variables } = this.#storages;
    const list: KernelList = {
      buffers,
      feeds,
      outputs: outputs.map((o) => ({ ...o, buffer: to(o.buffer) })),
      kernels: kernels.map((k) => renumber(k, to)),
    };
    return { list, variables };
  }

  #form(group: Group): Kernel {
    let kernel = this.#formed.get(group);
    if (!kernel) {
      kernel = formKernel(group, this.#storages, this.#storages.plan, this.#limits.maxBuffersPerKernel);
      this.#formed.set(group, kernel);
    }
    return kernel;
  }

  /** Long runs of a plan are summed in pieces first (design section 4). */
  #withPieces(kernel: Kernel): Kernel[] {
    if (kernel.kind !== "segment" || kernel.folds.length === 0) return [kernel];
    // by name: an empty slot shares its offset with the next
    const slot = this.#storages.feeds.find((f) => f.name === `${kernel.plan.name}.pieceFrom`);
    const pieces = slot?.length ?? 0;
    if (pieces === 0) return [kernel];
    const columns = kernel.space[1]!;
    const folds = kernel.folds.length;
    this.#storages.buffers.push({ role: "temporary", label: "pieces", length: pieces * columns * folds });
    const partial = this.#storages.buffers.length - 1;
    const first: SegmentKernel = {
      ...kernel,
      pass: "pieces",
      label: `pieces of ${kernel.label}`,
      space: [pieces, columns],
      post: kernel.folds.map((f, index) => ({ op: "acc" as const, dtype: f.dtype, index })),
      stores: kernel.folds.map((f, i) => ({
        buffer: partial,
        dtype: f.dtype,
        view: { offset: i * columns, strides: [columns * folds, columns > 1 ? 1 : 0] },
        value: i,
      })),
    };
    return [first, { ...kernel, partial }];
  }

  /** The inline node of a kernel that reads the most buffers, but not all of them unless the kernel does more than a map. */
  #widest(group: Group): Tensor {
    const counts = new Map<Tensor, Set<BufferId>>();
    const count = (node: Tensor, top: boolean): Set<BufferId> => {
      const known = counts.get(node);
      if (known) return known;
      const set = new Set<BufferId>();
      const stored = top ? undefined : this.#storages.of(node);
      if (stored) set.add(stored.buffer);
      else for (const x of node.inputs) for (const id of count(x, false)) set.add(id);
      counts.set(node, set);
      return set;
    };
    const tops = group.heavy.length > 0 ? group.heavy : group.roots.map((r) => r.value);
    const total = new Set(tops.flatMap((node) => [...count(node, true)])).size;
    const most = group.kind === "map" ? total - 1 : total;
    const fits = [...counts].filter(
      ([node, set]) => set.size > 1 && set.size <= most && !this.#chosen.has(node) && !isLeaf(node),
    );
    fits.sort((a, b) => b[1].size - a[1].size || b[0].id - a[0].id);
    const best = fits[0]?.[0];
    if (!best) {
      throw new CompileError(
        `compile: one kernel touches more than ${this.#limits.maxBuffersPerKernel} buffers and cannot be cut; ` +
          "use fewer variables in one expression.",
      );
    }
    return best;
  }
}

const MOST_AXES = 6;

function fewAxes(kernel: Kernel): Kernel {
  const inner = kernel.kind === "reduce" ? kernel.inner.length : 0;
  if (Math.max(kernel.space.length, inner) <= MOST_AXES) return kernel;
  throw new CompileError(
    `compile: "${kernel.label}" runs over [${kernel.space.join(", ")}]: more than ${MOST_AXES} axes that do not merge; ` +
      "reshape to fewer axes before permuting or broadcasting.",
  );
}

function firstValue(group: Group): Tensor {
  return group.roots[0]!.value;
}

function checkUpdates(updates: readonly Tensor[]): void {
  for (const u of updates) {
    if (!isWrite(u))
      throw new CompileError(`compile: an update must be made by assign or assignRows, got "${u.op.kind}".`);
  }
}

/** Each version of a variable may be replaced once. */
function checkWrites(nodes: readonly Tensor[]): void {
  const seen = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    if (node.op.kind !== "assign" && node.op.kind !== "assignRows") continue;
    const previous = node.inputs[0]!;
    if (seen.has(previous)) {
      throw new CompileError(
        `compile: variable "${node.op.variable.name}" is assigned twice from the same version; ` +
          "pass the first assignment as `previous` of the second.",
      );
    }
    seen.set(previous, node);
  }
}

function checkFeeds(nodes: readonly Tensor[]): void {
  const seen = new Map<string, Tensor>();
  for (const node of nodes) {
    if (node.op.kind !== "input") continue;
    const before = seen.get(node.op.name);
    if (before && (before.dtype !== node.dtype || !sameShape(before.shape, node.shape))) {
      throw new FeedError(
        `compile: input "${node.op.name}" is ${before.dtype} ${showShape(before.shape)} in one place and ` +
          `${node.dtype} ${showShape(node.shape)} in another; give them two names.`,
      );
    }
    seen.set(node.op.name, node);
  }
}
