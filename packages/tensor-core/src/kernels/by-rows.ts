/** Which buffers a kernel list looks at by rows alone. */
import type { BufferId, Instr, Kernel, KernelList } from "./ir.ts";

/** True if every kernel reads and writes the buffer at rows whose numbers it computes: then nothing in the list depends on how many there are. */
export function isByRows({ kernels }: KernelList, buffer: BufferId): boolean {
  return kernels.every((kernel) => usesByRows(kernel, buffer));
}

function usesByRows(kernel: Kernel, buffer: BufferId): boolean {
  const whole = (use: { readonly buffer: BufferId; readonly row?: unknown }) =>
    use.buffer === buffer && use.row === undefined;
  const loadsWhole = (instrs: readonly Instr[]) =>
    instrs.some((instr) => instr.op === "load" && whole(instr));
  if (kernel.stores.some(whole)) return false;
  if (kernel.kind === "map") return !loadsWhole(kernel.instrs);
  if (loadsWhole(kernel.post)) return false;
  if (kernel.kind === "matmul" || kernel.kind === "grouped") return !whole(kernel.a) && !whole(kernel.b);
  if (kernel.kind === "segment" && kernel.partial === buffer) return false;
  return !loadsWhole(kernel.instrs);
}
