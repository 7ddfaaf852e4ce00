// Killed with SIGKILL at any moment and started again, a search ends with the same scheme and the same weights.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateDataset } from "@trimtab/data";
import { loadTensors } from "@trimtab/tensor-core";

setDefaultTimeout(400_000);

const root = mkdtempSync(join(tmpdir(), "trimtab-fiited-kill-"));
const log = join(root, "log.trimtab");
beforeAll(async () => {
  await generateDataset({ rows: 3000, seed: 5, out: log });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Ran {
  readonly lines: readonly string[];
  readonly killed: boolean;
}

/** Runs child.ts to its end, or until `wait` more milliseconds have passed after a line that begins with `at`. */
async function run(folder: string, resume: boolean, at?: string, wait = 0): Promise<Ran> {
  const args = [
    process.execPath,
    join(import.meta.dir, "child.ts"),
    log,
    folder,
    resume ? "resume" : "fresh",
  ];
  const child = Bun.spawn(args, { stdout: "pipe", stderr: "inherit" });
  const lines: string[] = [];
  let rest = "";
  for await (const chunk of child.stdout) {
    rest += new TextDecoder().decode(chunk);
    const parts = rest.split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    if (at !== undefined && parts.some((line) => line.startsWith(at))) {
      await Bun.sleep(wait);
      child.kill("SIGKILL");
      break;
    }
  }
  await child.exited;
  return { lines, killed: child.signalCode === "SIGKILL" };
}

const answer = ({ lines }: Ran) => lines.find((line) => line.startsWith("found"));
const weights = (folder: string) =>
  ["20%", "8%"].map((budget) =>
    [...loadTensors(join(folder, `fiited-${budget}`, "best.safetensors")).tensors].map(([name, t]) => [
      name,
      Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString("base64"),
    ]),
  );

test("before the first adjustment, in the ramp, after it, in the second budget: the same scheme and bits", async () => {
  const straight = join(root, "straight");
  const whole = answer(await run(straight, false));
  expect(whole).toBeDefined();
  const broken = join(root, "broken");
  // a checkpoint after every step; the waits end between steps, in adjustments and while files are written
  const kills = [
    ["20% 1", 0],
    ["20% 3", 7],
    ["20% 11", 11],
    ["8% 9", 1],
  ] as const;
  let killed = 0;
  for (const [at, wait] of kills) {
    const ran = await run(broken, true, at, wait);
    if (ran.killed && answer(ran) === undefined) killed++;
  }
  expect(killed).toBe(kills.length);
  expect(existsSync(join(broken, "fiited-8%", "best.safetensors"))).toBe(false);
  const resumed = await run(broken, true);
  expect(answer(resumed)).toBe(whole!);
  expect(weights(broken)).toEqual(weights(straight));
});
