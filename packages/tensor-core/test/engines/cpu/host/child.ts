/**
 * What a process of its own shows: it ends by itself, idle threads burn nothing, memory goes back to the system. Runs in Bun as
 * it is and, bundled, in Node.js; prints one line of JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Arena } from "../../../../src/engines/cpu/host/arena.ts";
import { Pool } from "../../../../src/engines/cpu/host/pool.ts";
import { testModule } from "./kernels.ts";

const MiB = 2 ** 20;
const [mode = "open", threadsText = "2"] = process.argv.slice(2);
const threads = Number(threadsText);

const said: Record<string, unknown> = { mode, threads };
const say = (): void => console.log(JSON.stringify(said));

/** Without --expose-gc Node.js collects when it likes. */
function collect(): void {
  (globalThis as { Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
  (globalThis as { gc?: () => void }).gc?.();
}

// In a field and touched only by functions: a module that awaits keeps its temporaries, and so the old memory, alive.
const holder: { arena: Arena } = { arena: new Arena() };
const pool = await Pool.open({ arena: holder.arena, threads });
const [chunks] = await pool.load(await testModule(true), ["chunks"]);
const own = Array.from({ length: threads }, (_, t) => t);
const allocate = (bytes: number): number => holder.arena.allocate(bytes, "block");
const seenAt = (address: number): number[] => [
  ...new Set(holder.arena.u32.subarray(address >> 2, (address >> 2) + 100)),
];
const marks = allocate(400);
const args = allocate(12);
(() => holder.arena.u32.set([100, marks, 1000], args >> 2))();
const counter = allocate(4);
const program = await pool.addProgram([{ fn: chunks!, args, counter }]);
pool.run(program, own, 0);
said.marks = seenAt(marks);

// a process may end while its workers are at something
if (["open", "dispose", "exit", "throw"].includes(mode)) pool.start(program, own, 0);

if (mode === "open") say();
else if (mode === "dispose") {
  pool.dispose();
  say();
} else if (mode === "exit") {
  say();
  process.exit(7);
} else if (mode === "throw") {
  say();
  throw new Error("meant to end this process");
} else if (mode === "idle") {
  await sleep(300);
  const before = process.cpuUsage();
  const start = performance.now();
  await sleep(2000);
  const used = process.cpuUsage(before);
  said.share = (used.user + used.system) / 1000 / (performance.now() - start);
  say();
} else if (mode === "memory") {
  const rss = (): number => Math.round(process.memoryUsage.rss() / MiB);
  const list: Record<string, number> = { start: rss() };
  const big = [0, 1, 2].map(() => allocate(128 * MiB));
  for (const address of big) (() => holder.arena.u8.fill(1, address, address + 128 * MiB))();
  list.full = rss();
  for (const address of big) (() => holder.arena.free(address))();
  said.wasteful = (() => holder.arena.wasteful())();
  list.freed = rss();
  const start = performance.now();
  const move = (): Promise<void> => {
    const { arena, translate } = holder.arena.moveTo();
    holder.arena = arena;
    said.marksAt = translate(marks);
    return pool.move(arena, translate);
  };
  await move();
  said.moveMs = performance.now() - start;
  pool.run(program, own, 0);
  // Bun's collector takes what lies about on the stack for references: the old memory goes with the next program at the latest.
  await pool.load(await testModule(true), ["empty"]);
  for (let i = 0; i < 10; i++) {
    collect();
    await sleep(50);
  }
  list.moved = rss();
  said.rss = list;
  said.after = seenAt(said.marksAt as number);
  said.reserved = (() => holder.arena.reserved)();
  say();
}
