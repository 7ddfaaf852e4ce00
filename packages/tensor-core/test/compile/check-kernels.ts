/** Rules that every kernel list must keep (kernels/ir.ts), checked without the compiler's own helpers. */
import type { BufferId, Instr, Kernel, KernelList, View } from "../../src/kernels/ir.ts";
import { each } from "../reference/index-space.ts";

export function checkKernels(list: KernelList, maxBuffers: number): void {
  // elements of each temporary that some kernel of this step has written
  const written = list.buffers.map((b) => new Uint8Array(b.role === "temporary" ? b.length : 0));
  list.kernels.forEach((kernel, number) => {
    const fail = (why: string): never => {
      throw new Error(`kernel ${number} (${kernel.kind} ${kernel.label}): ${why}`);
    };
    const rank = kernel.space.length;
    if (rank < 1 || rank > 6) fail(`${rank} axes`);
    if (kernel.space.some((d) => d < 1)) fail(`space [${kernel.space}]`);
    if (kernel.kind === "reduce" && (kernel.inner.length < 1 || kernel.inner.length > 6)) fail("inner axes");
    const buffers = touched(kernel);
    if (buffers.size > maxBuffers) fail(`touches ${buffers.size} buffers, allowed ${maxBuffers}`);
    checkAddresses(kernel, list, fail);
    checkWritten(kernel, list, written, fail);
  });
}

function instructions(kernel: Kernel): { body: readonly Instr[]; post: readonly Instr[] } {
  if (kernel.kind === "map") return { body: [], post: kernel.instrs };
  if (kernel.kind === "matmul" || kernel.kind === "grouped") return { body: [], post: kernel.post };
  return { body: kernel.instrs, post: kernel.post };
}

function touched(kernel: Kernel): Set<BufferId> {
  const { body, post } = instructions(kernel);
  const ids = new Set<BufferId>();
  for (const i of [...body, ...post]) if (i.op === "load") ids.add(i.buffer);
  for (const s of kernel.stores) ids.add(s.buffer);
  if (kernel.kind === "matmul" || kernel.kind === "grouped") ids.add(kernel.a.buffer).add(kernel.b.buffer);
  if (kernel.kind === "grouped") ids.add(kernel.plan.feeds);
  if (kernel.kind === "segment") {
    ids.add(kernel.plan.feeds);
    if (kernel.partial !== undefined) ids.add(kernel.partial);
  }
  return ids;
}

/** What a kernel stores it may load at the same address only, and only from a variable; operands never. */
function checkAddresses(kernel: Kernel, list: KernelList, fail: (why: string) => never): void {
  const { body, post } = instructions(kernel);
  const same = (a: View, b: View) => a.offset === b.offset && `${a.strides}` === `${b.strides}`;
  for (const store of kernel.stores) {
    if (list.buffers[store.buffer]!.role === "feeds") fail("stores to the feeds");
    for (const load of body)
      if (load.op === "load" && load.buffer === store.buffer) fail("body loads a target");
    for (const load of post) {
      if (load.op !== "load" || load.buffer !== store.buffer) continue;
      if (list.buffers[store.buffer]!.role !== "variable") fail("loads a buffer that it fills");
      const rows = load.row?.instr === store.row?.instr && load.row?.stride === store.row?.stride;
      if (!same(load.view, store.view) || !rows) fail("loads what it stores at another address");
    }
    const product = kernel.kind === "matmul" || kernel.kind === "grouped";
    if (product && (kernel.a.buffer === store.buffer || kernel.b.buffer === store.buffer)) {
      fail("stores to an operand");
    }
    if (kernel.kind === "segment" && kernel.partial === store.buffer) fail("stores to its pieces");
  }
}

/** A temporary is read only where an earlier kernel of the same step has written. */
function checkWritten(
  kernel: Kernel,
  list: KernelList,
  written: readonly Uint8Array[],
  fail: (why: string) => never,
): void {
  const { body, post } = instructions(kernel);
  const read = (buffer: BufferId, view: View, extents: readonly number[]) => {
    if (list.buffers[buffer]!.role !== "temporary") return;
    each(extents, (index) => {
      if (written[buffer]![address(view, index)] !== 1) fail(`reads b${buffer} where nothing was written`);
    });
  };
  const inner = kernel.kind === "reduce" ? kernel.inner : [];
  for (const i of body) {
    // positions of a segment body are all of x's rows
    if (i.op === "load" && !i.row && kernel.kind === "reduce")
      read(i.buffer, i.view, [...kernel.space, ...inner]);
  }
  for (const i of post) if (i.op === "load" && !i.row) read(i.buffer, i.view, kernel.space);
  if (kernel.kind === "matmul") {
    const { a, b, k, space } = kernel;
    const [batch, m, n] = space as [number, number, number];
    read(a.buffer, a, [batch, m, k]);
    read(b.buffer, b, [batch, k, n]);
  }
  for (const s of kernel.stores) {
    if (list.buffers[s.buffer]!.role !== "temporary") continue;
    each(kernel.space, (index) => {
      const at = address(s.view, index);
      if (at < 0 || at >= written[s.buffer]!.length) fail(`stores outside b${s.buffer}`);
      written[s.buffer]![at] = 1;
    });
  }
}

function address(view: View, index: readonly number[]): number {
  return view.strides.reduce((at, s, k) => at + s * index[k]!, view.offset);
}
