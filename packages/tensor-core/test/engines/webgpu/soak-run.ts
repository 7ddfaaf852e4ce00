/** Twenty thousand steps in a process of their own, where nothing else moves its memory; prints one JSON line. */
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { accumulate } from "../lists.ts";

const engine = await openWebGpu();
const length = 1024;
const sum = engine.allocate(length * 4, "sum");
const program = await engine.prepare(accumulate(length), [sum]);
const feeds = new Uint32Array(new Float32Array(length).fill(1).buffer);

async function steps(count: number): Promise<void> {
  for (let step = 1; step <= count; step++) {
    const reads = program.run(feeds, step % 50 === 0 ? [2] : []);
    if (step % 200 === 0) await Promise.all(reads);
  }
  await engine.idle();
  Bun.gc(true);
}

await steps(8_000);
const before = { memory: engine.memory(), rss: process.memoryUsage().rss };
await steps(12_000);
const after = { memory: engine.memory(), rss: process.memoryUsage().rss };
const values = new Float32Array(await engine.read(sum));
console.log(JSON.stringify({ before, after, least: Math.min(...values), most: Math.max(...values) }));
program.dispose();
engine.free(sum);
engine.dispose();
