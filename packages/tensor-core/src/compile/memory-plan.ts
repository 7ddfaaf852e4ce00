/** Gives temporaries that are never alive together the same memory. */
import type { BufferId, BufferSpec, Instr, Kernel } from "../kernels/ir.ts";

/** The buffers that a kernel touches. */
function buffersOf(kernel: Kernel): Set<BufferId> {
  const ids = new Set<BufferId>(kernel.stores.map((s) => s.buffer));
  const note = (instrs: readonly Instr[]) => {
    for (const i of instrs) if (i.op === "load") ids.add(i.buffer);
  };
  if (kernel.kind === "map") note(kernel.instrs);
  else {
    note(kernel.post);
    if (kernel.kind === "reduce" || kernel.kind === "segment") note(kernel.instrs);
  }
  if (kernel.kind === "grouped") ids.add(kernel.plan.feeds);
  if (kernel.kind === "matmul" || kernel.kind === "grouped") {
    ids.add(kernel.a.buffer);
    ids.add(kernel.b.buffer);
  }
  if (kernel.kind === "segment") {
    ids.add(kernel.plan.feeds);
    if (kernel.partial !== undefined) ids.add(kernel.partial);
  }
  return ids;
}

/** The same kernel with every buffer renumbered. */
export function renumber(kernel: Kernel, to: (id: BufferId) => BufferId): Kernel {
  const instrs = (list: readonly Instr[]): Instr[] =>
    list.map((i) => (i.op === "load" ? { ...i, buffer: to(i.buffer) } : i));
  const stores = kernel.stores.map((s) => ({ ...s, buffer: to(s.buffer) }));
  switch (kernel.kind) {
    case "map":
      return { ...kernel, stores, instrs: instrs(kernel.instrs) };
    case "reduce":
      return { ...kernel, stores, instrs: instrs(kernel.instrs), post: instrs(kernel.post) };
    case "matmul": {
      const a = { ...kernel.a, buffer: to(kernel.a.buffer) };
      const b = { ...kernel.b, buffer: to(kernel.b.buffer) };
      return { ...kernel, stores, a, b, post: instrs(kernel.post) };
    }
    case "grouped": {
      const a = { ...kernel.a, buffer: to(kernel.a.buffer) };
      const b = { ...kernel.b, buffer: to(kernel.b.buffer) };
      const plan = { ...kernel.plan, feeds: to(kernel.plan.feeds) };
      return { ...kernel, stores, a, b, plan, post: instrs(kernel.post) };
    }
    case "segment": {
      const partial = kernel.partial === undefined ? undefined : to(kernel.partial);
      const plan = { ...kernel.plan, feeds: to(kernel.plan.feeds) };
      return { ...kernel, stores, plan, partial, instrs: instrs(kernel.instrs), post: instrs(kernel.post) };
    }
  }
}

/** Unused buffers go; temporaries share memory by their spans of life. Largest first, first fit. */
export function planMemory(
  buffers: readonly BufferSpec[],
  kernels: readonly Kernel[],
): { buffers: BufferSpec[]; map: Map<BufferId, BufferId> } {
  const spans = new Map<BufferId, { from: number; to: number }>();
  kernels.forEach((kernel, at) => {
    for (const id of buffersOf(kernel)) {
      const span = spans.get(id);
      if (span) span.to = at;
      else spans.set(id, { from: at, to: at });
    }
  });
  const out: BufferSpec[] = [];
  const map = new Map<BufferId, BufferId>();
  const shared: { id: BufferId; length: number; spans: { from: number; to: number }[]; labels: string[] }[] =
    [];
  buffers.forEach((spec, id) => {
    if (spec.role === "temporary") return;
    map.set(id, out.length);
    out.push(spec);
  });
  const temporaries = buffers
    .map((spec, id) => ({ spec, id, span: spans.get(id) }))
    .filter((t) => t.spec.role === "temporary" && t.span)
    .sort((a, b) => b.spec.length - a.spec.length || a.id - b.id);
  for (const { spec, id, span } of temporaries) {
    const fits = shared.find((s) => s.spans.every((x) => x.to < span!.from || span!.to < x.from));
    if (fits) {
      fits.spans.push(span!);
      map.set(id, fits.id);
      continue;
    }
    shared.push({ id: out.length, length: spec.length, spans: [span!], labels: [spec.label] });
    map.set(id, out.length);
    out.push(spec);
  }
  return { buffers: out, map };
}
