/** Small kernel lists that engine tests share. */
import type { Instr, KernelList } from "../../src/kernels/ir.ts";

const line = { offset: 0, strides: [1] };

/** Variable 0 += feeds, elementwise; buffer 2 (output) gets the new values. */
export function accumulate(length: number): KernelList {
  return {
    buffers: [
      { role: "feeds", label: "feeds", length },
      { role: "variable", label: "sum", length, variable: 0 },
      { role: "output", label: "now", length },
    ],
    feeds: [{ name: "x", dtype: "f32", shape: [length], offset: 0, length, upTo: false }],
    outputs: [{ name: "now", dtype: "f32", shape: [length], buffer: 2 }],
    kernels: [
      {
        kind: "map",
        label: "sum += x",
        space: [length],
        instrs: [
          { op: "load", dtype: "f32", buffer: 1, view: line },
          { op: "load", dtype: "f32", buffer: 0, view: line },
          { op: "binary", dtype: "f32", name: "add", a: 0, b: 1 },
        ],
        stores: [
          { buffer: 1, dtype: "f32", view: line, value: 2 },
          { buffer: 2, dtype: "f32", view: line, value: 2 },
        ],
      },
    ],
  };
}

/** One map over the feeds (buffer 0) into an output (buffer 1) of the same length; the result is the last instruction. */
export function pointwise(length: number, instrs: readonly Instr[]): KernelList {
  const value = instrs.length - 1;
  const { dtype } = instrs[value]!;
  return {
    buffers: [
      { role: "feeds", label: "feeds", length },
      { role: "output", label: "result", length },
    ],
    feeds: [],
    outputs: [],
    kernels: [
      {
        kind: "map",
        label: "pointwise",
        space: [length],
        instrs,
        stores: [{ buffer: 1, dtype, view: line, value }],
      },
    ],
  };
}
