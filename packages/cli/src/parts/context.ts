/** What every verb is given: where people's text goes, where the machine's document goes, and the wish to stop. */
import { listenForInterrupt } from "./interrupt.ts";
import { barProgress, lineProgress, type Progress, silent } from "./progress.ts";

export interface Context {
  readonly json: boolean;
  readonly debug: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** The command line, as a person would type it. */
  readonly command: string;
  /** Called if the verb fails, not if the user stops it. */
  onFailure(work: () => void): void;
  /** The verb failed: does what `onFailure` was given, the last first. */
  failed(): void;
  /** Remarks for people: stderr, so that results can be piped. */
  note(text: string): void;
  /** Until it is disposed, remarks are given to `line`, of a view that redraws the last lines of the terminal: written past it, they would shift them. */
  noteThrough(line: (text: string) => void): Disposable;
  /** Results for people: stdout, or nothing with --json. */
  print(text: string): void;
  /** The one JSON document of a run with --json: stdout, or nothing without. */
  document(value: unknown): void;
}

/** The verb's own context: signals are listened to until it is disposed. */
export function makeContext(options: {
  readonly json: boolean;
  readonly debug: boolean;
}): Context & Disposable {
  const { json, debug } = options;
  const progress = json
    ? silent
    : process.stderr.isTTY
      ? barProgress(process.stderr)
      : lineProgress((text) => process.stderr.write(text));
  let through: ((text: string) => void) | undefined;
  const note = (text: string) => {
    if (through) through(text);
    else if (json) process.stderr.write(`${text}\n`);
    else progress.line(text);
  };
  const works: (() => void)[] = [];
  const interrupt = listenForInterrupt(note);
  return {
    onFailure: (work) => void works.unshift(work),
    failed() {
      for (const work of works.splice(0)) work();
    },
    json,
    debug,
    progress,
    signal: interrupt.signal,
    command: commandLine(process.argv.slice(2)),
    note,
    noteThrough(line) {
      through = line;
      return {
        [Symbol.dispose]() {
          through = undefined;
        },
      };
    },
    print(text) {
      progress.clear();
      if (!json) process.stdout.write(`${text}\n`);
    },
    document(value) {
      if (json) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    [Symbol.dispose]() {
      progress.clear();
      interrupt[Symbol.dispose]();
    },
  };
}

function commandLine(args: readonly string[]): string {
  return ["trimtab", ...args].map((arg) => (/^[\w./:%=@,+-]+$/.test(arg) ? arg : `'${arg}'`)).join(" ");
}
