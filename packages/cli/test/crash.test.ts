// Killed at any moment and resumed, a run ends with the same bits; Ctrl-C leaves a checkpoint.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTensors } from "@trimtab/tensor-core";
import { must, start } from "./support/command.ts";
import { dataset, freshFolder } from "./support/data.ts";

setDefaultTimeout(120_000);

const SEED = process.env.CI ? 11 : Math.floor(Math.random() * 1e9);
const KILLS = 4;
// dropout and running moments are state too
const MODEL = ["--model", "deepfm", "--dim", "4", "--hidden", "8", "--dropout", "0.2", "--batch-norm"];
const LONG = [
  "--batch",
  "500",
  "--lr",
  "0.01",
  "--std",
  "0.05",
  "--epochs",
  "40",
  "--patience",
  "40",
  "--lr-drop",
  "1",
  "--checkpoint-seconds",
  "0.02",
];
const cwd = freshFolder();

async function trainArgs(run: string): Promise<string[]> {
  return ["train", "--data", await dataset(), ...MODEL, ...LONG, "--run", run];
}

let reference: Promise<unknown> | undefined;
const uninterrupted = () => {
  reference ??= trainArgs("whole").then((args) => must(args, { cwd }));
  return reference;
};

function random(state: number): () => number {
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function eventsOf(run: string): { kind: string; step?: number }[] {
  const file = join(cwd, run, "events.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // a line that a kill left torn
      }
    });
}

/** Waits until the run has told of `more` further checkpoints, or is over. */
async function checkpoints(run: string, more: number, over: () => boolean): Promise<void> {
  const count = () => eventsOf(run).filter(({ kind }) => kind === "checkpoint").length;
  const until = count() + more;
  while (count() < until && !over()) await Bun.sleep(5);
}

function expectSameBits(run: string): void {
  const best = (name: string) =>
    loadTensors(join(cwd, name, "checkpoints", "base", "best.safetensors")).tensors;
  const there = best("whole");
  const here = best(run);
  expect([...here.keys()]).toEqual([...there.keys()]);
  for (const [name, { data }] of here) {
    const bits = (array: ArrayBufferView) =>
      new Uint32Array(array.buffer, array.byteOffset, array.byteLength / 4);
    expect({ name, bits: bits(data) }).toEqual({ name, bits: bits(there.get(name)!.data) });
  }
  const rows = (name: string) => JSON.parse(readFileSync(join(cwd, name, "result.json"), "utf8")).rows;
  expect(rows(run).base.metrics).toEqual(rows("whole").base.metrics);
  expect(rows(run).base.config.steps).toBe(rows("whole").base.config.steps);
}

test(`kill -9 at random moments, then --resume (seed ${SEED})`, async () => {
  await uninterrupted();
  const draw = random(SEED);
  const moments: string[] = [];
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const child = start([...(await trainArgs("killed")), "--resume"], { cwd });
    let over = false;
    child.exited.then(() => {
      over = true;
    });
    // the first at any moment from the start on, the others somewhere after a checkpoint or more
    if (i > 0) await checkpoints("killed", 1 + Math.floor(draw() * 8), () => over);
    const wait = draw() * (i === 0 ? 600 : 40);
    await Bun.sleep(wait);
    child.kill("SIGKILL");
    await child.exited;
    if (child.signalCode === "SIGKILL") killed++;
    const step = eventsOf("killed").findLast(({ kind }) => kind === "checkpoint")?.step ?? 0;
    moments.push(`after the checkpoint of step ${step}`);
  }
  console.log(`seed ${SEED}: killed ${killed} times, ${moments.join(", ")}`);
  expect(killed).toBeGreaterThanOrEqual(2);
  await must([...(await trainArgs("killed")), "--resume"], { cwd });
  expectSameBits("killed");
});

test("Ctrl-C writes a checkpoint, says how to go on, and is exit code 130", async () => {
  await uninterrupted();
  const child = start(await trainArgs("stopped"), { cwd });
  let over = false;
  child.exited.then(() => {
    over = true;
  });
  await checkpoints("stopped", 2, () => over);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  const said = await new Response(child.stderr).text();
  expect(said).toMatch(/error: training: stopped at step \d+; the checkpoint is in .*, go on with --resume/);
  expect(existsSync(join(cwd, "stopped", "lock.json"))).toBe(false);
  const before = eventsOf("stopped").findLast(({ kind }) => kind === "checkpoint")!.step!;
  expect(before).toBeLessThan(160);
  await must(["train", "--run", "stopped", "--resume"], { cwd });
  expectSameBits("stopped");
});

test("a second Ctrl-C ends at once", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, "support", "stuck.ts")], {
    stdout: "ignore",
    stderr: "pipe",
  });
  const reader = child.stderr.getReader();
  await reader.read();
  child.kill("SIGINT");
  const said = new TextDecoder().decode((await reader.read()).value);
  expect(said).toContain("press Ctrl-C again");
  await Bun.sleep(400);
  expect(child.exitCode).toBeNull();
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
});
