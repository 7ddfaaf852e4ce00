// Results files: JSONL, one run a line, only ever appended to. A run may be killed while it writes, so a reader must
// live with a torn line, and a writer must not glue its row to one.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { BadResultRowError, ResultsFileError } from "./errors.ts";
import { parseResultRow, type ResultRow } from "./result-row.ts";

const NEWLINE = 10;

export interface ResultsProblem {
  /** Line of the file, from 1. */
  readonly line: number;
  /** "torn": cut short by a killed writer. "broken": not JSON, or not a result row. */
  readonly kind: "torn" | "broken";
  /** One sentence a person can act on. */
  readonly message: string;
}

export interface ResultsRead {
  readonly rows: ResultRow[];
  /** Lines that were skipped. Show them: a skipped run is a missing number. */
  readonly problems: ResultsProblem[];
}

/**
 * Appends one row as one line, in one write, synced to disk before it returns. Makes the file if it is missing; a
 * torn line that an earlier run left is closed off first and stays as it is.
 *
 * @throws BadResultRowError before anything is written, ResultsFileError
 */
export function appendResult(path: string, row: ResultRow): void {
  const line = `${JSON.stringify(parseResultRow(row))}\n`;
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o644);
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    const torn = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    const bytes = Buffer.from(torn ? `\n${line}` : line);
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } catch (error) {
    throw new ResultsFileError(path, "append to", reasonOf(error));
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Reads every good row, and says which lines were skipped and why. Nothing is changed on disk.
 *
 * @throws ResultsFileError where the file cannot be read at all
 */
export function readResults(path: string): ResultsRead {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    throw new ResultsFileError(path, "read", reasonOf(error));
  }
  const rows: ResultRow[] = [];
  const problems: ResultsProblem[] = [];
  const lines = content.split("\n");
  lines.forEach((raw, i) => {
    if (raw.trim() === "") return;
    const line = i + 1;
    const place = `line ${line} of "${path}"`;
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      // A writer adds the line's end last, so only a line without one can be a write cut short.
      const kind = line === lines.length ? "torn" : "broken";
      const why =
        kind === "torn" ? "ends in the middle of a row; its run was killed while writing" : "is not JSON";
      problems.push({
        line,
        kind,
        message: `${place} ${why}; skipped. Run that run again to have its numbers.`,
      });
      return;
    }
    try {
      rows.push(parseResultRow(value, place));
    } catch (error) {
      if (!(error instanceof BadResultRowError)) throw error;
      problems.push({ line, kind: "broken", message: error.message });
    }
  });
  return { rows, problems };
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return "code" in error ? String(error.code) : error.message;
  return String(error);
}
