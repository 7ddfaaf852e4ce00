// The bars of a study, and the lines above them, as a terminal shows them.
import { expect, test } from "bun:test";
import { barsView, type StudyView } from "../../src/study/view.ts";
import { Screen, terminalOf } from "../support/screen.ts";

/** Longer than it takes until the bars are drawn again. */
const A_FRAME_MS = 200;
const drawn = () => Bun.sleep(A_FRAME_MS);

function open(columns: number, rows: number, slots: number): { screen: Screen; view: StudyView } {
  const screen = new Screen(columns, rows);
  return { screen, view: barsView(terminalOf(screen, columns, rows), slots) };
}

const overall = (done: number) => ({ done, total: 20, failed: 0, secondsLeft: 3 });

/** Lines of a text that was broken between words, put together again. */
const joined = (lines: readonly string[]) => lines.map((line) => line.trim()).join(" ");

test.each([100, 60])(
  "results that come together leave nothing of the bars behind them, %p columns",
  async (columns) => {
    const { screen, view } = open(columns, 12, 3);
    const said: string[] = [];
    for (let round = 0; round < 4; round++) {
      for (let slot = 0; slot < 3; slot++)
        view.update(slot, `pep (seed ${slot})`, 0.94, "a note of some length, and more");
      view.overall(overall(round));
      await drawn();
      for (let i = 0; i <= round; i++) {
        said.push(`base (seed ${round}${i}): test AUC 0.70, 108 KiB`);
        view.overall(overall(round), said.at(-1));
      }
      await drawn();
      const { lines } = screen;
      expect(joined(lines.slice(0, -4))).toBe(said.join(" "));
      expect(lines.slice(-4).map((line) => line.split(" ")[0])).toEqual(["study", "1", "2", "3"]);
    }
    view.close();
    expect(joined(screen.lines)).toBe(said.join(" "));
  },
);

test("what is wider than the terminal is broken between words; a path that is wider is there whole", async () => {
  const { screen, view } = open(40, 10, 2);
  const reason = "smaller-dim at 0.5%: not possible, dim 1 already costs 34568 bytes, the budget is 2765";
  const path = `/${"a-long-name/".repeat(5)}lock.json`;
  view.update(0, "sseds (seed 1)", 0.5, "30 of 30 allocations tried");
  view.overall(overall(1));
  await drawn();
  view.line(`${reason}\n${path}`);
  await drawn();
  const { lines } = screen;
  expect(joined(lines.slice(0, 3))).toBe(reason);
  expect(lines.slice(3, -3).join("")).toBe(path);
  expect(lines.at(-3)).toStartWith("study [");
  expect(lines.filter((line) => line.length > 40)).toEqual([]);
  view.close();
});

test("the last words are not lost, and a bar is never left behind", async () => {
  const { screen, view } = open(60, 10, 2);
  view.update(0, "pep", 0.5, "");
  await drawn();
  // a terminal shows the key that was pressed
  screen.write("^C");
  view.line("stopping after the running step");
  view.overall(overall(20), "pep: test AUC 0.7");
  view.close();
  expect(screen.lines).toEqual(["stopping after the running step", "pep: test AUC 0.7"]);
});

test("a terminal that is too low shows fewer bars, and how many it leaves out", async () => {
  const { screen, view } = open(60, 8, 20);
  for (let i = 0; i < 3; i++) {
    view.overall(overall(i), `row ${i}`);
    view.update(19, "pep", 0.5, "");
    await drawn();
  }
  const { lines } = screen;
  expect(lines.map((line) => line.split(" [")[0])).toEqual([
    "row 0",
    "row 1",
    "row 2",
    "study",
    "1",
    "2",
    "3",
    "4",
    "5",
    "and 15 more",
  ]);
  view.close();
  expect(screen.lines).toEqual(["row 0", "row 1", "row 2"]);
});
