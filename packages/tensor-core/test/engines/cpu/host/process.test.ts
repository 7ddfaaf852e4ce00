/** The engine's threads in a process of their own, in Bun and in Node.js. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Said {
  readonly marks: number[];
  readonly share: number;
  readonly wasteful: boolean;
  readonly rss: { start: number; full: number; freed: number; moved: number };
  readonly after: number[];
  readonly reserved: number;
}

const entry = join(import.meta.dir, "child.ts");
const node = Bun.which("node");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trimtab-host-"));
  const built = await Bun.build({
    entrypoints: [entry],
    target: "node",
    outdir: folder,
    minify: true,
    naming: "child.mjs",
  });
  if (!built.success) throw new AggregateError(built.logs);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function child(
  command: readonly string[],
  mode: string,
  threads = 2,
): Promise<{ code: number; said: Said; ms: number }> {
  const start = performance.now();
  const run = Bun.spawn([...command, mode, String(threads)], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const [code, out] = await Promise.all([run.exited, run.stdout.text()]);
  const ms = performance.now() - start;
  const line = out.trim().split("\n").at(-1);
  if (!line) throw new Error(`${mode} said nothing (code ${code}): ${await run.stderr.text()}`);
  return { code, said: JSON.parse(line) as Said, ms };
}

const hosts: [string, () => string[]][] = [["Bun", () => [process.execPath, entry]]];
if (node) hosts.push(["Node.js", () => [node, "--expose-gc", join(folder, "child.mjs")]]);
else console.log("Node.js is not installed here: its half of these tests does not run.");

for (const [host, command] of hosts)
  describe(`in ${host}`, () => {
    for (const [mode, code] of [
      ["open", 0],
      ["dispose", 0],
      ["exit", 7],
      ["throw", 1],
    ] as const)
      test(`a process ends by itself: ${mode}`, async () => {
        const ended = await child(command(), mode, 3);
        expect(ended.said.marks).toEqual([1]);
        expect(ended.code).toBe(code);
        expect(ended.ms).toBeLessThan(10_000);
      }, 30_000);

    test("idle threads burn no processor time", async () => {
      const { said } = await child(command(), "idle", 4);
      console.log(`${host}: idle pool of 4 uses ${(100 * said.share).toFixed(2)}% of a core`);
      expect(said.share).toBeLessThan(0.05);
    }, 30_000);

    test("memory goes back to the system after a move", async () => {
      const { said } = await child(command(), "memory");
      console.log(`${host}: resident MiB ${JSON.stringify(said.rss)}`);
      expect(said.wasteful).toBe(true);
      expect(said.rss.full - said.rss.start).toBeGreaterThan(350);
      expect(said.rss.moved).toBeLessThan(said.rss.full - 300);
      expect(said.reserved).toBeLessThan(2 ** 20);
      expect(said.after).toEqual([2]);
    }, 30_000);
  });
