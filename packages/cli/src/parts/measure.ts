/** Small timings for `doctor`: not benchmarks, but enough to see whether a device is what one thinks it is. */
import { type Device, input, matmul, type Program, sum, type Tensor } from "@trimtab/tensor-core";
import { trainingSpeed } from "./training-speed.ts";

const MIB = 2 ** 20;

export interface Timings {
  /** Bytes a second from the host to the device and back, for one block of `transferBytes`. */
  readonly upload: number;
  readonly download: number;
  readonly transferBytes: number;
  /** Floating-point operations a second of a matrix product of `matmulShape` [M, K, N]. */
  readonly matmul: number;
  readonly matmulShape: readonly [number, number, number];
  /** Rows a second of a small FM's training step. */
  readonly trainRows: number;
  /** Seconds of a step that does nothing but come back. */
  readonly step: number;
}

/** Takes a second; on a processor that plays a GPU a few more, mostly to compile. */
export async function measure(device: Device): Promise<Timings> {
  const transferBytes = Math.min(16 * MIB, device.info.maxBindingBytes);
  const transfer = await transferSpeed(device, transferBytes);
  const matmulShape = [2048, 400, 400] as const;
  return {
    ...transfer,
    transferBytes,
    matmul: await matmulSpeed(device, matmulShape),
    matmulShape,
    trainRows: await trainingSpeed(device),
    step: await stepSeconds(device),
  };
}

async function transferSpeed(device: Device, bytes: number): Promise<{ upload: number; download: number }> {
  const host = new Float32Array(bytes / 4).fill(1);
  using block = device.variable("doctor.block", [host.length]);
  block.write(host);
  await device.idle();
  const upload = await best(3, async () => {
    block.write(host);
    await device.idle();
  });
  const download = await best(3, async () => {
    await block.read();
  });
  return { upload: bytes / upload, download: bytes / download };
}

async function matmulSpeed(device: Device, [m, k, n]: readonly [number, number, number]): Promise<number> {
  const fill = (length: number) => Float32Array.from({ length }, (_, i) => (i % 7) / 7);
  using a = device.variable("doctor.a", [m, k], { data: fill(m * k) });
  using b = device.variable("doctor.b", [k, n], { data: fill(k * n) });
  using program: Program<{ total: Tensor }> = await device.compile({
    outputs: { total: sum(matmul(a.value, b.value), [0]) },
  });
  await program.fetch();
  const runs = 3;
  const seconds = await best(3, async () => {
    for (let i = 1; i < runs; i++) program.run();
    await program.fetch();
  });
  return (2 * m * k * n * runs) / seconds;
}

async function stepSeconds(device: Device): Promise<number> {
  using program = await device.compile({ outputs: { y: sum(input("x", [64])) } });
  const x = new Float32Array(64);
  await program.fetch({ x });
  return await best(20, async () => {
    await program.fetch({ x });
  });
}

/** The fastest of some runs: the others were disturbed. */
async function best(times: number, work: () => Promise<void>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    fastest = Math.min(fastest, (performance.now() - started) / 1000);
  }
  return fastest;
}
