/** A worker killed from outside, between runs and in the very moment of one. */
import { expect, test } from "bun:test";
import { Worker as NodeWorker } from "node:worker_threads";
import { Arena } from "../../../../src/engines/cpu/host/arena.ts";
import { Pool } from "../../../../src/engines/cpu/host/pool.ts";
import { DeviceLost } from "../../../../src/errors.ts";
import { testModule } from "./kernels.ts";

/** Opens a pool of real workers and keeps hold of them, as a pool shows its workers to nobody. */
async function openWatched(): Promise<{ pool: Pool; workers: NodeWorker[]; run: () => void }> {
  const workers: NodeWorker[] = [];
  const on = NodeWorker.prototype.on;
  NodeWorker.prototype.on = function (this: NodeWorker, ...args: Parameters<typeof on>) {
    if (!workers.includes(this)) workers.push(this);
    return on.apply(this, args);
  } as typeof on;
  const arena = new Arena({ limit: 2 ** 24 });
  let pool: Pool;
  try {
    pool = await Pool.open({ arena, threads: 3, patience: 4 });
  } finally {
    NodeWorker.prototype.on = on;
  }
  const [empty] = await pool.load(await testModule(true), ["empty"]);
  const program = await pool.addProgram([{ fn: empty!, args: 0, counter: arena.allocate(4, "counter") }]);
  return { pool, workers, run: () => pool.run(program, [0, 0, 0], 0) };
}

test("killed between runs: lost rejects, later runs throw", async () => {
  const { pool, workers, run } = await openWatched();
  expect(workers.length).toBe(2);
  run();
  await workers[1]!.terminate();
  const start = performance.now();
  const error = await pool.lost.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(performance.now() - start).toBeLessThan(3000);
  expect(error).toBeInstanceOf(DeviceLost);
  expect((error as Error).message).toMatch(/Thread 2 of 3 is gone .* resume from a checkpoint/);
  expect(run).toThrow(DeviceLost);
});

test("killed as runs begin: the others do its work, or the run throws within its patience; then lost rejects", async () => {
  const { pool, workers, run } = await openWatched();
  run();
  const ended = workers[0]!.terminate();
  const start = performance.now();
  let longest = 0;
  try {
    // while this thread runs programs, nobody can tell it that a worker has died
    while (performance.now() - start < 1000) {
      const from = performance.now();
      run();
      longest = Math.max(longest, performance.now() - from);
    }
  } catch (error) {
    // it died inside a phase
    expect(error).toBeInstanceOf(DeviceLost);
  }
  expect(performance.now() - start).toBeLessThan(8000);
  expect(longest).toBeLessThan(6000);
  await ended;
  expect(pool.lost).rejects.toThrow(DeviceLost);
  await pool.lost.catch(() => undefined);
  expect(run).toThrow(DeviceLost);
}, 30_000);
