/** Phases as the text of one module that imports the engine's memory. */
import type { Kernel } from "../../../kernels/ir.ts";
import { type Code, get, load32 } from "./code.ts";
import { type FunctionName, functionTexts } from "./functions.ts";
import { groupedCode } from "./grouped.ts";
import { mapCode } from "./map.ts";
import { matmulCode } from "./matmul.ts";
import type { BufferBase, KernelCode } from "./phase.ts";
import { reduceCode } from "./reduce.ts";
import { segmentCode } from "./segment.ts";

/** A phase without its name: equal text, equal work. */
export interface PhaseText {
  readonly text: string;
  /** Buffers whose addresses the phase reads from its argument block, in order. */
  readonly buffers: readonly number[];
  readonly calls: ReadonlySet<FunctionName>;
  readonly helpers: ReadonlyMap<string, Code>;
}

export interface KernelText {
  readonly phases: readonly PhaseText[];
  readonly scratch: number;
  readonly work: number;
}

/** Writes a kernel for so many threads. Numbers do not depend on how many. */
export function kernelText(kernel: Kernel, threads: number): KernelText {
  const slots: number[][] = [];
  const base = (): BufferBase => {
    const own: number[] = [];
    slots.push(own);
    return (buffer) => {
      if (!own.includes(buffer)) own.push(buffer);
      return load32(get("$args"), own.indexOf(buffer) * 4);
    };
  };
  const { phases, scratch, work } = codeOf(kernel, base, threads);
  return {
    scratch,
    work,
    phases: phases.map((code, i) => ({
      text: code.text("PHASE"),
      buffers: slots[i]!,
      calls: code.calls,
      helpers: code.helpers,
    })),
  };
}

function codeOf(kernel: Kernel, base: () => BufferBase, threads: number): KernelCode {
  if (kernel.kind === "matmul") return matmulCode(kernel, base, threads);
  if (kernel.kind === "grouped") return groupedCode(kernel, base, threads);
  const write = { map: mapCode, reduce: reduceCode, segment: segmentCode }[kernel.kind] as (
    kernel: Kernel,
    name: string,
    base: BufferBase,
  ) => Code;
  return { phases: [write(kernel, "phase", base())], scratch: 0, work: 0 };
}

/** Pages of 32-bit memory: a module takes any memory that cannot grow beyond this. */
const MOST_PAGES = 65536;

/** Exports phase number i as `p<i>`. `shared` as the host's memory is. */
export function moduleText(phases: readonly PhaseText[], shared: boolean): string {
  const calls = new Set<FunctionName>();
  const helpers = new Map<string, Code>();
  for (const phase of phases) {
    for (const name of phase.calls) calls.add(name);
    for (const [name, helper] of phase.helpers) helpers.set(name, helper);
  }
  const texts = phases.map(({ text }, i) => text.replace('(export "PHASE")', `(export "p${i}")`));
  return `(module
(import "env" "memory" (memory 1 ${MOST_PAGES}${shared ? " shared" : ""}))
${functionTexts(calls)}${[...helpers.values()].map((h) => h.text()).join("")}${texts.join("")})`;
}
