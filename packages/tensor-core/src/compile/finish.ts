/** Last touches on a formed kernel: fewest possible axes. */
import type { Instr, Kernel, MapKernel, ReduceKernel, Store, View } from "../kernels/ir.ts";
import { collapseAxes } from "./layout.ts";

/** Merges neighbouring iteration axes that every address treats as one. Spaces of products and segments are fixed. */
export function collapse(kernel: Kernel): Kernel {
  if (kernel.kind === "map") return collapseMap(kernel);
  if (kernel.kind === "reduce") return collapseReduce(kernel);
  return kernel;
}

type Viewed = Extract<Instr, { view: View }>;

function isViewed(instr: Instr): instr is Viewed {
  return instr.op === "load" || instr.op === "index";
}

function withStrides<T extends { readonly view: View }>(x: T, strides: readonly number[]): T {
  return { ...x, view: { offset: x.view.offset, strides } };
}

function rewrite(instrs: readonly Instr[], next: () => readonly number[]): Instr[] {
  return instrs.map((i) => (isViewed(i) ? withStrides(i, next()) : i));
}

function collapseMap(kernel: MapKernel): MapKernel {
  const viewed = kernel.instrs.filter(isViewed);
  const all = [...viewed, ...kernel.stores].map((x) => x.view.strides);
  const { extents, strides } = collapseAxes(kernel.space, all);
  const queue = strides.values();
  const next = () => queue.next().value!;
  const instrs = rewrite(kernel.instrs, next);
  const stores = kernel.stores.map((s): Store => withStrides(s, next()));
  return { ...kernel, space: extents, instrs, stores };
}

function collapseReduce(kernel: ReduceKernel): ReduceKernel {
  const outer = kernel.space.length;
  const body = kernel.instrs.filter(isViewed);
  const post = kernel.post.filter(isViewed);
  const spaceStrides = [
    ...body.map((x) => x.view.strides.slice(0, outer)),
    ...post.map((x) => x.view.strides),
    ...kernel.stores.map((x) => x.view.strides),
  ];
  const space = collapseAxes(kernel.space, spaceStrides);
  const inner = collapseAxes(
    kernel.inner,
    body.map((x) => x.view.strides.slice(outer)),
  );
  const spaceQueue = space.strides.values();
  const innerQueue = inner.strides.values();
  const next = () => spaceQueue.next().value!;
  const instrs = rewrite(kernel.instrs, () => [...next(), ...innerQueue.next().value!]);
  const newPost = rewrite(kernel.post, next);
  const stores = kernel.stores.map((s): Store => withStrides(s, next()));
  return { ...kernel, space: space.extents, inner: inner.extents, instrs, post: newPost, stores };
}
