// A study on a real terminal, which is stopped there: nothing of what was said is cut or overwritten, and the run folder is given back.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { generateDataset } from "@trimtab/data";
import { MAIN } from "../support/command.ts";
import { freshFolder, QUICK } from "../support/data.ts";
import { Screen } from "../support/screen.ts";

setDefaultTimeout(120_000);

const COLUMNS = 60;
const ROWS = 30;
const CTRL_C = "\x03";
const ASKED = ["--methods", "pep,smaller-dim", "--budgets", "50%,1%", "--seeds", "1,2"];
/** More than anybody waits for. */
const LONG = ["--epochs", "2000", "--patience", "2000"];

test("Ctrl-C is told on lines of its own, the bars go, and no lock stays", async () => {
  if (process.platform === "win32") {
    console.log("left out: no pseudo-terminals here");
    return;
  }
  const cwd = freshFolder();
  // enough rows that an epoch is seen
  await generateDataset({ rows: 20_000, seed: 3, out: join(cwd, "log.trimtab") });
  const screen = new Screen(COLUMNS, ROWS);
  const decoder = new TextDecoder();
  const args = ["compare", "--data", "log.trimtab", ...QUICK, ...LONG, ...ASKED, "--jobs", "2"];
  // a Bun.Terminal made beforehand would not be the one that signals the process
  await using child = Bun.spawn([process.execPath, MAIN, ...args, "--engine", "cpu", "--run", "run"], {
    cwd,
    terminal: {
      cols: COLUMNS,
      rows: ROWS,
      data: (_, bytes) => screen.write(decoder.decode(bytes, { stream: true })),
    },
  });
  const shown = async (text: string) => {
    const until = performance.now() + 60_000;
    while (!screen.lines.some((line) => line.startsWith(text))) {
      if (performance.now() > until) throw new Error(`"${text}" is not shown:\n${screen.lines.join("\n")}`);
      await Bun.sleep(20);
    }
  };
  const lock = join(cwd, "run", "lock.json");

  await shown("1 base (seed 1) epoch");
  expect(existsSync(lock)).toBe(true);
  child.terminal!.write(CTRL_C);
  expect(await child.exited).toBe(130);
  expect(existsSync(lock)).toBe(false);

  // the last bytes may come after the end
  await shown("error: comparison: stopped; 0 finished rows are kept");
  const all = screen.lines.map((line) => line.trim()).join(" ");
  expect(all).toMatch(/smaller-dim at 1%: not possible, dim 1 already costs \d+ bytes, the budget is \d+/);
  const at = screen.lines.indexOf("stopping after the running step; press Ctrl-C again to end");
  expect(screen.lines.slice(at)).toEqual([
    "stopping after the running step; press Ctrl-C again to end",
    "  at once, without a checkpoint",
    "error: comparison: stopped; 0 finished rows are kept, run th",
    "e same command again to go on.",
  ]);
  expect(screen.lines.filter((line) => /^(study|\d) |\] \d+%/.test(line))).toEqual([]);
});
