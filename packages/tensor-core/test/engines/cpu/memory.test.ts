/** Memory of the cpu engine: nothing grows, and what is no longer needed goes back without anybody noticing. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { CpuEngine } from "../../../src/engines/cpu/engine.ts";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import { Device, type HostArray } from "../../../src/index.ts";
import { DeepFmRun } from "../../graphs/train.ts";
import { accumulate } from "../lists.ts";

const MIB = 2 ** 20;

test("800 programs of changing shapes leave nothing, in the engine or in the process", () => {
  const run = Bun.spawnSync([process.execPath, join(import.meta.dir, "memory-run.ts")]);
  expect(run.stderr.toString()).toBe("");
  const { start, before, after } = JSON.parse(run.stdout.toString());
  expect(start.memory).toEqual({ buffers: 0, bytes: 0 });
  expect(before.memory).toEqual(start.memory);
  expect(after.memory).toEqual(start.memory);
  expect(after.reserved).toBe(before.reserved);
  const grown = (after.rss - before.rss) / MIB;
  console.log(
    `RSS after 400 programs ${(before.rss / MIB).toFixed(0)} MiB, after 400 more ${grown.toFixed(1)} MiB more`,
  );
  // A module (30 KB and more on two threads) that stays with every program would be 12 MiB.
  expect(grown).toBeLessThan(10);
}, 30_000);

let engine: CpuEngine;
let device: Device;
beforeEach(async () => {
  engine = (await openCpu({ threads: 2 })) as CpuEngine;
  device = new Device(engine);
});
afterEach(() => device.dispose());

/** Makes the engine hold much more memory than it uses. */
function waste(bytes = 200 * MIB): void {
  engine.free(engine.allocate(bytes, "waste"));
}

const words = (values: HostArray) => new Uint32Array(values.buffer, values.byteOffset, values.length);

test("shrink gives memory back; training goes on with the same bits", async () => {
  async function train(shrink: boolean): Promise<{ losses: number[]; contents: Map<string, HostArray> }> {
    const losses: number[] = [];
    if (shrink) waste();
    // what is made from here on lies behind the waste, and a buffer before it must move too
    using run = await DeepFmRun.start(device);
    for (let i = 0; i < 4; i++) {
      losses.push(...(await run.steps(5)));
      if (!shrink) continue;
      waste();
      const { memory, arena } = engine;
      const before = memory.call(engine);
      expect(arena.reserved).toBeGreaterThan(200 * MIB);
      engine.shrink();
      expect(engine.arena).not.toBe(arena);
      expect(engine.arena.reserved).toBeLessThan(64 * MIB);
      expect(engine.memory()).toEqual(before);
    }
    return { losses, contents: await run.contents() };
  }
  const still = await train(false);
  const moved = await train(true);
  expect(moved.losses).toEqual(still.losses);
  for (const [name, values] of still.contents)
    expect([name, words(moved.contents.get(name)!)]).toEqual([name, words(values)]);
  expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
}, 30_000);

test("shrink between a run and its reads, within a prepare, and beside a program whose variable is gone", async () => {
  const feeds = new Uint32Array(Float32Array.of(1, 2, 3).buffer);
  const sum = engine.allocate(12, "sum");
  const lost = engine.allocate(12, "lost");
  const program = await engine.prepare(accumulate(3), [sum]);
  const orphan = await engine.prepare(accumulate(3), [lost]);
  engine.free(lost);
  waste();
  const reads = program.run(feeds, [1, 2]);
  const reading = engine.read(sum);
  const preparing = engine.prepare(accumulate(5), [engine.allocate(20, "five")]);
  engine.shrink();
  expect(engine.arena.reserved).toBeLessThan(64 * MIB);
  for (const bytes of [...(await Promise.all(reads)), await reading])
    expect([...new Float32Array(bytes)]).toEqual([1, 2, 3]);
  const late = await preparing;
  const [five] = await Promise.all(late.run(new Uint32Array(Float32Array.of(1, 2, 3, 4, 5).buffer), [2]));
  expect([...new Float32Array(five!)]).toEqual([1, 2, 3, 4, 5]);
  const [again] = await Promise.all(program.run(feeds, [1]));
  expect([...new Float32Array(again!)]).toEqual([2, 4, 6]);
  expect(() => orphan.run(feeds, [])).toThrow(/"lost" was freed/);
  for (const each of [program, orphan, late]) each.dispose();
}, 30_000);

test("shrink does nothing where memory is in use, or is little", () => {
  const { arena } = engine;
  engine.shrink();
  expect(engine.arena).toBe(arena);
  const held = engine.allocate(100 * MIB, "held");
  engine.shrink();
  expect(engine.arena).toBe(arena);
  engine.free(held);
}, 30_000);

test("idle memory goes back by itself after a while", async () => {
  waste();
  expect(engine.arena.reserved).toBeGreaterThan(200 * MIB);
  const kept = engine.allocate(12, "kept");
  engine.write(kept, Float32Array.of(1, 2, 3));
  for (let i = 0; i < 300 && engine.arena.reserved > 64 * MIB; i++) await Bun.sleep(50);
  expect(engine.arena.reserved).toBeLessThan(64 * MIB);
  expect([...new Float32Array(await engine.read(kept))]).toEqual([1, 2, 3]);
}, 30_000);
