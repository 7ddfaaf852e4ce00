/** A study as it runs, on stderr: what each process does, how much is left and for how long; lines where there is no terminal. */
import { formatTimeLeft } from "@trimtab/eval";
import { MultiBar, type SingleBar } from "cli-progress";
import type { Context } from "../parts/context.ts";
import { barLine } from "../parts/progress.ts";
import { terminalWidth, wrapLines } from "../parts/wrap.ts";
import type { Overall } from "./tally.ts";

export interface StudyView {
  /** What the process in this slot does: a title and, while it works, a share from 0 to 1 with a few words. */
  update(slot: number, title: string, share: number, note: string): void;
  /** The slot is free. */
  rest(slot: number): void;
  /** Something a person should read, kept on the screen. */
  line(text: string): void;
  /** How far the study is, and what brought it there, kept on the screen. */
  overall(state: Overall, text?: string): void;
  close(): void;
}

/** "34 of 120 trainings, 2 failed, about 41m 10s left". */
export function overallText({ done, total, failed, secondsLeft }: Overall): string {
  const parts = [`${done} of ${total} trainings`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (done < total)
    parts.push(
      secondsLeft === undefined ? "time left not known yet" : `about ${formatTimeLeft(secondsLeft)} left`,
    );
  return parts.join(", ");
}

export function studyView(context: Context, slots: number): StudyView {
  if (context.json) return { update() {}, rest() {}, line() {}, overall() {}, close() {} };
  const view = process.stderr.isTTY
    ? barsView(process.stderr, slots)
    : linesView((text) => process.stderr.write(text));
  const notes = context.noteThrough(view.line);
  return {
    ...view,
    close() {
      notes[Symbol.dispose]();
      view.close();
    },
  };
}

/** Lines for logs: what is done with how much is left, and every so many seconds what runs. */
export function linesView(write: (text: string) => void, everySeconds = 30): StudyView {
  const running = new Map<number, string>();
  let state: Overall | undefined;
  let shown = performance.now();
  return {
    update(slot, title, share, note) {
      running.set(slot, `${title} ${Math.round(share * 100)}%${note === "" ? "" : ` (${note})`}`);
      if (!state || performance.now() - shown < everySeconds * 1000) return;
      shown = performance.now();
      write(`running: ${[...running.values()].join("; ")}; ${overallText(state)}\n`);
    },
    rest: (slot) => void running.delete(slot),
    line(text) {
      shown = performance.now();
      write(`${text}\n`);
    },
    overall(next, text) {
      shown = performance.now();
      write(text === undefined ? `${overallText(next)}\n` : `${text} (${overallText(next)})\n`);
      state = next;
    },
    close() {},
  };
}

interface Payload {
  readonly title: string;
  readonly note: string;
}

/** A bar for all, and one for each process, as many as the terminal is high enough for; what is done scrolls away above them. */
export function barsView(stream: NodeJS.WriteStream, slots: number): StudyView {
  const width = () => terminalWidth(stream);
  const bars = new MultiBar({
    stream,
    format: (_, { progress }, { title, note }: Payload) => barLine(title, progress, note, width()),
    hideCursor: null,
    clearOnComplete: true,
    linewrap: false,
    fps: 8,
    emptyOnZero: true,
    forceRedraw: true,
  });
  const make = (title: string): SingleBar => bars.create(1000, 0, { title, note: "" } satisfies Payload);
  const all = make("study");
  const shown = barsThatFit(slots, stream.rows || 24);
  const each = Array.from({ length: shown }, (_, i) => make(`${i + 1}`));
  if (shown < slots) bars.create(1, 0, {}, { format: () => `and ${slots - shown} more` });
  const line = (text: string) => bars.log(aboveBars(text, width()));
  const close = () => {
    // stopping alone would drop the lines that came since the bars were last drawn
    bars.update();
    bars.stop();
  };
  // whatever ends the process, the terminal gets its line wrapping back
  process.on("exit", close);
  return {
    update(slot, title, share, note) {
      const at = Math.round(Math.min(1, Math.max(0, share)) * 1000);
      each[slot]?.update(at, { title: `${slot + 1} ${title}`, note } satisfies Payload);
    },
    rest: (slot) => each[slot]?.update(0, { title: `${slot + 1} -`, note: "" } satisfies Payload),
    line,
    overall(state, text) {
      if (text !== undefined) line(text);
      const share = state.total === 0 ? 1 : state.done / state.total;
      all.update(Math.round(share * 1000), { title: "study", note: overallText(state) } satisfies Payload);
    },
    close() {
      process.off("exit", close);
      close();
    },
  };
}

/** Bars of processes beside the one of the study: of more lines than the terminal has, the first could not be reached to be redrawn. */
function barsThatFit(slots: number, rows: number): number {
  // a line stays free, and one says how many are not shown
  return slots + 2 <= rows ? slots : Math.max(0, rows - 3);
}

/** What the terminal is sent for a text in place of the bars, which are drawn again below it. */
function aboveBars(text: string, width: number): string {
  // All bars are erased, as a text of several lines overwrites several. From the second column on: tmux keeps a screen that is erased
  // from its very first place among what has scrolled away.
  const erase = "\x1b[2K\x1b[2G\x1b[J\r";
  // a path that is wider than the terminal is wrapped by it
  return `${erase}\x1b[?7h${wrapLines(text, width)}\n\x1b[?7l`;
}
