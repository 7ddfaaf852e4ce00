/** Progress on stderr: a bar on a terminal, now and then a line elsewhere, nothing for machines. */
import { SingleBar } from "cli-progress";
import { terminalWidth, wrapLines } from "./wrap.ts";

export interface Progress {
  /** Where the running work is: share from 0 to 1, and a few words. */
  update(label: string, share: number, note: string): void;
  /** Something that is done, kept on the screen. */
  line(text: string): void;
  /** Takes a bar off the screen; progress may go on afterwards. */
  clear(): void;
}

export const silent: Progress = { update: () => {}, line: () => {}, clear: () => {} };

/** Lines for logs: what is done, and every so many seconds where the work is. */
export function lineProgress(write: (text: string) => void, everySeconds = 10): Progress {
  let shown = performance.now();
  return {
    update(label, share, note) {
      const now = performance.now();
      if (now - shown < everySeconds * 1000) return;
      shown = now;
      write(`${label}: ${percent(share)}${note === "" ? "" : `, ${note}`}\n`);
    },
    line(text) {
      shown = performance.now();
      write(`${text}\n`);
    },
    clear() {},
  };
}

/** A bar that is redrawn in place. */
export function barProgress(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | undefined;
  let current = "";
  const clear = () => {
    bar?.stop();
    bar = undefined;
  };
  // whatever ends the process, the terminal gets its line wrapping back
  process.on("exit", clear);
  return {
    update(label, share, note) {
      if (label !== current) clear();
      current = label;
      if (!bar) {
        bar = new SingleBar({
          stream,
          format: (_, { progress }, payload: { label: string; note: string }) =>
            barLine(payload.label, progress, payload.note, stream.columns || 80),
          hideCursor: null,
          clearOnComplete: true,
          linewrap: false,
          fps: 8,
        });
        bar.start(1000, 0, { label, note });
      }
      bar.update(Math.round(Math.min(1, Math.max(0, share)) * 1000), { label, note });
    },
    line(text) {
      clear();
      // a key that was pressed, such as Ctrl-C, may stand at the beginning of the line
      stream.write(`\r\x1b[K${wrapLines(text, terminalWidth(stream))}\n`);
    },
    clear,
  };
}

const BAR = 24;
const LEAST_BAR = 8;

/** One line that fits a terminal of `columns`: the bar gives way first, then the end of the note, then the bar altogether. */
export function barLine(label: string, share: number, note: string, columns: number): string {
  const facts = note === "" ? [] : note.split(", ");
  // terminals that write into their last column may start a new line
  const room = columns - 1;
  for (;;) {
    const text = `${percent(share)} ${facts.join(", ")}`.trimEnd();
    const bar = Math.min(BAR, room - label.length - text.length - 4);
    if (bar >= LEAST_BAR) {
      return `${label} [${"=".repeat(Math.round(bar * share)).padEnd(bar)}] ${text}`;
    }
    if (facts.length === 0) return `${label} ${text}`.slice(0, room);
    facts.pop();
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
