/** Seconds per kernel: timestamps around one pass a dispatch, or a wait after each where the adapter has no timestamps. */
import type { WebGpuEngine } from "./engine.ts";
import { USAGE } from "./memory.ts";
import { encodeStep, type Step } from "./program.ts";

/** A query set holds at most 4096 timestamps, two a pass. */
const PASSES_A_SET = 2048;

/** Sums over each kernel's dispatches. Runs the steps once, in order. */
export async function profile(
  engine: WebGpuEngine,
  steps: readonly Step[],
  kernels: number,
  feeds: Uint32Array,
): Promise<number[]> {
  const seconds = new Array<number>(kernels).fill(0);
  if (!engine.info.timestamps) {
    for (const step of steps) seconds[step.kernel]! += await waited(engine, step, feeds);
    return seconds;
  }
  for (let from = 0; from < steps.length; from += PASSES_A_SET) {
    const some = steps.slice(from, from + PASSES_A_SET);
    const times = await stamped(engine, some, feeds);
    for (const [i, step] of some.entries()) seconds[step.kernel]! += times[i]!;
  }
  return seconds;
}

async function stamped(engine: WebGpuEngine, steps: readonly Step[], feeds: Uint32Array): Promise<number[]> {
  const { device, ledger, readback } = engine;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 * steps.length });
  const bytes = 16 * steps.length;
  const resolved = ledger.create(bytes, USAGE.queryResolve | USAGE.copySrc, "timestamps");
  try {
    const encoder = device.createCommandEncoder();
    const ran = steps.map((step, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
      });
      const any = encodeStep(pass, step, feeds);
      pass.end();
      return any;
    });
    encoder.resolveQuerySet(querySet, 0, 2 * steps.length, resolved, 0);
    const staging = readback.take(bytes);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array(await readback.finish(staging, bytes));
    return ran.map((any, i) => (any ? Number(stamps[2 * i + 1]! - stamps[2 * i]!) * 1e-9 : 0));
  } finally {
    querySet.destroy();
    ledger.destroy(resolved);
  }
}

async function waited(engine: WebGpuEngine, step: Step, feeds: Uint32Array): Promise<number> {
  const { device } = engine;
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const any = encodeStep(pass, step, feeds);
  pass.end();
  if (!any) return 0;
  const start = performance.now();
  device.queue.submit([encoder.finish()]);
  await engine.idle();
  return (performance.now() - start) / 1000;
}
