/** Kernel lists as text for people. */
import type { Instr, Kernel, KernelList, Store, View } from "./ir.ts";

/** One block a kernel: kind, space, what it reads, computes and stores. */
export function printKernels(list: KernelList): string {
  const buffers = list.buffers.map((b, i) => `  b${i} ${b.role} ${b.label} [${b.length}]`);
  const kernels = list.kernels.map((k, i) => printKernel(k, i));
  return ["buffers", ...buffers, ...kernels].join("\n");
}

function printKernel(kernel: Kernel, number: number): string {
  const lines = [`${number} ${kernel.kind} [${kernel.space.join(", ")}]  ${kernel.label}`];
  if (kernel.kind === "map") lines.push(...body(kernel.instrs, "%"));
  else {
    if (kernel.kind === "reduce")
      lines.push(`    fold [${kernel.inner.join(", ")}]`, ...body(kernel.instrs, "$"));
    if (kernel.kind === "segment")
      lines.push(`    ${kernel.pass} of plan ${kernel.plan.name}`, ...body(kernel.instrs, "$"));
    if (kernel.kind === "grouped")
      lines.push(`    ${kernel.form} of plan ${kernel.plan.name}, groups ${kernel.bounds}`);
    if (kernel.kind === "matmul" || kernel.kind === "grouped") {
      const { a, b, k } = kernel;
      lines.push(
        `    k ${k}  a b${a.buffer}+${a.offset}(${a.strides})  b b${b.buffer}+${b.offset}(${b.strides})`,
      );
    } else lines.push(`    acc ${kernel.folds.map((f) => `${f.name} $${f.value}`).join(", ")}`);
    lines.push(...body(kernel.post, "%"));
  }
  lines.push(...kernel.stores.map(printStore));
  return lines.join("\n");
}

function body(instrs: readonly Instr[], mark: string): string[] {
  return instrs.map((instr, i) => `    ${mark}${i} = ${printInstr(instr, mark)}`);
}

function view(v: View): string {
  return `${v.offset}+(${v.strides.join(",")})`;
}

function printInstr(i: Instr, m: string): string {
  switch (i.op) {
    case "const":
      return `${i.value}:${i.dtype}`;
    case "load":
      return `b${i.buffer}[${view(i.view)}${i.row ? ` row ${m}${i.row.instr}*${i.row.stride}` : ""}]:${i.dtype}`;
    case "index":
      return `index ${view(i.view)}`;
    case "acc":
      return `acc ${i.index}`;
    case "unary":
      return `${i.name} ${m}${i.a}`;
    case "binary":
      return `${i.name} ${m}${i.a} ${m}${i.b}`;
    case "select":
      return `select ${m}${i.cond} ? ${m}${i.a} : ${m}${i.b}`;
    case "cast":
      return `${i.dtype} ${m}${i.a}`;
    case "threefry":
      return `threefry ${m}${i.k0} ${m}${i.k1} ${m}${i.c0} ${m}${i.c1}`;
  }
}

function printStore(s: Store): string {
  return `    b${s.buffer}[${view(s.view)}${s.row ? ` row %${s.row.instr}*${s.row.stride}` : ""}] = %${s.value}`;
}
