/** The matmuls of a 160-400-400-400-1 tower at batch 4096: forward, input gradients, weight gradients. */
import { type Device, matmul, type Program, type Tensor, transpose } from "@trimtab/tensor-core";

export interface MatmulCase {
  readonly name: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposed: "none" | "a" | "b";
}

const BATCH = 4096;

export const towerMatmuls: readonly MatmulCase[] = [
  { name: "forward 160-400", m: BATCH, k: 160, n: 400, transposed: "none" },
  { name: "forward 400-400", m: BATCH, k: 400, n: 400, transposed: "none" },
  { name: "input gradient 400-160", m: BATCH, k: 400, n: 160, transposed: "b" },
  { name: "input gradient 400-400", m: BATCH, k: 400, n: 400, transposed: "b" },
  { name: "weight gradient 160-400", m: 160, k: BATCH, n: 400, transposed: "a" },
  { name: "weight gradient 400-400", m: 400, k: BATCH, n: 400, transposed: "a" },
];

export const squareMatmuls: readonly MatmulCase[] = [512, 1024].map((n) => ({
  name: `square ${n}`,
  m: n,
  k: n,
  n,
  transposed: "none" as const,
}));

/** Floating-point operations of one product. */
export const flops = ({ m, k, n }: MatmulCase): number => 2 * m * k * n;

/** A program that multiplies two variables and keeps the product on the device. */
export async function matmulProgram(device: Device, c: MatmulCase): Promise<Program<{ product: Tensor }>> {
  const random = (length: number) => Float32Array.from({ length }, () => Math.random() - 0.5);
  const a = device.variable("a", c.transposed === "a" ? [c.k, c.m] : [c.m, c.k], { data: random(c.m * c.k) });
  const b = device.variable("b", c.transposed === "b" ? [c.n, c.k] : [c.k, c.n], { data: random(c.k * c.n) });
  const left = c.transposed === "a" ? transpose(a.value) : a.value;
  const right = c.transposed === "b" ? transpose(b.value) : b.value;
  return device.compile({ outputs: { product: matmul(left, right) } });
}
