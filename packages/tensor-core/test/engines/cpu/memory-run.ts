/** Thousands of programs that come and go, in a process of their own where nothing else moves its memory; prints one JSON line. */

import type { CpuEngine } from "../../../src/engines/cpu/engine.ts";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import { accumulate } from "../lists.ts";
import { matmulList, STRAIGHT } from "../matmul-cases.ts";

const engine = (await openCpu({ threads: 2 })) as CpuEngine;

/** Prepares, runs and disposes programs of shapes that were never there before; every eighth is a matrix product with scratch. */
async function programs(from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    if (i % 8 === 0) {
      const extents = { batch: 1, m: 5 + (i % 97), n: 5 + (i % 89), k: 5 + (i % 83) };
      const { list, contents } = matmulList({
        ...extents,
        a: STRAIGHT,
        b: STRAIGHT,
        epilogue: "none",
        seed: i,
      });
      const buffers = contents.map((data) => engine.allocate(data.byteLength, "matrix"));
      const program = await engine.prepare(list, buffers);
      program.run(new Uint32Array(0), []);
      program.dispose();
      for (const buffer of buffers) engine.free(buffer);
    } else {
      // up to 4 MiB a buffer, so that memory which is not given back shows
      const length = 1 + i + (i % 5 === 0 ? 2 ** 20 : 0);
      const sum = engine.allocate(length * 4, "sum");
      const program = await engine.prepare(accumulate(length), [sum]);
      await Promise.all(program.run(new Uint32Array(length), i % 3 === 0 ? [2] : []));
      program.dispose();
      engine.free(sum);
    }
  }
  Bun.gc(true);
}

const state = () => ({
  memory: engine.memory(),
  reserved: engine.arena.reserved,
  rss: process.memoryUsage().rss,
});
const start = state();
await programs(0, 400);
const before = state();
await programs(400, 800);
const after = state();
console.log(JSON.stringify({ start, before, after }));
engine.dispose();
