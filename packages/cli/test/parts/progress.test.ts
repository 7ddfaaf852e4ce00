import { expect, test } from "bun:test";
import { lineProgress } from "../../src/parts/progress.ts";

test("lines: what is done at once, where the work is only now and then", async () => {
  const lines: string[] = [];
  const progress = lineProgress((text) => lines.push(text), 0.05);
  for (let i = 0; i < 100; i++) progress.update("base", i / 100, "fast");
  expect(lines).toEqual([]);
  await Bun.sleep(60);
  progress.update("base", 0.5, "12 rows/s");
  progress.update("base", 0.6, "12 rows/s");
  progress.line("base: done");
  expect(lines).toEqual(["base: 50%, 12 rows/s\n", "base: done\n"]);
});
