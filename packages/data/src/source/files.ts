// Reading user files as bytes: existence, hash, header line, and the line on which a record starts.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { BrokenRowError, EmptyFileError, MissingFileError } from "../errors.ts";

/** @throws MissingFileError, EmptyFileError */
export async function checkFile(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new MissingFileError("there is no such file", "Check the path", { file });
  if (!found.isFile()) throw new MissingFileError("is not a file", "Give the path of a file", { file });
  if (found.size === 0) throw new EmptyFileError("the file is empty", "Give a file with rows", { file });
  return found.size;
}

/** sha256 of a file's bytes, streamed. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

async function* plainBytes(file: string): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(file, { highWaterMark: 1 << 18 });
  if (!file.endsWith(".gz")) {
    yield* raw;
    return;
  }
  const unzip = raw.pipe(createGunzip());
  try {
    yield* unzip;
  } catch (error) {
    throw new BrokenRowError(
      `the file cannot be decompressed (${(error as Error).message})`,
      "Fetch it again; its end may be cut off",
      { file },
    );
  } finally {
    raw.destroy();
  }
}

const NEWLINE = 10;
const RETURN = 13;
/** The last byte of a UTF-8 byte order mark. */
const BOM = 0xbf;

/**
 * The records of a text file with the line each starts on. Blank lines are no records, and a newline inside quotes
 * does not end one: the same rules as the reader's, so that record numbers agree.
 */
async function* records(
  file: string,
  quote: string,
  delimiter: string,
): AsyncGenerator<{ line: number; text: string }> {
  const quoteByte = quote ? quote.charCodeAt(0) : -1;
  const delimiterByte = delimiter.charCodeAt(0);
  // A quote opens only where a value starts; inside, a doubled quote closes and opens again.
  let before = NEWLINE;
  let line = 1;
  let start = 1;
  let quoted = false;
  let parts: Uint8Array[] = [];
  const finish = (): string => Buffer.concat(parts).toString("utf8").replace(/\r$/, "");
  for await (const bytes of plainBytes(file)) {
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      const previous = before;
      before = byte as number;
      if (byte === quoteByte) {
        const opens =
          previous === delimiterByte || previous === NEWLINE || previous === quoteByte || previous === BOM;
        if (quoted || opens) quoted = !quoted;
      } else if (byte === NEWLINE) {
        line++;
        if (quoted) continue;
        parts.push(bytes.subarray(from, i));
        const record = finish();
        if (record.length > 0) yield { line: start, text: record };
        parts = [];
        from = i + 1;
        start = line;
      }
    }
    if (from < bytes.length) parts.push(bytes.slice(from));
  }
  const last = finish();
  if (last.length > 0) yield { line: start, text: last };
}

/** The first record of a text file, without a byte order mark, and the line it starts on. @throws EmptyFileError */
export async function firstRecord(
  file: string,
  quote: string,
  delimiter: string,
): Promise<{ readonly line: number; readonly text: string }> {
  for await (const { line, text } of records(file, quote, delimiter))
    return { line, text: text.replace(/^\ufeff/, "") };
  throw new EmptyFileError("the file has no lines", "Give a file with rows", { file });
}

/** The line on which data record `index` (from 0, after the header) starts. Reads the file: for error messages only. */
export async function lineOf(
  file: string,
  index: number,
  quote: string,
  delimiter: string,
  header: boolean,
): Promise<number> {
  let at = header ? -1 : 0;
  for await (const { line } of records(file, quote, delimiter)) {
    if (at === index) return line;
    at++;
  }
  return at + 1;
}

/** The values of one csv record. */
export function splitRecord(record: string, delimiter: string, quote: string): string[] {
  const values: string[] = [];
  let value = "";
  let quoted = false;
  for (let i = 0; i < record.length; i++) {
    const c = record[i] as string;
    if (quote && c === quote) {
      if (quoted && record[i + 1] === quote) {
        value += quote;
        i++;
      } else quoted = !quoted;
    } else if (c === delimiter && !quoted) {
      values.push(value);
      value = "";
    } else if (c !== String.fromCharCode(RETURN) || i < record.length - 1) value += c;
  }
  values.push(value);
  return values;
}
