/** The cpu engine outside of Bun: the same program gives the same bits in Node.js and in a browser, with and without shared memory. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePage, findBrowser, trainInBrowser } from "./portable/browser.ts";
import { type Report, train } from "./portable/train.ts";

let here: Report;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trimtab-portable-"));
  here = await train(2);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("in Bun: it learns, and one thread gives the same bits", async () => {
  const losses = new Float32Array(Uint32Array.from(here.losses).buffer);
  expect(losses).toHaveLength(20);
  expect(losses[19]!).toBeLessThan(losses[0]! - 0.05);
  expect(await train(1)).toEqual({ ...here, threads: 1 });
}, 30_000);

const node = Bun.which("node");
if (node === null) console.log("not run: the cpu engine in Node.js. No `node` is on the PATH.");

describe.skipIf(node === null)("in Node.js", () => {
  for (const threads of [2, 1]) {
    test(`${threads} thread(s): the same bits, and the process ends by itself`, async () => {
      const built = await Bun.build({
        entrypoints: [join(import.meta.dir, "portable", "command.ts")],
        target: "node",
        outdir: folder,
        naming: "command.mjs",
      });
      expect(built.success).toBe(true);
      const child = Bun.spawn([node!, join(folder, "command.mjs"), String(threads)], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, errors] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect({ code: await child.exited, errors }).toEqual({ code: 0, errors: "" });
      expect(JSON.parse(out)).toEqual({ ...here, threads });
    }, 30_000);
  }
});

describe("in a browser", () => {
  test("the package can be bundled for one", async () => {
    expect((await bundlePage()).length).toBeGreaterThan(100_000);
  });

  const browser = findBrowser();
  if (browser === undefined)
    console.log("not run: the cpu engine in a browser. No Chromium is on the PATH or named in CHROMIUM.");
  for (const isolated of [true, false]) {
    test.skipIf(browser === undefined)(
      isolated
        ? "two threads on an isolated page: the same bits"
        : "one thread where memory cannot be shared: the same bits",
      async () => {
        const { best, ...report } = await trainInBrowser(browser!, await bundlePage(), {
          threads: 2,
          isolated,
        });
        expect(["cpu", "webgpu"]).toContain(best);
        expect(report).toEqual({ ...here, threads: isolated ? 2 : 1, isolated });
      },
      90_000,
    );
  }
});
