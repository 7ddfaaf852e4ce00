/** Twenty thousand steps: nothing grows. */
import { expect, test } from "bun:test";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { accumulate } from "./lists.ts";

test("20,000 runs leave memory() and the process's memory flat", async () => {
  const engine = await openWebGpu();
  const length = 1024;
  const sum = engine.allocate(length * 4, "sum");
  const program = await engine.prepare(accumulate(length), [sum]);
  const feeds = new Uint32Array(new Float32Array(length).fill(1).buffer);
  const steps = async (count: number): Promise<void> => {
    for (let step = 1; step <= count; step++) {
      const reads = program.run(feeds, step % 50 === 0 ? [2] : []);
      if (step % 200 === 0) await Promise.all(reads);
    }
    await engine.idle();
    Bun.gc(true);
  };
  await steps(8_000);
  const [memory, rss] = [engine.memory(), process.memoryUsage().rss];
  await steps(12_000);
  expect(engine.memory()).toEqual(memory);
  const grown = (process.memoryUsage().rss - rss) / 2 ** 20;
  console.log(
    `RSS after 8,000 steps ${(rss / 2 ** 20).toFixed(0)} MiB, 12,000 steps later ${grown.toFixed(1)} MiB more`,
  );
  // A leak of one command buffer a step (about 5 KB) would be 60 MiB.
  expect(grown).toBeLessThan(25);
  const values = new Float32Array(await engine.read(sum));
  expect(values.every((value) => value === 20_000)).toBe(true);
  program.dispose();
  engine.free(sum);
  engine.dispose();
}, 60_000);
