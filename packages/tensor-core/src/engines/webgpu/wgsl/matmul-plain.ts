/** A matmul as a reduce kernel: no tiles, any shape and any k. The plain partner of the tiled kernels. */
import type { Instr, MatmulKernel, MatmulOperand, ReduceKernel } from "../../../kernels/ir.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { planReduce } from "./reduce.ts";

export function planMatmulPlain(kernel: MatmulKernel, traits: DeviceTraits): Dispatch[] {
  const { label, space, stores, post, k, a, b } = kernel;
  const load = (operand: MatmulOperand, strides: number[]): Instr => ({
    op: "load",
    dtype: "f32",
    buffer: operand.buffer,
    view: { offset: operand.offset, strides },
  });
  const reduce: ReduceKernel = {
    kind: "reduce",
    label,
    space,
    stores,
    post,
    inner: [k],
    instrs: [
      load(a, [a.strides[0], a.strides[1], 0, a.strides[2]]),
      load(b, [b.strides[0], 0, b.strides[2], b.strides[1]]),
      { op: "binary", dtype: "f32", name: "mul", a: 0, b: 1 },
    ],
    folds: [{ name: "sum", dtype: "f32", value: 2 }],
  };
  return planReduce(reduce, traits);
}
