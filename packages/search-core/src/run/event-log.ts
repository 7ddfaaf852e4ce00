/** events.jsonl: what happened in a run, one JSON object a line, only ever appended to. */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";

const NEWLINE = 10;

export class EventLog {
  readonly #path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Appends one event with the time it happened. A line that a killed run left torn is closed off first. */
  append(event: { readonly kind: string; readonly [key: string]: unknown }): void {
    this.#file ??= this.#open();
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`;
    writeSync(this.#file, line);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): number {
    const file = openSync(this.#path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o644);
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) writeSync(file, "\n");
    return file;
  }
}
