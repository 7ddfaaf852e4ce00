import { expect, test } from "bun:test";
import { barLine, barProgress, lineProgress } from "../../src/parts/progress.ts";
import { Screen, terminalOf } from "../support/screen.ts";

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

test("a bar's line fits its terminal, and says less where there is less room", () => {
  const line = (columns: number) =>
    barLine("base epoch 1 of at most 60", 0.5, "30.8k rows/s, 5 s left of the epoch, loss 0.5321", columns);
  for (let columns = 20; columns <= 160; columns++) expect(line(columns).length).toBeLessThan(columns);
  expect(line(160)).toBe(
    `base epoch 1 of at most 60 [${"=".repeat(12)}${" ".repeat(12)}] 50% 30.8k rows/s, 5 s left of the epoch, loss 0.5321`,
  );
  expect(line(80)).toContain("5 s left of the epoch");
  expect(line(80)).not.toContain("loss");
  expect(line(40)).toBe("base epoch 1 of at most 60 50%");
});

test("lines beside a bar are broken between words, and stand at the beginning of theirs", () => {
  const screen = new Screen(30, 6);
  const progress = barProgress(terminalOf(screen, 30, 6));
  progress.update("base", 0.5, "12 rows/s");
  // a terminal shows the key that was pressed, whether there is a bar or not
  screen.write("^C");
  progress.line("stopping after the running step; press Ctrl-C again");
  screen.write("^C");
  progress.line("stopped");
  progress.update("base", 0.5, "12 rows/s");
  expect(screen.lines).toEqual([
    "stopping after the running",
    "  step; press Ctrl-C again",
    "stopped",
    expect.stringContaining("base ["),
  ]);
  progress.clear();
  expect(screen.lines.at(-1)).toBe("stopped");
});
