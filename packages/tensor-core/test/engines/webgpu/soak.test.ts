/** Twenty thousand steps: nothing grows. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { describeWebGpu } from "../../webgpu-adapter.ts";

describeWebGpu("soak of the webgpu engine", () => {
  test("20,000 runs leave memory() and the process's memory flat", () => {
    const run = Bun.spawnSync([process.execPath, join(import.meta.dir, "soak-run.ts")], { stderr: "ignore" });
    expect(run.exitCode).toBe(0);
    const { before, after, least, most } = JSON.parse(run.stdout.toString());
    expect(after.memory).toEqual(before.memory);
    expect([least, most]).toEqual([20_000, 20_000]);
    const grown = (after.rss - before.rss) / 2 ** 20;
    console.log(
      `RSS after 8,000 steps ${(before.rss / 2 ** 20).toFixed(0)} MiB, 12,000 steps later ${grown.toFixed(1)} MiB more`,
    );
    // A leak of one command buffer a step (about 5 KB) would be 60 MiB.
    expect(grown).toBeLessThan(25);
  }, 60_000);
});
